"""Replica slots: each is filled again some time after its operator has died."""

import asyncio
from contextvars import Context
from dataclasses import dataclass
from datetime import timedelta

from tests.simulation.freezing import running_loop
from tests.simulation.network import Life
from tests.simulation.operator_instance import OperatorInstance
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class ReplicaSlot:
    """The place of one operator: the error of its clock, how late it hears of changes and starts after a crash, in seconds."""

    skew: timedelta = timedelta()
    watch_lag: float = 0.05
    restart_after: float = 2.0


class ReplicaSlots:
    """Keeps all slots of a world filled."""

    def __init__(self, world: World, slots: tuple[ReplicaSlot, ...]) -> None:
        self._world = world
        self._posts = slots
        self._skews = [slot.skew for slot in slots]
        self._holders: list[OperatorInstance | None] = [None] * len(slots)
        self._starts: set[asyncio.Task[None]] = set()
        world.network.on_crash = self._follow

    def fill(self) -> None:
        """Start all operators."""
        for index in range(len(self._posts)):
            self._start(index)

    def set_clock(self, index: int, skew: timedelta) -> None:
        """Have the clock of a slot jump, where there is that slot."""
        if index >= len(self._posts):
            return
        self._skews[index] = skew
        if (holder := self._holders[index]) is not None:
            holder.skew = skew

    def stop(self, index: int, seconds: float) -> None:
        """Have the process of a slot stand still, where there is that slot."""
        holder = self._holders[index] if index < len(self._holders) else None
        if holder is not None and not running_loop().is_frozen(holder.life.name):
            running_loop().freeze(holder.life.name, seconds)

    def _start(self, index: int) -> None:
        operator = self._world.add_operator()
        operator.skew, operator.watch_lag = self._skews[index], self._posts[index].watch_lag
        self._holders[index] = operator
        self._starts.add(running_loop().start_process(operator.life.name, operator.start()))

    def _follow(self, life: Life) -> None:
        index = next(i for i, holder in enumerate(self._holders) if holder and holder.life is life)
        running_loop().call_later(self._posts[index].restart_after, self._start, index, context=Context())
