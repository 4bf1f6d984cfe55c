"""The flows that are taken through every fault: what a user does, from where, and how one knows that it is done."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from mailtrap_simulator.settings import Paths
from mailtrap_simulator.tokens import ADMIN, Grant, Token
from tests.simulation.consumer import NAME as CONSUMER
from tests.simulation.invariants import what_is_missing
from tests.simulation.operator_instance import USUAL, Setup
from tests.simulation.virtual_time import START
from tests.simulation.world import BY_HAND, OVERLAP, World, api_token_path, secret_path

_UNDER_WAY = 0.15
"""How long after its creation an object's first token is being made."""

_OPENS = START + timedelta(minutes=5)
_OPEN_FOR = timedelta(hours=1)
"""When a rotation window is open: later than the flow begins, and long enough for every fault."""


def is_served(world: World) -> bool:
    """Whether every object is Ready and served to the end."""
    objects = world.api_tokens()
    return bool(objects) and all(what_is_missing(world, body) is None for body in objects)


def held_token(world: World) -> Token | None:
    """Return the remote token whose value the one Secret holds."""
    (body,) = world.api_tokens()
    return next((token for token in world.owned(body) if token.value == world.published_value()), None)


def is_waiting(world: World) -> bool:
    """Whether a rotation waits for its window."""
    conditions = (c for body in world.api_tokens() for c in body["status"].get("conditions", ()))
    return any(condition["type"] == "RotationPending" for condition in conditions)


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """One flow; `spec` is that of the object it starts from, None when the ApiToken has none yet; `prepare` comes before it.

    `setup` is that of its operators, `paths` are those that Mailtrap serves. One that `ends_served` leaves every object Ready. `recovery` is how many I/Os more
    than without faults it may take until the object is served, for each fault; among them are the account's status, which a
    new operator writes when the credential is another one, and a look at the account's resources, with its credential.
    """

    name: str
    begin: Callable[[World], None]
    spec: dict[str, Any] | None = field(default_factory=dict)
    is_done: Callable[[World], bool] = is_served
    setup: Setup = USUAL
    paths: Paths = "both"
    ends_served: bool = True
    recovery: int = 32
    prepare: Callable[[World], None] = lambda _world: None

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], "Flow"], tuple[str]]:
        """Have another process find its own flow of this name, with what it knows of it already."""
        return _named, (self.name,)


def _is_served_with_one_token(world: World) -> bool:
    return is_served(world) and not any(body["status"].get("previous") for body in world.api_tokens())


def _is_gone(world: World) -> bool:
    return not world.api_tokens()


def _is_corrected(world: World) -> bool:
    return _is_served_with_one_token(world) and all(
        token.grants == (Grant("domain", 1, ADMIN),)
        for body in world.api_tokens()
        for token in world.owned(body)
    )


def create(world: World) -> None:
    world.put_api_token()


def _create_by_name(world: World) -> None:
    world.put_api_token(resources=[{"type": "domain", "name": "example.com", "accessLevel": "Admin"}])


def change_expiration(world: World) -> None:
    world.put_api_token(expiration={"policy": "After", "after": "2160h"})


def _change_permissions(world: World) -> None:
    world.put_api_token(resources=[{"type": "domain", "id": 1, "accessLevel": "Viewer"}])


def request_rotation(world: World) -> None:
    world.request_rotation()


def _is_rotated_in_window(world: World) -> bool:
    """Whether the token was made when the window was open."""
    held = held_token(world)
    is_in_window = held is not None and _OPENS <= held.created_at < _OPENS + _OPEN_FOR
    return is_in_window and is_served(world) and not is_waiting(world)


def _request_rotation_with_consumer(world: World) -> None:
    world.consumer.deploy()
    world.request_rotation()


def _has_moved(world: World) -> bool:
    """Whether the one token is that of the Secret, and the pods use it."""
    return _is_served_with_one_token(world) and world.consumer.value == world.published_value()


def _adopt(world: World) -> None:
    world.adopt()


def _is_adopted(world: World) -> bool:
    """Whether the adopted token is gone after its overlap."""
    names = [token.name for token in world.remote_tokens().values()]
    return _is_served_with_one_token(world) and BY_HAND not in names


def _lose_secret(world: World) -> None:
    world.delete(secret_path())


def _lose_status(world: World) -> None:
    path = api_token_path()
    body = world.read(path) or {}
    world.write("PUT", f"{path}/status", {**body, "status": {}})


def _lose_secret_and_status(world: World) -> None:
    _lose_secret(world)
    _lose_status(world)


def _rename_secret(world: World) -> None:
    world.put_api_token(secretName="renamed")


def _replace_credential(world: World) -> None:
    world.replace_credential()
    _change_permissions(world)


def _change_permissions_elsewhere(world: World) -> None:
    """Change the token's permissions as a person in Mailtrap; the list reports it when someone asks."""
    (body,) = world.api_tokens()
    (token,) = world.owned(body)
    world.account.put(replace(token, grants=(Grant("domain", 2, ADMIN),)))
    world.request_list()


def delete(world: World) -> None:
    world.delete(api_token_path())


def _create_and_delete(world: World) -> None:
    """Delete the object while its first token is being issued."""
    create(world)
    asyncio.get_running_loop().call_later(_UNDER_WAY, delete, world)


FLOWS: tuple[Flow, ...] = (
    Flow("create", create, spec=None),
    Flow("create with a named resource", _create_by_name, spec=None),
    Flow("reset", change_expiration),
    Flow("replace", _change_permissions, is_done=_is_served_with_one_token),
    Flow("rotation requested", request_rotation),
    Flow(
        "rotation in a window",
        change_expiration,
        spec={
            "rotation": {
                "windows": [
                    {
                        "schedule": f"{_OPENS:%-M %-H} * * *",
                        "duration": f"{_OPEN_FOR.total_seconds():.0f}s",
                    }
                ]
            }
        },
        is_done=_is_rotated_in_window,
    ),
    Flow(
        "workload restarted",
        _request_rotation_with_consumer,
        spec={
            "rolloutRestartTargets": [{"kind": "Deployment", "name": CONSUMER}],
            "rotation": {"strategy": "Replace", "overlap": f"{OVERLAP.total_seconds():.0f}s"},
        },
        is_done=_has_moved,
    ),
    Flow("adopted", _adopt, is_done=_is_adopted),
    Flow("Secret lost", _lose_secret),
    Flow("status lost", _lose_status),
    Flow("Secret and status lost", _lose_secret_and_status, is_done=_is_served_with_one_token),
    Flow("Secret renamed", _rename_secret),
    Flow("credential replaced", _replace_credential),
    Flow("permissions changed in Mailtrap", _change_permissions_elsewhere, is_done=_is_corrected),
    Flow("delete", delete, is_done=_is_gone),
    Flow("deleted while created", _create_and_delete, spec=None, is_done=_is_gone),
    Flow("retain", delete, spec={"deletionPolicy": "Retain"}, is_done=_is_gone),
)


def _named(name: str) -> Flow:
    return next(flow for flow in FLOWS if flow.name == name)
