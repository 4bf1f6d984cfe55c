"""The work queue: which key is reconciled next, and when.

A key never runs twice at once; what happens to it meanwhile makes it run once more. Urgent priorities go first and age,
and failed keys come back with exponential backoff and jitter.

A reconcile holds a worker only while it works: while it waits for a slow account it gives the worker back. No group of keys
(the objects of one namespace, those of one account) has more running reconciles than its share, those that wait
included, so that neither a slow account nor a busy namespace delays another.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.turns import Groups, Place, Turns

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)

_FIRST_BACKOFF = 0.5
_LAST_BACKOFF = 300.0
_ECHOES = 8
_LONGEST_RECONCILE = timedelta(hours=1)
"""Every call of a reconcile is bounded; one that runs on for so long waits for something that does not come."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a reconcile: when its key runs again.

    `requeue_after` is None for no requeue, `priority` is that of the requeue; after a failure the backoff is the
    minimum, and `at_most` bounds it. `written` are the resourceVersions that the reconcile wrote: events that only echo
    them wake no one.
    """

    requeue_after: timedelta | None = None
    priority: Priority = Priority.CHANGE
    is_failed: bool = False
    at_most: timedelta | None = None
    written: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """What happened to a key since its last reconcile began, `since` when; `versions` are those that came during one."""

    priority: Priority
    since: float
    place: Place[Any] | None = None
    versions: set[str] = field(default_factory=set)
    is_change: bool = False
    ends_backoff: bool = False

    def note(self, version: str, *, is_running: bool, ends_backoff: bool) -> None:
        # A key that waits runs anyway; what it waits for need not be kept, however long that takes.
        if is_running:
            self.versions.add(version)
        self.is_change |= bool(version) and ends_backoff
        self.ends_backoff |= ends_backoff


@dataclass(slots=True, eq=False)
class _Reconcile:
    """A reconcile in progress; without a worker it waits for something, or to have one again.

    `since` is when it began to work, or to wait: many waits that end in time are no sign that a reconcile is stuck.
    """

    task: asyncio.Task[None]
    groups: Groups
    since: float
    has_worker: bool = True


class WorkQueue(Generic[K]):
    """Runs `work(key)` for each key that was added; at most `workers` passes work at once.

    Each of the groups that `groups_of` names has a quarter of `workers` as its share.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[Result]],
        *,
        workers: int,
        groups_of: Callable[[K], Groups],
        rng: random.Random,
    ) -> None:
        self._work = work
        self._workers = workers
        self._turns: Turns[K] = Turns(share=max(1, workers // 4))
        self._groups_of = groups_of
        self._rng = rng
        self._dirty: dict[K, _Entry] = {}
        self._running: dict[K, _Reconcile] = {}
        self._returning: deque[tuple[_Reconcile, asyncio.Future[None]]] = deque()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: Counter[K] = Counter()
        self._echoes: dict[K, deque[str]] = {}
        self._is_open = False
        self._is_draining = False

    def __len__(self) -> int:
        return len(self._dirty)

    @property
    def running(self) -> int:
        """How many reconciles hold a worker now."""
        return sum(each.has_worker for each in self._running.values())

    def unhealthy_reason(self) -> str | None:
        """Return what is wrong with the reconciles, None where nothing is."""
        now = asyncio.get_running_loop().time()
        stuck = sum(now - each.since > _LONGEST_RECONCILE.total_seconds() for each in self._running.values())
        return f"{stuck} of the running reconciles do not end." if stuck else None

    def start(self) -> None:
        """Begin to run what was and will be added."""
        self._is_open = True
        now = asyncio.get_running_loop().time()
        for key, entry in self._dirty.items():
            # Until now nothing went before it.
            entry.since = now
            self._push(key, entry)
        self._dispatch()

    def add(self, key: K, priority: Priority, version: str = "", *, ends_backoff: bool = True) -> None:
        """Have a key run soon.

        Args:
            key: The key.
            priority: How urgent it is; a key waits in the most urgent priority it was added to.
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
            entry = self._dirty[key] = _Entry(priority, asyncio.get_running_loop().time())
            entry.note(version, is_running=is_running, ends_backoff=ends_backoff)
            self._offer(key, entry)
            return
        entry.note(version, is_running=is_running, ends_backoff=ends_backoff)
        if priority < entry.priority:
            entry.priority = priority
            self._offer(key, entry)

    def forget(self, key: K) -> None:
        """Drop what is remembered of a key whose object is gone."""
        self._failures.pop(key, None)
        self._echoes.pop(key, None)
        if key not in self._running:
            self._dirty.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    @asynccontextmanager
    async def without_worker(self) -> AsyncIterator[None]:
        """Give the worker of the present reconcile to others while it waits for what takes no work.

        Anyone who comes back takes the next worker that is free, before any reconcile that has not started. Nothing happens in a
        task that is no pass. Who is cancelled while it waits comes to its end without a worker.
        """
        this = self._current_reconcile()
        if this is None or not this.has_worker:
            yield
            return
        this.has_worker, this.since = False, asyncio.get_running_loop().time()
        self._dispatch()
        yield
        turn = asyncio.get_running_loop().create_future()
        self._returning.append((this, turn))
        self._dispatch()
        await turn

    def _current_reconcile(self) -> _Reconcile | None:
        task = asyncio.current_task()
        return next((each for each in self._running.values() if each.task is task), None)

    async def drain(self, patience: timedelta) -> None:
        """Start nothing more, let what runs end, and cancel what does not within `patience`."""
        self._is_draining = True
        for timer in self._timers.values():
            timer.cancel()
        running = [each.task for each in self._running.values()]
        if running:
            _, late = await asyncio.wait(running, timeout=patience.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _offer(self, key: K, entry: _Entry) -> None:
        if self._is_open and key not in self._running:
            self._push(key, entry)
            self._dispatch()

    def _push(self, key: K, entry: _Entry) -> None:
        # A key that moves to a more urgent priority leaves its former place behind.
        entry.place = Place(key, self._groups_of(key), entry.priority, entry.since)
        self._turns.add(entry.place)

    def _dispatch(self) -> None:
        while self.running < self._workers and (self._resume_one() or self._start_one()):
            pass

    def _resume_one(self) -> bool:
        """Give a worker to a reconcile that has waited, or drop one that was cancelled; return whether there was any."""
        if not self._returning:
            return False
        this, turn = self._returning.popleft()
        if not turn.done():
            turn.set_result(None)
            this.has_worker, this.since = True, asyncio.get_running_loop().time()
        return True

    def _start_one(self) -> bool:
        """Start a reconcile, or drop a place that is not valid any more; return whether there was any."""
        if not self._is_open or self._is_draining:
            return False
        place = self._turns.take(asyncio.get_running_loop().time())
        if place is None:
            return False
        entry = self._dirty.get(place.key)
        is_valid = entry is not None and entry.place is place
        if is_valid:
            self._run(place)
        return True

    def _run(self, place: Place[K]) -> None:
        key = place.key
        if timer := self._timers.pop(key, None):
            timer.cancel()
        task = asyncio.create_task(self._reconcile_key(key), name=f"pass {key}")
        self._running[key] = _Reconcile(task, place.groups, asyncio.get_running_loop().time())
        self._turns.begin(place.groups)

    async def _reconcile_key(self, key: K) -> None:
        # Whatever was added until now is seen by this reconcile.
        del self._dirty[key]
        result = Result(is_failed=True)
        try:
            result = await self._work(key)
        except Exception:
            logger.exception("a reconcile failed unexpectedly", extra={"key": str(key)})
        finally:
            self._turns.end(self._running.pop(key).groups)
            self._finish(key, result)
            self._dispatch()

    def _finish(self, key: K, result: Result) -> None:
        if result.written:
            self._echoes.setdefault(key, deque(maxlen=_ECHOES)).extend(result.written)
        if entry := self._dirty.get(key):
            entry.versions -= set(self._echoes.get(key, ()))
            if entry.versions and (entry.ends_backoff or not result.is_failed):
                if entry.is_change:
                    self._failures.pop(key, None)
                self._offer(key, entry)
                return
            del self._dirty[key]
        after = result.requeue_after.total_seconds() if result.requeue_after is not None else None
        if result.is_failed:
            self._failures[key] += 1
            after = max(after or 0.0, self._backoff(self._failures[key], result.at_most))
        elif after != 0.0:
            # An immediate requeue is not a success: keep the count of failures.
            self._failures.pop(key, None)
        if after is not None and not self._is_draining:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(after, self._due, key, result.priority)

    def _due(self, key: K, priority: Priority) -> None:
        self._timers.pop(key, None)
        self.add(key, priority)

    def _backoff(self, failures: int, at_most: timedelta | None) -> float:
        last = _LAST_BACKOFF if at_most is None else at_most.total_seconds()
        ceiling: float = min(_FIRST_BACKOFF * 2 ** min(failures - 1, 16), last)
        return ceiling * self._rng.uniform(0.75, 1.25)
