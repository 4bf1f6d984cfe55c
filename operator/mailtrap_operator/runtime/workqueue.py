"""The work queue: which key runs next, and when.

A key never runs twice at once; what happens to it meanwhile makes it run once more. Urgent lanes go first, failed
keys come back with exponential backoff and jitter, and no group of keys (the objects of one account) holds more
than its share of the workers, so that a slow account delays no other.
"""

import asyncio
import heapq
import itertools
import logging
import random
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from mailtrap_operator.core.lanes import Lane

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)

_FIRST_BACKOFF = 0.5
_LAST_BACKOFF = 300.0
_ECHOES = 8
_LONGEST_PASS = timedelta(hours=1)
"""Every call of a pass is bounded; one that runs on for so long waits for something that does not come."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a pass says of its key's future.

    `requeue_after` is a wish, None for none, and `lane` the one it comes back in; after a failure the backoff is the
    least time, and `at_most` bounds it.
    `written` are the resourceVersions that the pass wrote: events that only echo them wake nobody.
    """

    requeue_after: timedelta | None = None
    lane: Lane = Lane.CHANGE
    is_failed: bool = False
    at_most: timedelta | None = None
    written: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """What happened to a key since its last pass began; `versions` are those that came during one."""

    lane: Lane
    versions: set[str] = field(default_factory=set)
    is_change: bool = False
    ends_backoff: bool = False

    def note(self, version: str, *, is_running: bool, ends_backoff: bool) -> None:
        # A key that waits runs anyway; what it waits for need not be kept, however long that takes.
        if is_running:
            self.versions.add(version)
        self.is_change |= bool(version) and ends_backoff
        self.ends_backoff |= ends_backoff


