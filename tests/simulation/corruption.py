"""Corrupts one persisted field of an object and sees what operators make of it.

A run waits for rest, has the user restore the field where a condition asks for it, and deletes the object. Nothing of
another object is touched, nothing is left over, and where the object is not served, a condition says why.
"""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from mailtrap_operator.api.names import FINALIZER
from tests.simulation.flows import is_served
from tests.simulation.invariants import ViolationError, what_is_missing
from tests.simulation.persisted import Corrupted, at, changed, corrupted
from tests.simulation.situations import SITUATIONS, Situation, Start, documents, start_of
from tests.simulation.watched import WatchedWorld, trouble_of
from tests.simulation.world import OVERLAP, Body, World, api_token_path, secret_path
from tests.unit.clock import run_virtual

REFUSED = "refused by the API server"
WELL = "well"


@dataclass(frozen=True, slots=True)
class Case:
    """A corruption in a situation; `is_awaited` says whether the object is deleted after the repair or at once."""

    situation: Situation
    corrupted: Corrupted
    is_awaited: bool

    def __str__(self) -> str:
        return f"{self.situation}: {self.corrupted}{'' if self.is_awaited else ', deleted at once'}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to: how its stages ended, the deletion the last of them, and what was violated, if anything.

    The ends are `REFUSED`, `WELL`, or the reason of the condition that made the user restore the field.
    """

    ends: tuple[str, ...]
    violation: str | None = None


@cache
def cases(situation: Situation) -> tuple[Case, ...]:
    """Return all cases of a situation in a fixed order."""
    start = start_of(situation)
    return tuple(
        Case(situation, each, is_awaited)
        for each in corrupted(start.own, start.others, start.older)
        for is_awaited in ((True, False) if situation.change else (False,))
        if is_awaited or not _lets_go(each)
    )


def _lets_go(corrupted: Corrupted) -> bool:
    """Whether an object that is deleted at once would go at once: without the finalizer no one can hold it."""
    return corrupted.document == "finalizers" and FINALIZER not in corrupted.content


@cache
def every_case() -> tuple[Case, ...]:
    """Return the cases of all situations in a fixed order."""
    return tuple(case for situation in SITUATIONS for case in cases(situation))


def check(number: int) -> str | None:
    """Run the case of a number among all; return what it violates, if anything."""
    case = every_case()[number]
    violation = run(case).violation
    return f"{case}: {violation}" if violation else None


def run(case: Case) -> Result:
    """Run a case once."""
    ends: list[str] = []
    try:
        run_virtual(_run(case, start_of(case.situation), ends))
    except ViolationError as violation:
        return Result(tuple(ends), str(violation))
    return Result(tuple(ends))


async def _run(case: Case, start: Start, ends: list[str]) -> None:
    async with WatchedWorld(start.saved) as watched:
        world, goes_on = watched.world, case.situation.goes_on
        world.foreign |= {token.id for token in world.owned(world.read(api_token_path("shop")) or {})}
        if goes_on:
            await world.start_operator()
            await asyncio.sleep(1)
        if not _write(world, case.corrupted.document, case.corrupted.content):
            ends.append(REFUSED)
            return
        watched.forgive()
        if not goes_on:
            await world.start_operator()
        api_token = _billing(world)
        if case.is_awaited:
            ends.append(await _until(watched, is_served, case))
            # What was corrupted may strike later: when an overlap ends.
            await asyncio.sleep(OVERLAP.total_seconds())
            ends.append(await _until(watched, is_served, case))
            watched.check_at_rest()
        world.delete(api_token_path())
        ends.append(await _until(watched, _is_released, case))
        _check_leftovers(world, api_token, case)


async def _until(watched: WatchedWorld, is_done: Callable[[World], bool], case: Case) -> str:
    """Wait until all is well, where need be after the user has restored the field; return how that was."""
    world, (document, field, *_) = watched.world, case.corrupted
    if await watched.until(is_done):
        return WELL
    reason = trouble_of(world, _billing(world))
    restored = at(start_of(case.situation).own[document], field)
    assert _write(world, document, changed(documents(world, "billing")[document], field, restored))
    watched.forgive()
    if not await watched.until(is_done):
        raise ViolationError(f"ESR: {trouble_of(world, _billing(world))} after the user restored the field")
    return reason


def _write(world: World, document: str, content: Any) -> bool:
    """Write a document of `billing` as a user; return whether the API server accepted it."""
    path = secret_path() if document == "secret" else api_token_path()
    body = deepcopy(world.read(path))
    assert body is not None
    match document:
        case "status":
            path, body["status"] = f"{path}/status", content
        case "finalizers":
            body["metadata"]["finalizers"] = content
        case _:
            parts = content if isinstance(content, dict) else {}
            body["data"] = parts.get("data")
            body["metadata"] |= {
                part: parts.get(part) for part in ("labels", "annotations", "ownerReferences")
            }
    status, _ = world.kubernetes.request("PUT", path, {}, body, "application/json")
    world.note_change()
    return status < 300


def _check_leftovers(world: World, api_token: Body, case: Case) -> None:
    if world.read(api_token_path()):
        _write(world, "finalizers", [])
    world.collect_garbage()
    if world.owned(api_token):
        raise ViolationError("I5: a token is left over")
    if case.is_awaited and world.read(secret_path()):
        raise ViolationError("the Secret is left over")
    if wrong := what_is_missing(world, world.read(api_token_path("shop")) or {}):
        raise ViolationError(f"of the other object: {wrong}")


def _is_released(world: World) -> bool:
    """Whether nothing keeps the object but a finalizer that someone else has set."""
    return FINALIZER not in _billing(world).get("metadata", {}).get("finalizers", ())


def _billing(world: World) -> Body:
    return world.read(api_token_path()) or {}
