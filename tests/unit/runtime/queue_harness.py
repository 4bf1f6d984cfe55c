"""A work queue on a virtual clock whose passes take as long as a test says."""

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result, WorkQueue
from tests.unit.clock import now


def seconds(value: float) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=value)


@dataclass(slots=True)
class Pass:
    """One reconcile; `end` is None while it runs."""

    key: str
    start: float
    end: float | None = None


class QueueBench:
    """Records every reconcile; what a reconcile takes, says or raises can be set for each key.

    A reconcile of a key in `waits` works, waits for so long without a worker, and works once more. `coming` are the verdicts
    of the next passes, whatever their keys. `most` is how many reconciles worked at once.
    """

    def __init__(
        self,
        *,
        workers: int = 16,
        groups_of: Callable[[str], Groups] = Groups,
        duration: float = 0.0,
    ) -> None:
        self.passes: list[Pass] = []
        self.durations: dict[str, float] = {}
        self.status_watch: dict[str, Result] = {}
        self.coming: list[Result] = []
        self.waits: dict[str, float] = {}
        self.broken: set[str] = set()
        self.working: set[str] = set()
        self.most = 0
        self._duration = duration
        rng = random.Random(7)
        self.queue: WorkQueue[str] = WorkQueue(self._work, workers=workers, groups_of=groups_of, rng=rng)

    async def _work(self, key: str) -> Result:
        this = Pass(key, now())
        self.passes.append(this)
        try:
            await self._do(key)
            if key in self.waits:
                async with self.queue.without_worker():
                    await asyncio.sleep(self.waits[key])
                await self._do(key)
        finally:
            this.end = now()
        if key in self.broken:
            raise ZeroDivisionError("boom")
        return self.coming.pop(0) if self.coming else self.status_watch.get(key, Result())

    async def _do(self, key: str) -> None:
        assert key not in self.working, f"{key} runs twice at once"
        self.working.add(key)
        self.most = max(self.most, len(self.working))
        try:
            await asyncio.sleep(self.durations.get(key, self._duration))
        finally:
            self.working.discard(key)

    @property
    def keys(self) -> list[str]:
        """Which keys ran, in the order of their starts."""
        return [one.key for one in self.passes]

    def starts(self, key: str = "a") -> list[float]:
        """When a key's passes started."""
        return [round(one.start, 3) for one in self.passes if one.key == key]

    def gaps(self, key: str = "a") -> list[float]:
        """How long after the end of each pass the next one started."""
        passes = [one for one in self.passes if one.key == key]
        return [after.start - (before.end or 0.0) for before, after in itertools.pairwise(passes)]