class WorkQueue(Generic[K]):
    """Runs `work(key)` for each key that was added, on at most `workers` tasks."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[Verdict]],
        *,
        workers: int,
        group_of: Callable[[K], Hashable],
        rng: random.Random,
    ) -> None:
        self._work = work
        self._workers = workers
        self._share = max(1, workers // 4)
        self._group_of = group_of
        self._rng = rng
        self._order = itertools.count()
        self._dirty: dict[K, _Entry] = {}
        self._ready: dict[Hashable, list[tuple[Lane, int, K]]] = defaultdict(list)
        self._running: dict[K, asyncio.Task[None]] = {}
        self._begun: dict[K, float] = {}
        self._busy: Counter[Hashable] = Counter()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: Counter[K] = Counter()
        self._echoes: dict[K, deque[str]] = {}
        self._is_open = False
        self._is_draining = False

    def __len__(self) -> int:
        return len(self._dirty)

    @property
    def running(self) -> int:
        """How many passes run now."""
        return len(self._running)

    def complaint(self) -> str | None:
        """Return what is wrong with the passes, None where nothing is."""
        now = asyncio.get_running_loop().time()
        stuck = sum(now - begun > _LONGEST_PASS.total_seconds() for begun in self._begun.values())
        return f"{stuck} of the passes under way do not end." if stuck else None

    def start(self) -> None:
        """Begin to run what was and will be added."""
        self._is_open = True
        for key, entry in self._dirty.items():
            self._push(key, entry.lane)
        self._dispatch()

    def add(self, key: K, lane: Lane, version: str = "", *, ends_backoff: bool = True) -> None:
        """Have a key run soon.

        Args:
            key: The key.
            lane: How urgent it is; a key waits in the most urgent lane it was added to.
            version: The resourceVersion that an event brought, empty for any other cause.
            ends_backoff: Whether a key that failed runs now. What another key or another operator met is no cause for
                that, or two that fail would keep each other awake.
        """
        if version and version in self._echoes.get(key, ()):
            return
        if not ends_backoff and key in self._timers and self._failures[key]:
            return
        if version and ends_backoff and key not in self._running:
            # What failed before may succeed now; while the key runs, the event may be an echo of that very pass.
            self._failures.pop(key, None)
        is_running = key in self._running
        entry = self._dirty.get(key)
        if entry is None:
            entry = self._dirty[key] = _Entry(lane)
            entry.note(version, is_running=is_running, ends_backoff=ends_backoff)
            self._offer(key, lane)
            return
        entry.note(version, is_running=is_running, ends_backoff=ends_backoff)
        if lane < entry.lane:
            entry.lane = lane
            self._offer(key, lane)

    def forget(self, key: K) -> None:
        """Drop what is remembered of a key whose object is gone."""
        self._failures.pop(key, None)
        self._echoes.pop(key, None)
        if key not in self._running:
            self._dirty.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    async def drain(self, patience: timedelta) -> None:
        """Start nothing more, let what runs end, and cancel what does not within `patience`."""
        self._is_draining = True
        for timer in self._timers.values():
            timer.cancel()
        running = list(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=patience.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _offer(self, key: K, lane: Lane) -> None:
        if self._is_open and key not in self._running:
            self._push(key, lane)
            self._dispatch()

    def _push(self, key: K, lane: Lane) -> None:
        heapq.heappush(self._ready[self._group_of(key)], (lane, next(self._order), key))

    def _dispatch(self) -> None:
        while self._is_open and not self._is_draining and len(self._running) < self._workers:
            open_groups = [group for group in self._ready if self._busy[group] < self._share]
            if not open_groups:
                return
            group = min(open_groups, key=lambda group: self._ready[group][0][:2])
            _, _, key = heapq.heappop(self._ready[group])
            if not self._ready[group]:
                del self._ready[group]
            # A key that moved to a more urgent lane leaves its former place behind.
            if key in self._dirty and key not in self._running:
                self._run(key, group)

    def _run(self, key: K, group: Hashable) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._busy[group] += 1
        task = asyncio.create_task(self._pass(key, group), name=f"pass {key}")
        self._running[key] = task
        self._begun[key] = asyncio.get_running_loop().time()

    async def _pass(self, key: K, group: Hashable) -> None:
        # Whatever was added until now is seen by this pass.
        del self._dirty[key]
        verdict = Verdict(is_failed=True)
        try:
            verdict = await self._work(key)
        except Exception:
            logger.exception("a pass failed unexpectedly", extra={"key": str(key)})
        finally:
            del self._running[key], self._begun[key]
            self._busy[group] -= 1
            if not self._busy[group]:
                del self._busy[group]
            self._finish(key, verdict)
            self._dispatch()

    def _finish(self, key: K, verdict: Verdict) -> None:
        if verdict.written:
            self._echoes.setdefault(key, deque(maxlen=_ECHOES)).extend(verdict.written)
        if entry := self._dirty.get(key):
            entry.versions -= set(self._echoes.get(key, ()))
            if entry.versions and (entry.ends_backoff or not verdict.is_failed):
                if entry.is_change:
                    self._failures.pop(key, None)
                self._offer(key, entry.lane)
                return
            del self._dirty[key]
        after = verdict.requeue_after.total_seconds() if verdict.requeue_after is not None else None
        if verdict.is_failed:
            self._failures[key] += 1
            after = max(after or 0.0, self._backoff(self._failures[key], verdict.at_most))
        elif after != 0.0:
            # A key that goes on at once has not come to rest: what failed before it may fail again after it.
            self._failures.pop(key, None)
        if after is not None and not self._is_draining:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(after, self._due, key, verdict.lane)

    def _due(self, key: K, lane: Lane) -> None:
        self._timers.pop(key, None)
        self.add(key, lane)

    def _backoff(self, failures: int, at_most: timedelta | None) -> float:
        last = _LAST_BACKOFF if at_most is None else at_most.total_seconds()
        ceiling: float = min(_FIRST_BACKOFF * 2 ** min(failures - 1, 16), last)
        return ceiling * self._rng.uniform(0.75, 1.25)
