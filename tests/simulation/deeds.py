"""What users and the world around do in the course of a history, each at an instant of its own.

A deed may come at any time: where it makes no sense any more, nothing happens.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from mailtrap_operator.core.ownership import owner_of
from mailtrap_simulator.tokens import ADMIN, VIEWER
from tests.simulation.incarnation import INSTALLATION
from tests.simulation.posts import Posts
from tests.simulation.world import CREDENTIAL, NAMESPACE, Body, World, api_token_path, secret_path

OVERLAP = timedelta(minutes=30)
"""The overlap of all objects: much longer than the clocks may differ."""

LARGEST_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Deed:
    """One deed; `text` tells of it, `skew` is to which error of a clock it leads."""

    text: str
    do: Callable[[World, Posts], None]
    skew: timedelta = timedelta()


def random_deed(random: Random, names: tuple[str, ...], posts: int) -> Deed:
    """Return some deed."""
    name = random.choice(names)
    make = random.choices(*_WEIGHTED)[0]
    return make(random, name) if make is not _jump_of_a_clock else make(random, str(random.randrange(posts)))


def random_spec(random: Random) -> tuple[str, str]:
    """Return a strategy and a deletion policy."""
    return random.choice(["Reset", "Reset", "Replace"]), random.choice(
        ["Delete", "Delete", "Delete", "Retain"]
    )


def creation(random: Random, name: str) -> Deed:
    """Return the creation of an object, of which nothing is left to do where it exists."""
    strategy, policy = random_spec(random)
    return Deed(
        f"create {name} ({strategy}, {policy})", lambda world, _: initial(world, name, strategy, policy)
    )


def initial(world: World, name: str, strategy: str, policy: str) -> None:
    """Create an object that does not exist."""
    if not world.read(api_token_path(name)) and _is_open(world):
        rotation = {"overlap": f"{OVERLAP.total_seconds():.0f}s", "strategy": strategy}
        world.put_api_token(name, rotation=rotation, deletionPolicy=policy)


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


def _is_open(world: World) -> bool:
    namespace = world.read(f"/api/v1/namespaces/{NAMESPACE}")
    return namespace is not None and "deletionTimestamp" not in namespace["metadata"]


def _edit(name: str, **spec: Any) -> Deed:
    def do(world: World, posts: Posts) -> None:
        if world.read(api_token_path(name)):
            world.put_api_token(name, **spec)

    return Deed(f"edit {name}: {spec}", do)


def _expiration(random: Random, name: str) -> Deed:
    after = random.choice(["1440h", "2160h", "8760h", None])
    policy = "After" if after else random.choice(["Never", "ServerDefault"])
    return _edit(name, expiration={"policy": policy, "after": after})


def _access(random: Random, name: str) -> Deed:
    if random.random() < 0.3:
        return _edit(name, displayName=random.choice(["mailer", "billing mailer"]))
    level = random.choice(["Admin", "Viewer"])
    return _edit(name, resources=[{"type": "domain", "id": random.randint(1, 2), "accessLevel": level}])


def _policies(random: Random, name: str) -> Deed:
    if random.random() < 0.5:
        return _edit(name, rotation={"strategy": random.choice(["Reset", "Replace"])})
    return _edit(name, deletionPolicy=random.choice(["Delete", "Delete", "Retain"]))


def _secret_name(random: Random, name: str) -> Deed:
    return _edit(name, secretName=random.choice([name, f"{name}-a", f"{name}-b"]))


def _secret_form(random: Random, name: str) -> Deed:
    if random.random() < 0.3:
        return _edit(name, creationPolicy=random.choice(["Owner", "Orphan"]))
    more = random.choice([None, "api:${token}"])
    return _edit(name, secretTemplate={"data": {"token": "${token}", "more": more}})


def _suspension(random: Random, name: str) -> Deed:
    return _edit(name, suspend=random.random() < 0.6)


def _deletion(random: Random, name: str) -> Deed:
    anew = creation(random, name) if random.random() < 0.5 else None

    def do(world: World, posts: Posts) -> None:
        if world.read(api_token_path(name)):
            world.delete(api_token_path(name))
        if anew:
            anew.do(world, posts)

    return Deed(f"delete {name}{f', {anew.text}' if anew else ''}", do)


def _loss_of_the_secret(_random: Random, name: str) -> Deed:
    def do(world: World, posts: Posts) -> None:
        for secret in _secrets(world, name):
            world.delete(secret_path(secret["metadata"]["name"]))

    return Deed(f"delete the Secret of {name}", do)


def _edit_of_the_secret(_random: Random, name: str) -> Deed:
    data = {"data": {"token": base64.b64encode(b"edited").decode()}}

    def do(world: World, posts: Posts) -> None:
        for secret in _secrets(world, name):
            world.write("PATCH", secret_path(secret["metadata"]["name"]), data)

    return Deed(f"edit the Secret of {name}", do)


def _secrets(world: World, name: str) -> list[Body]:
    body = world.read(api_token_path(name))
    secret = world.secret_of(body) if body else None
    return [secret] if secret else []


def _loss_of_the_status(_random: Random, name: str) -> Deed:
    def do(world: World, posts: Posts) -> None:
        if body := world.read(api_token_path(name)):
            world.write("PUT", f"{api_token_path(name)}/status", {**body, "status": {}})

    return Deed(f"wipe the status of {name}", do)


def _jump_of_a_clock(random: Random, post: str) -> Deed:
    skew = random_skew(random)

    def do(world: World, posts: Posts) -> None:
        posts.set_clock(int(post), skew)

    return Deed(f"the clock of post {post} jumps to {skew.total_seconds():+.0f} s", do, skew)


def _loss_of_the_namespace(_random: Random, _name: str) -> Deed:
    def do(world: World, posts: Posts) -> None:
        world.delete(f"/api/v1/namespaces/{NAMESPACE}")

    return Deed("delete the namespace", do)


def _rights_of_the_credential(random: Random, _name: str) -> Deed:
    level = random.choice([ADMIN, VIEWER, VIEWER])

    def do(world: World, posts: Posts) -> None:
        _grant(world, level)

    return Deed(f"give the credential the access level {level}", do)


def _grant(world: World, level: int) -> None:
    account = world.account
    credential = account.find_value(CREDENTIAL)
    assert credential is not None
    account.put(replace(credential, grants=(replace(account.admin_grant, access_level=level),)))


def random_skew(random: Random) -> timedelta:
    """Return an error of a clock."""
    return LARGEST_SKEW * random.uniform(-1, 1)


_WEIGHTED: tuple[list[Callable[[Random, str], Deed]], list[int]] = (
    [
        creation,
        _expiration,
        _access,
        _policies,
        _secret_name,
        _secret_form,
        _suspension,
        _deletion,
        _loss_of_the_secret,
        _edit_of_the_secret,
        _loss_of_the_status,
        _jump_of_a_clock,
        _rights_of_the_credential,
        _loss_of_the_namespace,
    ],
    [10, 18, 12, 5, 8, 5, 5, 12, 8, 5, 5, 8, 5, 1],
)
