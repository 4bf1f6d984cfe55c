"""Runs a flow under a script of faults and checks the invariants at every change and at the end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from tests.simulation.flows import Flow, is_served
from tests.simulation.invariants import Invariants, ViolationError
from tests.simulation.network import Call, Network
from tests.simulation.outcomes import Outcome
from tests.simulation.world import Saved, World
from tests.unit.clock import VirtualLoop, run_virtual

LONGEST = timedelta(hours=2).total_seconds()
AFTERWARDS = 5.0
"""How long a served world is watched for second thoughts."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to: its calls, and what it violated, if anything."""

    calls: tuple[Call, ...]
    violation: str | None


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


def run(flow: Flow, script: Mapping[int, Outcome] | None = None) -> Run:
    """Run a flow once."""
    return run_virtual(_run(flow, start_of(flow), script or {}))


async def _run(flow: Flow, saved: Saved, script: Mapping[int, Outcome]) -> Run:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.now = saved.time
    network = Network(script)
    world = World(network, saved=saved)
    invariants = Invariants(world)
    violations: list[str] = []

    def check() -> None:
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
        if seen != world.changes and flow.is_done(world):
            break
        seen = world.changes
        if loop.time() > deadline:
            violations.append(
                f"ESR: not done in {LONGEST:.0f} s: {[o.get('status') for o in world.api_tokens()]}"
            )
        await asyncio.sleep(1)
        world.collect_garbage()
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
    return Run(tuple(network.calls), violations[0] if violations else None)
