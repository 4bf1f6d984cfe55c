"""Runs a flow under a script of faults and checks the invariants at every change and at the end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from tests.simulation.endings import ending_of
from tests.simulation.flows import Flow, is_served
from tests.simulation.incarnation import CLAIM, LIST
from tests.simulation.invariants import Invariants, ViolationError
from tests.simulation.listening import everything_logged
from tests.simulation.network import Call, Network
from tests.simulation.outcomes import Kind, Outcome, Seen
from tests.simulation.world import Saved, World
from tests.unit.clock import VirtualLoop, run_virtual

LONGEST = timedelta(hours=2).total_seconds()
AFTERWARDS = 5.0
"""How long a served world is watched for second thoughts."""


MOST_IO_PER_RECOVERY = 25
"""How many I/Os more than without faults it may take until the object is served, for each fault."""

Script = Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to: its calls, how it ended, and what it violated, if anything.

    `cost` is the number of I/Os until the object was served, or gone; a start's lists do not count.
    """

    calls: tuple[Call, ...]
    cost: int
    ending: list[Any]
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
        if flow.spec is not None:
            world.put_api_token(**flow.spec)
            operator = await world.start_operator()
            await asyncio.sleep(10)
            assert is_served(world)
            await operator.operator.queue.drain(timedelta())
        return world.save()

    return run_virtual(prepare())


@cache
def without_faults(flow: Flow) -> Run:
    """Return the run of a flow in which nothing goes wrong."""
    return _run(flow, {})


def run(flow: Flow, script: Script) -> Run:
    """Run a flow once; its end and its cost are held against the run without faults."""
    came_to, model = _run(flow, script), without_faults(flow)
    if came_to.violation:
        return came_to
    extra = came_to.cost - model.cost
    if extra > MOST_IO_PER_RECOVERY * len(script):
        return replace(came_to, violation=f"cost: {extra} more I/Os than without faults")
    extra = came_to.minted - model.minted
    if extra > sum(_may_lose_a_value(came_to.calls[number], outcome) for number, outcome in script.items()):
        return replace(came_to, violation=f"doubled: {extra} more tokens were made than without faults")
    if came_to.ending != model.ending:
        return replace(came_to, violation=f"end: {came_to.ending} instead of {model.ending}")
    return came_to


def _may_lose_a_value(call: Call, outcome: Outcome) -> bool:
    """Whether after such a fault another create or reset is right; after a Kubernetes write that failed it is not."""
    return outcome.seen is Seen.CRASH or call.kind is not Kind.KUBERNETES_WRITE or call.what.startswith(CLAIM)


def _run(flow: Flow, script: Script) -> Run:
    with everything_logged() as logged:
        came_to, secrets = run_virtual(_play(flow, start_of(flow), script))
    text = "\n".join(logged)
    if not came_to.violation and any(secret in text for secret in secrets):
        return replace(came_to, violation="a token value was logged")
    return came_to


async def _play(flow: Flow, saved: Saved, script: Script) -> tuple[Run, frozenset[str]]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.now = saved.time
    network = Network(script)
    world = World(network, saved=saved)
    invariants = Invariants(world)
    violations: list[str] = []
    cost = 0

    def check() -> None:
        nonlocal cost
        if network.is_counting and not cost and (flow.is_done(world) or is_served(world)):
            cost = sum(not call.what.startswith(LIST) for call in network.calls)
        world.note_change()
        try:
            invariants.check()
        except ViolationError as violation:
            violations.append(str(violation))

    network.on_change = check
    world.follow_crashes()
    await world.start_operator()
    await asyncio.sleep(1)
    check()
    network.is_counting = True
    flow.begin(world)
    invariants.forgive()
    deadline, seen = loop.time() + LONGEST, -1
    while not violations:
        is_new = seen != world.changes
        if is_new:
            if flow.is_done(world):
                break
            seen = world.changes
            world.collect_garbage()
        if loop.time() > deadline:
            violations.append(
                f"ESR: not done in {LONGEST:.0f} s: {[o.get('status') for o in world.api_tokens()]}"
            )
        await asyncio.sleep(1 if is_new else 5)
    network.is_counting = False
    await asyncio.sleep(AFTERWARDS)
    if not violations:
        try:
            invariants.check_at_rest()
        except ViolationError as violation:
            violations.append(str(violation))
    for operator in world.operators:
        operator.life.is_alive = False
        await operator.operator.queue.drain(timedelta())
    violations += [f"cost: {what} changed nothing" for what in network.wasted]
    run = Run(tuple(network.calls), cost, ending_of(world), violations[0] if violations else None)
    return run, invariants.values
