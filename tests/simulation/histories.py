"""Random histories: objects, operators side by side, users, wrong clocks and faults, all of it a function of one seed.

Every instant is checked. At the end the faults stop, and a bounded time later all must be well.
"""

import asyncio
from datetime import timedelta
from functools import cache

from tests.simulation.disturbances import tidy
from tests.simulation.faults import Faults
from tests.simulation.freezing import FreezingLoop, running_loop
from tests.simulation.invariants import Invariants
from tests.simulation.log_capture import everything_logged
from tests.simulation.network import Call, Network
from tests.simulation.outcomes import OK
from tests.simulation.replica_slots import ReplicaSlots
from tests.simulation.scenarios import Scenario, Step, scenario
from tests.simulation.user_actions import OVERLAP, initial
from tests.simulation.virtual_time import server_time
from tests.simulation.world import Saved, World
from tests.unit.clock import run_virtual

PATIENCE = timedelta(minutes=10)
"""How long after its date a token may still be there: twice the longest backoff."""

MOST_TOKENS = 30
"""How many tokens there may ever be, those of others included."""


def check(seed: int) -> str | None:
    """Return what a seed's history violates, None when all is well."""
    return _Play(scenario(seed)).run()


def describe(seed: int) -> str:
    """Return what happens in a seed's history, line by line; of one that violates something, the shortest that still does."""
    play = _Play(shortest(scenario(seed)), is_told=True)
    violation = play.run()
    return "\n".join([*play.lines, violation or "all is well"])


def shortest(of: Scenario) -> Scenario:
    """Return a plot that violates something without the steps and faults that are not needed for that."""
    if _Play(of).run() is None:
        return of
    while simpler := next((less for less in of.simpler() if _Play(less).run()), None):
        of = simpler
    return of


class _Play:
    """One history on the stage; `lines` report it where they are wanted."""

    def __init__(self, of: Scenario, *, is_told: bool = False) -> None:
        self.lines: list[str] = []
        self._plot = of
        self._is_reported = is_told
        self._faults = Faults()

    def run(self) -> str | None:
        """Play it once; return what it violates."""
        saved = _beginning(self._plot.specs)
        with everything_logged() as logged, asyncio.Runner(loop_factory=FreezingLoop) as runner:
            return runner.run(self._run(saved, logged))

    async def _run(self, saved: Saved, logged: list[str]) -> str | None:
        running_loop().now = saved.time
        network = Network(self._faults.outcome, late_by=self._plot.late_by)
        network.before = self._tell if self._is_reported else None
        world = World(network, saved=saved)
        world.remote.skew = self._plot.remote_skew
        self._invariants = invariants = Invariants(world, OVERLAP, self._plot.clock_error)
        network.on_change = invariants.on_change
        invariants.note(invariants.check_strays)
        slots = ReplicaSlots(world, self._plot.slots)
        slots.fill()
        network.is_counting = True
        for step in self._plot.steps:
            self._perform(step, world, slots)
            invariants.forgive()
            await asyncio.sleep(step.wait)
            if invariants.violations:
                break
        await self._end(world, invariants)
        await invariants.end()
        invariants.note_words(logged)
        if (tokens := len(invariants.values)) > MOST_TOKENS:
            invariants.violations.append(f"cost: {tokens} tokens")
        return next(iter(invariants.violations), None)

    def _perform(self, step: Step, world: World, slots: ReplicaSlots) -> None:
        world.collect_garbage()
        self._say("; ".join([step.action.text, *map(str, step.faults)]))
        self._faults.add(step.faults)
        step.action.do(world, slots)

    async def _end(self, world: World, invariants: Invariants) -> None:
        self._faults.end()
        self._say("the faults end")
        tidy(world)
        invariants.forgive()
        for _ in range(12):
            if invariants.violations:
                return
            await asyncio.sleep(self._plot.end.total_seconds() / 12)
            world.collect_garbage()
        due = server_time() - PATIENCE - self._plot.clock_error
        invariants.note(lambda: invariants.check_at_rest(due))

    async def _tell(self, call: Call) -> None:
        outcome = self._faults.outcomes.get(call.number, OK)
        self._say(
            f"{call.operator} {call.number} {call.what}" + (f": {outcome}" if outcome is not OK else "")
        )

    def _say(self, line: str) -> None:
        if self._is_reported and not self._invariants.violations:
            self.lines.append(f"{asyncio.get_running_loop().time():10.2f} {line}")


@cache
def _beginning(specs: tuple[tuple[str, str, str], ...]) -> Saved:
    async def prepare() -> Saved:
        world = World(Network())
        for spec in specs:
            initial(world, *spec)
        return await world.served()

    return run_virtual(prepare())
