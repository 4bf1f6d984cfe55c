"""The wire between the operators and the two servers: every I/O passes here, is counted, and may be made to go wrong.

A script says which I/O ends how. A dead operator's I/O never ends, which is what makes it dead: what still runs of
it in memory can reach nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.simulation.outcomes import OK, READS, Effect, Kind, Outcome, Seen

T = TypeVar("T")

LATENCY = 0.01
LATE_BY = 20.0
"""How late a lost call may still take effect: less than the settle time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One I/O."""

    number: int
    operator: str
    kind: Kind
    what: str


@dataclass(slots=True)
class Life:
    """Whether an operator still lives."""

    name: str
    is_alive: bool = True


Before = Callable[[Call], Awaitable[None]]
Script = Callable[[Call], Outcome]


def all_is_well(_call: Call) -> Outcome:
    """Have nothing go wrong."""
    return OK


@dataclass(slots=True)
class Network:
    """Counts I/Os from 0 while `is_counting`, and lets the script decide how each ends.

    The script is asked for each counted call, when it happens. `wasted` names the Kubernetes writes that were accepted
    and changed nothing; `statuses` are the objects after each write of their status, until someone takes them.
    `on_change` runs after each write that took effect; `before` may hold a call back.
    """

    script: Script = all_is_well
    calls: list[Call] = field(default_factory=list)
    wasted: list[str] = field(default_factory=list)
    statuses: list[Any] = field(default_factory=list)
    is_counting: bool = False
    late_by: float = LATE_BY
    on_change: Callable[[], None] = lambda: None
    on_crash: Callable[[Life], None] = lambda _life: None
    before: Before | None = None

    async def carry(
        self,
        life: Life,
        kind: Kind,
        what: str,
        act: Callable[[], T],
    ) -> tuple[Outcome, T | None]:
        """Carry one call; return how it ends, with the answer where there is one.

        The caller turns the outcome into what its client library would see; silence and death never return.
        """
        await self._stay_alive(life)
        outcome = OK
        if self.is_counting:
            call = Call(len(self.calls), life.name, kind, what)
            self.calls.append(call)
            outcome = self.script(call)
            if self.before is not None:
                await self.before(call)
                await self._stay_alive(life)
        await asyncio.sleep(LATENCY / 2)
        await self._stay_alive(life)
        answer = self._act(kind, act) if outcome.effect is Effect.NOW else None
        if outcome.effect is Effect.LATE:
            asyncio.get_running_loop().call_later(self.late_by, self._act, kind, act)
        if outcome.seen is Seen.CRASH:
            life.is_alive = False
            self.on_crash(life)
        await asyncio.sleep(LATENCY / 2)
        await self._stay_alive(life)
        return outcome, answer

    def _act(self, kind: Kind, act: Callable[[], T]) -> T:
        answer = act()
        if kind not in READS:
            self.on_change()
        return answer

    async def _stay_alive(self, life: Life) -> None:
        if not life.is_alive:
            await asyncio.get_running_loop().create_future()
