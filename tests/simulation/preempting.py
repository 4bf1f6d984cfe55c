"""Runs a flow with two operators on it, each of which may be preempted at any of its I/Os.

Both start in the same world and see the same change. A preemption is of one of these kinds:

- held before a call, until the other operator has nothing more to do. That is shorter than the settle time.
- stopped before a call, or before its answer: the whole process stands still, its timers with it, for longer than the
  settle time. The other one meanwhile gives the operation up and begins another.

One thing is left out: a create or reset that reaches the server later than the settle time. A process would have to be
stopped just there, after its last look at the clock and before the request is on the wire, and to send it all the same
when it continues, though its timeout is over; no client can take such a request back.
"""

import asyncio
from contextvars import Context
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from tests.simulation.final_state import final_state_of
from tests.simulation.flows import Flow
from tests.simulation.freezing import FreezingLoop, running_loop
from tests.simulation.invariants import Invariants
from tests.simulation.log_capture import everything_logged
from tests.simulation.network import LATENCY, Call, Network
from tests.simulation.outcomes import OK, Kind, Outcome, Seen
from tests.simulation.runs import live, start_of, without_faults
from tests.simulation.world import Saved, World

STOPPED_FOR = 150.0
"""More than twice the settle time, in seconds."""

_HELD_AT_MOST = 9.0
"""Less than the timeout of a call."""

_AT_REST = 0.3
"""So long nothing happens at an operator that has nothing more to do; a watch reports changes sooner."""

_STALE = Outcome("stale", Seen.STALE)
_STALE_READS = 3
_STALE_LAG = 5.0


class How(Enum):
    """How an operator is preempted."""

    HELD = "held"
    STOPPED = "stopped before the call"
    STOPPED_AFTER = "stopped before the answer"


@dataclass(frozen=True, slots=True)
class Preemption:
    """One operator, 0 or 1, is preempted at one of its I/Os; with stale reads after it, it sees the past for a while."""

    operator: int
    io: int
    how: How
    is_stale: bool = False

    def __str__(self) -> str:
        return f"{self.operator}:{self.io} {self.how.value}{', then stale' if self.is_stale else ''}"


Schedule = tuple[Preemption, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run came to: its calls, and what it violated, if anything."""

    calls: tuple[Call, ...]
    violation: str | None

    def io(self, number: int) -> tuple[int, int]:
        """Return whose I/O a call is, and which one of its own."""
        call = self.calls[number]
        return _index(call), sum(other.operator == call.operator for other in self.calls[:number])


def run(flow: Flow, schedule: Schedule) -> Run:
    """Run a flow once under a schedule."""
    saved, model = start_of(flow), without_faults(flow)
    with everything_logged() as logged, asyncio.Runner(loop_factory=FreezingLoop) as runner:
        came_to, ending = runner.run(_Play(flow, schedule).run(saved, logged))
    if not came_to.violation and ending != model.ending:
        return replace(came_to, violation=f"end: {ending} instead of {model.ending}")
    return came_to


def _index(call: Call) -> int:
    return int(call.operator.removeprefix("operator-")) - 1


class _Play:
    """One run."""

    def __init__(self, flow: Flow, schedule: Schedule) -> None:
        self._flow = flow
        self._schedule = schedule
        self._calls: list[Call] = []
        self._held: set[int] = set()
        self._starts: set[asyncio.Task[None]] = set()

    async def run(self, saved: Saved, logged: list[str]) -> tuple[Run, list[Any]]:
        running_loop().now = saved.time
        network = Network(self._outcome, self._calls, before=self._preempt)
        self._world = world = World(network, saved=saved)
        invariants = Invariants(world)
        network.on_change = invariants.on_change
        for _ in range(2):
            self._start()
        await asyncio.sleep(1)
        await live(self._flow, invariants, is_standing_still=lambda: running_loop().is_anyone_frozen)
        await invariants.end()
        invariants.note_words(logged)
        return Run(tuple(self._calls), next(iter(invariants.violations), None)), final_state_of(world)

    def _outcome(self, call: Call) -> Outcome:
        """Return how a call ends: some reads are stale."""
        own = [other for other in self._calls if other.operator == call.operator]
        for preemption in self._schedule:
            if preemption.is_stale and preemption.operator == _index(call):
                reads = [other for other in own[preemption.io :] if other.kind is Kind.KUBERNETES_READ]
                if call in reads[:_STALE_READS]:
                    return _STALE
        return OK

    def _start(self) -> None:
        operator = self._world.add_operator()
        self._starts.add(running_loop().start_process(operator.life.name, operator.start()))

    async def _preempt(self, call: Call) -> None:
        index, io = _index(call), sum(other.operator == call.operator for other in self._calls) - 1
        for preemption in self._schedule:
            if (preemption.operator, preemption.io) == (index, io):
                if preemption.is_stale:
                    self._world.operators[index].watch_lag = _STALE_LAG
                await self._hold(index, call.operator, preemption.how)

    async def _hold(self, index: int, process: str, how: How) -> None:
        loop = running_loop()
        match how:
            case How.HELD:
                await self._stay_held(index)
            case How.STOPPED:
                loop.freeze(process, STOPPED_FOR)
                await asyncio.sleep(0)
            case How.STOPPED_AFTER:
                # The call takes effect after half of the latency.
                loop.call_later(0.75 * LATENCY, loop.freeze, process, STOPPED_FOR, context=Context())

    async def _stay_held(self, index: int) -> None:
        """Wait until the other operator has nothing more to do, or is held later than this one."""
        loop, other = running_loop(), 1 - index
        queue, is_second = self._world.operators[other].operator.queue, other in self._held
        busy, deadline = loop.time(), loop.time() + _HELD_AT_MOST
        self._held.add(index)
        while loop.time() < min(busy + _AT_REST, deadline):
            await asyncio.sleep(LATENCY)
            if (queue.running or len(queue)) and (is_second or other not in self._held):
                busy = loop.time()
        self._held.discard(index)
