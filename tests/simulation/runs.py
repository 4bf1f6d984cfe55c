"""Runs a flow under a script of faults and checks the invariants at every change and at the end."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from tests.simulation.endings import ending_of
from tests.simulation.flows import Flow, is_served
from tests.simulation.incarnation import CLAIM, LIST
from tests.simulation.invariants import Invariants, ViolationError
from tests.simulation.listening import everything_logged
from tests.simulation.network import Before, Call, Network
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

    `cost` is the number of I/Os until the object was served, or gone; a start's lists do not count. `values` are all
    token values that there were.
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
    return play(flow, {})


def run(flow: Flow, script: Script) -> Run:
    """Run a flow once; its end and its cost are held against the run without faults."""
    came_to, model = play(flow, script), without_faults(flow)
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


def play(flow: Flow, script: Script, *, before: Before | None = None) -> Run:
    """Run a flow once, as it comes; `before` is told each call."""
    with everything_logged() as logged:
        came_to = run_virtual(_Play(flow, Network(script, before=before)).run(start_of(flow)))
    text = "\n".join(logged)
    if not came_to.violation and any(value in text for value in came_to.values):
        return replace(came_to, violation="a token value was logged")
    return came_to


class _Play:
    """One run on its loop."""

    def __init__(self, flow: Flow, network: Network) -> None:
        self._flow = flow
        self._network = network
        self._cost = 0
        self._violations: list[str] = []

    async def run(self, saved: Saved) -> Run:
        loop, network = asyncio.get_running_loop(), self._network
        assert isinstance(loop, VirtualLoop)
        loop.now = saved.time
        self._world = world = World(network, saved=saved)
        self._invariants = Invariants(world)
        network.on_change = self._check
        world.follow_crashes()
        await world.start_operator()
        await asyncio.sleep(1)
        network.is_counting = True
        self._flow.begin(world)
        self._invariants.forgive()
        await self._until_done(loop.time() + LONGEST)
        network.is_counting = False
        await asyncio.sleep(AFTERWARDS)
        self._try(self._invariants.check_at_rest)
        for operator in world.operators:
            operator.life.is_alive = False
            await operator.operator.queue.drain(timedelta())
        self._violations += [f"cost: {what} changed nothing" for what in network.wasted]
        violation = self._violations[0] if self._violations else None
        return Run(tuple(network.calls), self._cost, ending_of(world), self._invariants.values, violation)

    async def _until_done(self, deadline: float) -> None:
        world, seen = self._world, -1
        while not self._violations:
            is_new = seen != world.changes
            if is_new:
                if self._flow.is_done(world):
                    return
                seen = world.changes
                world.collect_garbage()
            if asyncio.get_running_loop().time() > deadline:
                self._violations.append(f"ESR: not done: {[o.get('status') for o in world.api_tokens()]}")
            await asyncio.sleep(1 if is_new else 5)

    def _check(self) -> None:
        network, world = self._network, self._world
        if network.is_counting and not self._cost and (self._flow.is_done(world) or is_served(world)):
            self._cost = sum(not call.what.startswith(LIST) for call in network.calls)
        world.note_change()
        self._try(self._invariants.check)

    def _try(self, check: Callable[[], None]) -> None:
        try:
            check()
        except ViolationError as violation:
            self._violations.append(str(violation))
