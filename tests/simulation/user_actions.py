"""What users do with their ApiTokens in the course of a history.

An action may come at any time: where it makes no sense any more, nothing happens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.simulation.replica_slots import ReplicaSlots
from tests.simulation.world import NAMESPACE, World, api_token_path

OVERLAP = timedelta(minutes=30)
"""The overlap of all objects: much longer than the clocks may differ."""


@dataclass(frozen=True, slots=True)
class UserAction:
    """One action; `text` describes it, `skew` is to which error of a clock it leads."""

    text: str
    do: Callable[[World, ReplicaSlots], None]
    skew: timedelta = timedelta()


def random_spec(random: Random) -> tuple[str, str]:
    """Return a strategy and a deletion policy."""
    return random.choice(["Reset", "Reset", "Replace"]), random.choice(
        ["Delete", "Delete", "Delete", "Retain"]
    )


def creation(random: Random, name: str) -> UserAction:
    """Return the creation of an object, of which nothing is left to do where it exists."""
    strategy, policy = random_spec(random)
    return UserAction(
        f"create {name} ({strategy}, {policy})", lambda world, _: initial(world, name, strategy, policy)
    )


def initial(world: World, name: str, strategy: str, policy: str) -> None:
    """Create an object that does not exist."""
    if not world.read(api_token_path(name)) and _is_open(world):
        rotation = {"overlap": f"{OVERLAP.total_seconds():.0f}s", "strategy": strategy}
        world.put_api_token(name, rotation=rotation, deletionPolicy=policy)


def _is_open(world: World) -> bool:
    namespace = world.read(f"/api/v1/namespaces/{NAMESPACE}")
    return namespace is not None and "deletionTimestamp" not in namespace["metadata"]


def _edit(name: str, **spec: Any) -> UserAction:
    def do(world: World, slots: ReplicaSlots) -> None:
        if world.read(api_token_path(name)):
            world.put_api_token(name, **spec)

    return UserAction(f"edit {name}: {spec}", do)


def expiration(random: Random, name: str) -> UserAction:
    """Return a change of the expiration."""
    after = random.choice(["1440h", "2160h", "8760h", None])
    policy = "After" if after else random.choice(["Never", "ServerDefault"])
    return _edit(name, expiration={"policy": policy, "after": after})


def access(random: Random, name: str) -> UserAction:
    """Return a change of what the token is for."""
    if random.random() < 0.3:
        return _edit(name, displayName=random.choice(["mailer", "billing mailer"]))
    level = random.choice(["Admin", "Viewer"])
    return _edit(name, resources=[{"type": "domain", "id": random.randint(1, 2), "accessLevel": level}])


def policies(random: Random, name: str) -> UserAction:
    """Return a change of how tokens are rotated or what a deletion leaves."""
    if random.random() < 0.5:
        return _edit(name, rotation={"strategy": random.choice(["Reset", "Replace"])})
    return _edit(name, deletionPolicy=random.choice(["Delete", "Delete", "Retain"]))


def rotation_request(random: Random, name: str) -> UserAction:
    """Return the request for a rotation."""
    request = f"request {random.randrange(1000)}"

    def do(world: World, slots: ReplicaSlots) -> None:
        if world.read(api_token_path(name)):
            world.request_rotation(name, request)

    return UserAction(f"rotate {name}: {request}", do)


def secret_name(random: Random, name: str) -> UserAction:
    """Return a change of the Secret's name."""
    return _edit(name, secretName=random.choice([name, f"{name}-a", f"{name}-b"]))


def secret_form(random: Random, name: str) -> UserAction:
    """Return a change of the Secret's form."""
    if random.random() < 0.3:
        return _edit(name, creationPolicy=random.choice(["Owner", "Orphan"]))
    more = random.choice(
        [None, "api:${token}", "${smtpUser}:${token}@${smtpHost} ${tokenId} until ${expiresAt}"]
    )
    return _edit(name, secretTemplate={"data": {"token": "${token}", "more": more}})


def suspension(random: Random, name: str) -> UserAction:
    """Return a suspension or its end."""
    return _edit(name, suspend=random.random() < 0.6)


def deletion(random: Random, name: str) -> UserAction:
    """Return a deletion, perhaps with another creation at once."""
    anew = creation(random, name) if random.random() < 0.5 else None

    def do(world: World, slots: ReplicaSlots) -> None:
        if world.read(api_token_path(name)):
            world.delete(api_token_path(name))
        if anew:
            anew.do(world, slots)

    return UserAction(f"delete {name}{f', {anew.text}' if anew else ''}", do)
