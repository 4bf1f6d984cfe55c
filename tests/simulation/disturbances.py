"""Disturbances in the course of a history: losses, wrong clocks, missing rights, people in Mailtrap.

A disturbance is an action of no user; what makes no sense any more does nothing.
"""

import base64
from dataclasses import replace
from datetime import timedelta
from random import Random

from mailtrap_operator.core.ownership import owner_of
from mailtrap_simulator.tokens import ADMIN, VIEWER, Grant, Token
from tests.simulation.operator_instance import INSTALLATION
from tests.simulation.replica_slots import ReplicaSlots
from tests.simulation.user_actions import UserAction
from tests.simulation.world import CREDENTIAL, NAMESPACE, Body, World, api_token_path, secret_path

LARGEST_SKEW = timedelta(minutes=5)


def random_skew(random: Random) -> timedelta:
    """Return an error of a clock."""
    return LARGEST_SKEW * random.uniform(-1, 1)


def loss_of_the_secret(_random: Random, name: str) -> UserAction:
    """Return a deletion of the Secret."""

    def do(world: World, slots: ReplicaSlots) -> None:
        for secret in _secrets(world, name):
            world.delete(secret_path(secret["metadata"]["name"]))

    return UserAction(f"delete the Secret of {name}", do)


def edit_of_the_secret(_random: Random, name: str) -> UserAction:
    """Return an edit of the value in the Secret."""
    data = {"data": {"token": base64.b64encode(b"edited").decode()}}

    def do(world: World, slots: ReplicaSlots) -> None:
        for secret in _secrets(world, name):
            world.write("PATCH", secret_path(secret["metadata"]["name"]), data)

    return UserAction(f"edit the Secret of {name}", do)


def _secrets(world: World, name: str) -> list[Body]:
    body = world.read(api_token_path(name))
    secret = world.secret_of(body) if body else None
    return [secret] if secret else []


def loss_of_the_status(_random: Random, name: str) -> UserAction:
    """Return a loss of the whole status."""

    def do(world: World, slots: ReplicaSlots) -> None:
        if body := world.read(api_token_path(name)):
            world.write("PUT", f"{api_token_path(name)}/status", {**body, "status": {}})

    return UserAction(f"wipe the status of {name}", do)


def jump_of_a_clock(random: Random, _name: str) -> UserAction:
    """Return a jump of an operator's clock."""
    skew, slot = random_skew(random), random.randrange(2)

    def do(world: World, slots: ReplicaSlots) -> None:
        slots.set_clock(slot, skew)

    return UserAction(f"the clock of post {slot} jumps to {skew.total_seconds():+.0f} s", do, skew)


def standstill(random: Random, _name: str) -> UserAction:
    """Return a time in which an operator's process stands still."""
    slot, seconds = random.randrange(2), 10 ** random.uniform(0, 2.3)

    def do(world: World, slots: ReplicaSlots) -> None:
        slots.stop(slot, seconds)

    return UserAction(f"the operator of post {slot} stands still for {seconds:.0f} s", do)


def loss_of_the_namespace(_random: Random, _name: str) -> UserAction:
    """Return a deletion of the namespace."""

    def do(world: World, slots: ReplicaSlots) -> None:
        world.delete(f"/api/v1/namespaces/{NAMESPACE}")

    return UserAction("delete the namespace", do)


def rights_of_the_credential(random: Random, _name: str) -> UserAction:
    """Return a loss, or the return, of the credential's rights."""
    level = random.choice([ADMIN, VIEWER, VIEWER])

    def do(world: World, slots: ReplicaSlots) -> None:
        # Tokens that stand on no record are invisible to a credential with fewer rights: nothing can show them.
        if level == ADMIN or all(_is_on_record(body) for body in world.api_tokens()):
            _grant(world, level)

    return UserAction(f"give the credential the access level {level}", do)


def _is_on_record(body: Body) -> bool:
    status = body.get("status", {})
    return "current" in status and "operation" not in status


def _grant(world: World, level: int) -> None:
    account = world.account
    credential = account.find_value(CREDENTIAL)
    assert credential is not None
    account.put(replace(credential, grants=(replace(account.admin_grant, access_level=level),)))


def deletion_elsewhere(_random: Random, name: str) -> UserAction:
    """Return a deletion of the newest token by a person in Mailtrap."""

    def do(world: World, slots: ReplicaSlots) -> None:
        for token in _newest(world, name):
            world.account.delete(token)

    return UserAction(f"delete the newest token of {name} in Mailtrap", do)


def reset_elsewhere(_random: Random, name: str) -> UserAction:
    """Return a reset of the newest token by a person in Mailtrap."""

    def do(world: World, slots: ReplicaSlots) -> None:
        for token in _newest(world, name):
            if not token.was_reset:
                world.account.reset(token, None, "Jane Doe", world.remote_time())

    return UserAction(f"reset the newest token of {name} in Mailtrap", do)


def permissions_elsewhere(random: Random, name: str) -> UserAction:
    """Return a change of the newest token's permissions by a person in Mailtrap."""
    grant = Grant("domain", random.randint(1, 3), random.choice([ADMIN, VIEWER]))

    def do(world: World, slots: ReplicaSlots) -> None:
        for token in _newest(world, name):
            world.account.put(replace(token, grants=(grant,)))

    return UserAction(
        f"grant {grant.resource_type} {grant.resource_id} to the newest token of {name} in Mailtrap", do
    )


def _newest(world: World, name: str) -> list[Token]:
    body = world.read(api_token_path(name))
    return world.owned(body)[-1:] if body else []


def tidy(world: World) -> None:
    """Do what only a user can: give back rights, resume what is suspended, remove what stands in a Secret's way."""
    _grant(world, ADMIN)
    for body in world.api_tokens():
        if body["spec"].get("suspend"):
            world.put_api_token(body["metadata"]["name"], suspend=False)
        secret = world.secret_of(body)
        if secret is not None and not _is_own(secret, body):
            world.delete(secret_path(secret["metadata"]["name"]))


def _is_own(secret: Body, body: Body) -> bool:
    meta, annotations = body["metadata"], secret["metadata"].get("annotations") or {}
    owner = owner_of(INSTALLATION, meta["namespace"], meta["name"], meta["uid"])
    return bool(annotations.get("mailtrap-operator.io/owner") == f"{INSTALLATION}-{owner}")
