"""Runs a flow under a script of faults and checks the invariants at every change and at the end."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from tests.simulation.final_state import final_state_of
from tests.simulation.flows import Flow, is_served, is_waiting
from tests.simulation.invariants import Invariants
from tests.simulation.log_capture import everything_logged
from tests.simulation.network import Before, Call, Network
from tests.simulation.operator_instance import CLAIM, FULL, LIST, OF_ACCOUNT, TRIAL, Sight
from tests.simulation.outcomes import OK, Kind, Outcome, Seen
from tests.simulation.world import Saved, World
from tests.unit.clock import run_virtual, virtual_loop

LONGEST = timedelta(hours=3).total_seconds()
AFTERWARDS = 5.0
"""How long a served world is watched for second thoughts."""


Script = Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to: its calls, how it ended, and what it violated, if anything.

    `cost` is the number of I/Os until the object was served, or gone; a start's lists and writes of the account object
    do not count. `values` are all token values that there were.
    """

    calls: tuple[Call, ...]
    cost: int
    ending: list[Any]
    values: frozenset[str]
    violation: str | None

    @property
    def minted(self) -> int:
        """How many creates and resets were tried."""
        return sum(call.what.startswith("POST {id}/api_tokens") for call in self.calls)


@cache
def start_of(flow: Flow) -> Saved:
    """Return the world in which a flow begins."""

    async def prepare() -> Saved:
        world = World(Network())
        world.remote.settings = replace(world.remote.settings, paths=flow.paths)
        flow.prepare(world)
        if flow.spec is None:
            return world.save()
        world.put_api_token(**flow.spec)
        return await world.served()

    return run_virtual(prepare())


@cache
def without_faults(flow: Flow) -> Run:
    """Return the run of a flow in which nothing goes wrong."""
    return play(flow, {})


def run(flow: Flow, script: Script) -> Run:
    """Run a flow once; its end and its cost are held against the run without faults."""
    came_to, model = play(flow, script), without_faults(flow)
    if came_to.violation:
        return came_to
    extra = came_to.cost - model.cost
    if extra > flow.recovery * len(script):
        return replace(came_to, violation=f"cost: {extra} more I/Os than without faults")
    extra = came_to.minted - model.minted
    if extra > sum(_may_lose_a_value(came_to.calls[number], outcome) for number, outcome in script.items()):
        return replace(came_to, violation=f"doubled: {extra} more tokens were made than without faults")
    if came_to.ending != model.ending:
        return replace(came_to, violation=f"end: {came_to.ending} instead of {model.ending}")
    return came_to


def _may_lose_a_value(call: Call, outcome: Outcome) -> bool:
    """Whether after such a fault another create or reset is right.

    It is after a crash and a failed claim or remote mutation, where the new value was refused when it was tried, and where
    a server says that the Secret or the token is not there; not after any other read or write. A list that lacks a token
    does not say so: the token is asked for.
    """
    return (
        outcome.seen is Seen.CRASH
        or (outcome.seen is Seen.SHORT and call.what == "GET {id}/api_tokens/{id}")
        or call.kind is Kind.REMOTE_MUTATION
        or call.what.startswith((CLAIM, TRIAL))
        or (call.kind is Kind.KUBERNETES_READ and outcome.name in {"stale", "404"})
    )


def play(
    flow: Flow,
    script: Script,
    *,
    before: Before | None = None,
    sight: Sight = FULL,
) -> Run:
    """Run a flow once, as it comes; `before` is told each call, `sight` is what operators learn of Kubernetes."""
    network = Network(lambda call: script.get(call.number, OK), before=before)
    saved = start_of(flow)
    with everything_logged() as logged:
        return run_virtual(_play(flow, saved, network, logged, sight))


async def _play(flow: Flow, saved: Saved, network: Network, logged: list[str], sight: Sight) -> Run:
    virtual_loop().now = saved.time
    world = World(network, saved=saved, sight=sight, setup=flow.setup)
    invariants, cost = Invariants(world), 0

    def note() -> None:
        nonlocal cost
        is_served_now = flow.is_done(world) or (is_served(world) and not is_waiting(world))
        if network.is_counting and not cost and is_served_now:
            cost = sum(not (call.what.startswith(LIST) or OF_ACCOUNT in call.what) for call in network.calls)
        invariants.on_change()

    network.on_change = note
    world.follow_crashes()
    await world.start_operator()
    await asyncio.sleep(1)
    await live(flow, invariants)
    await invariants.end()
    invariants.note_words(logged)
    violation = next(iter(invariants.violations), None)
    return Run(tuple(network.calls), cost, final_state_of(world), invariants.values, violation)


async def live(
    flow: Flow, invariants: Invariants, *, is_standing_still: Callable[[], bool] = lambda: False
) -> None:
    """Have a flow begin, and wait until it is done, and a little longer.

    Of a world in which someone is standing still nothing is concluded.
    """
    world, violations, loop = invariants.world, invariants.violations, asyncio.get_running_loop()
    world.network.is_counting = True
    flow.begin(world)
    invariants.forgive()
    deadline, seen = loop.time() + LONGEST, -1
    while not violations:
        if is_new := seen != world.changes and not is_standing_still():
            if flow.is_done(world):
                break
            seen = world.changes
            world.collect_garbage()
        if loop.time() > deadline:
            violations.append(f"ESR: not done: {[body.get('status') for body in world.api_tokens()]}")
        await asyncio.sleep(1 if is_new else 5)
    world.network.is_counting = False
    await asyncio.sleep(AFTERWARDS)
    if not violations:
        invariants.note(invariants.check_at_rest if flow.ends_served else invariants.check_strays)
