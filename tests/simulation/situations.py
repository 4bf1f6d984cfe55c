"""Where corruption strikes: the object `billing` in the midst of its life, another one, `shop`, beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.simulation.flows import is_served
from tests.simulation.network import Call, Network
from tests.simulation.persisted import Documents
from tests.simulation.watched import WatchedWorld
from tests.simulation.world import Body, Saved, World, api_token_path, secret_path
from tests.unit.clock import run_virtual

_RESOURCE = {"type": "domain", "id": 1, "accessLevel": "Admin"}
_NAMED = {"type": "sandbox", "name": "My sandbox", "accessLevel": "Viewer"}
_SPEC: Mapping[str, Any] = {
    "resources": [_RESOURCE, _NAMED],
    "expiration": {"policy": "After", "after": "2160h"},
    "secretTemplate": {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}}},
}
_OTHER_SPEC: Mapping[str, Any] = {
    "resources": [_RESOURCE],
    "expiration": {"policy": "After", "after": "4320h"},
    "secretTemplate": {
        "metadata": {"labels": {"part": "c"}, "annotations": {"hint": "d"}},
        "data": {"token": "${token}", "login": "api:${token}"},
    },
    # It stays in its overlap for good, so that none of its tokens ever has a reason to go.
    "rotation": {"overlap": "720h"},
}
_REPLACE: Mapping[str, Any] = {"resources": [{**_RESOURCE, "accessLevel": "Viewer"}, _NAMED]}
_RESET: Mapping[str, Any] = {"expiration": {"policy": "After", "after": "1080h"}}
_RESTART: Mapping[str, Any] = {
    **_REPLACE,
    # It does not exist, so that it is waited for.
    "rolloutRestartTargets": [{"kind": "Deployment", "name": "mailer"}],
}
_CREATE_CALL, _RESET_CALL, _PROBE = "POST {id}/api_tokens", "POST {id}/api_tokens/{id}/reset", "GET accounts"


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """How `billing` got there: served (unless it `is_new`), then changed as a user would, then over, or cut off.

    `change` None means that it is deleted; `killed_before` names the call that the operator does not live to make. One
    that `adopts` takes over a token that a person made.
    """

    name: str
    change: Mapping[str, Any] | None
    is_over: bool = False
    killed_before: str = ""
    goes_on: bool = False
    is_new: bool = False
    adopts: bool = False

    def __str__(self) -> str:
        return self.name


SITUATIONS: tuple[Situation, ...] = (
    Situation("one token, the operator continues", _REPLACE, is_over=True, goes_on=True),
    Situation("one token", _REPLACE, is_over=True),
    Situation("overlap, the operator continues", _REPLACE, goes_on=True),
    Situation("overlap", _REPLACE),
    Situation("overlap of a reset", _RESET),
    Situation("workloads to restart", _RESTART),
    Situation("adopted", {}, adopts=True),
    Situation("first token claimed", _SPEC, killed_before=_CREATE_CALL, is_new=True),
    Situation("first token made", _SPEC, killed_before=_PROBE, is_new=True),
    Situation("replacement claimed", _REPLACE, killed_before=_CREATE_CALL),
    Situation("replacement made", _REPLACE, killed_before=_PROBE),
    Situation("reset claimed", _RESET, killed_before=_RESET_CALL),
    Situation("reset made", _RESET, killed_before=_PROBE),
    Situation("deletion claimed", None, killed_before="DELETE {id}/api_tokens/{id}"),
)


@dataclass(frozen=True, slots=True)
class Start:
    """A world, and the persisted documents of `billing`, of `shop`, and of `billing` before its last change."""

    saved: Saved
    own: Documents
    others: Documents
    older: Documents


@cache
def start_of(situation: Situation) -> Start:
    """Return the world in a situation."""
    served = _served(is_alone=situation.is_new)
    saved = run_virtual(_lived(served, "billing", situation))
    world = World(Network(), saved=saved)
    others = documents(world, "shop")
    others["status"] = {**others["status"], "operation": _operation_of_shop()}
    older = documents(World(Network(), saved=served), "billing")
    return Start(saved, documents(world, "billing"), others, older)


def documents(world: World, name: str) -> dict[str, Any]:
    """Return what is persisted of an object, by document; what does not exist is left out."""
    found: dict[str, Any] = {}
    if api_token := world.read(api_token_path(name)):
        found["status"] = api_token["status"]
        found["finalizers"] = api_token["metadata"].get("finalizers", [])
    if secret := world.read(secret_path(name)):
        parts = ("labels", "annotations", "ownerReferences")
        found["secret"] = {part: secret["metadata"].get(part) for part in parts} | {
            "data": secret.get("data")
        }
    return found


@cache
def _served(*, is_alone: bool) -> Saved:
    """Return the world in which `shop` is served, in the overlap of a rotation, and `billing` unless it `is_alone`."""

    async def live() -> Saved:
        async with WatchedWorld(World(Network()).save()) as watched:
            world = watched.world
            world.put_api_token("shop", **_OTHER_SPEC)
            if not is_alone:
                world.put_api_token(**_SPEC)
                world.request_rotation()
            await world.start_operator()
            assert await watched.until(is_served)
            if not is_alone:
                contenders = {"status": {"contenders": ["cloned"]}}
                world.write("PATCH", f"{api_token_path()}/status", contenders)
            world.put_api_token("shop", **_REPLACE)
            assert await watched.until(is_served)
            assert _status(world, "shop")["previous"]
        return world.save()

    return run_virtual(live())


@cache
def _operation_of_shop() -> Body:
    """Return a claim as `shop` makes it."""
    reset = Situation("", _RESET, killed_before=_RESET_CALL)
    saved = run_virtual(_lived(_served(is_alone=False), "shop", reset, seed=1))
    operation: Body = _status(World(Network(), saved=saved), "shop")["operation"]
    return operation


async def _lived(saved: Saved, name: str, situation: Situation, *, seed: int = 0) -> Saved:
    network = Network(is_counting=True)
    async with WatchedWorld(saved, network, seed=seed) as watched:
        world = watched.world
        operator = await world.start_operator()

        async def kill(call: Call) -> None:
            if call.what == situation.killed_before:
                operator.life.is_alive = False

        def is_there(world: World) -> bool:
            if situation.killed_before:
                return not operator.life.is_alive
            return is_served(world) and bool(_status(world, name).get("previous")) != situation.is_over

        network.before = kill
        if situation.adopts:
            world.adopt(name)
        if situation.change is None:
            world.delete(api_token_path(name))
        else:
            world.put_api_token(name, **situation.change)
        assert await watched.until(is_there), situation
    if situation.change is _RESTART:
        # As if it had existed, and its pods were ending.
        ending = {"status": {"current": {"podsEndAt": "2026-03-01T12:30:00Z"}}}
        world.write("PATCH", f"{api_token_path(name)}/status", ending)
    return world.save()


def _status(world: World, name: str) -> Body:
    status: Body = (world.read(api_token_path(name)) or {})["status"]
    return status
