"""A work queue on a virtual clock whose passes take as long as a test says."""

import asyncio
import itertools
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta

from mailtrap_operator.runtime.workqueue import Verdict, WorkQueue
from tests.unit.clock import now


def seconds(value: float) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=value)


@dataclass(slots=True)
class Pass:
    """One pass; `end` is None while it runs."""

    key: str
    start: float
    end: float | None = None


class QueueBench:
    """Records every pass; what a pass takes, says or raises can be set for each key.

    `coming` are the verdicts of the next passes, whatever their keys.
    """

    def __init__(
        self,
        *,
        workers: int = 16,
        group_of: Callable[[str], Hashable] = lambda key: key,
        duration: float = 0.0,
    ) -> None:
        self.passes: list[Pass] = []
        self.durations: dict[str, float] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.coming: list[Verdict] = []
        self.broken: set[str] = set()
        self._duration = duration
        rng = random.Random(7)
        self.queue: WorkQueue[str] = WorkQueue(self._work, workers=workers, group_of=group_of, rng=rng)

    async def _work(self, key: str) -> Verdict:
        this = Pass(key, now())
        self.passes.append(this)
        try:
            await asyncio.sleep(self.durations.get(key, self._duration))
        finally:
            this.end = now()
        if key in self.broken:
            raise ZeroDivisionError("boom")
        return self.coming.pop(0) if self.coming else self.verdicts.get(key, Verdict())

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
