"""The work queue: which key is reconciled next, and when.

A key never runs twice at once; what happens to it meanwhile makes it run once more. Urgent priorities go first and age,
and failed keys come back with exponential backoff and jitter.

A reconcile holds a worker only while it works: while it waits for Mailtrap it gives the worker back. `Turns` says who has
the next one, so that neither a slow account nor a busy namespace delays another.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
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
class _Reconcile(Generic[K]):
    """A reconcile in progress; without a worker it waits for something, or to have one again: `turn`.

    `since` is when it began to work, or to wait: many waits that end in time are no sign that a reconcile is stuck.
    """

    place: Place[K]
    since: float
    has_worker: bool = True
    turn: asyncio.Future[None] | None = None


class WorkQueue(Generic[K]):
    """Runs `work(key)` for each key that was added; at most `workers` reconciles work at once.

    `groups_of` says whose shares the reconcile of a key takes.
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
        self._turns: Turns[K] = Turns(workers)
        self._groups_of = groups_of
        self._rng = rng
        self._dirty: dict[K, _Entry] = {}
        self._running: dict[K, _Reconcile[K]] = {}
        self._tasks: dict[asyncio.Task[None], _Reconcile[K]] = {}
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
        return self._turns.working

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

        Anyone who comes back has a worker before any reconcile of its namespace begins. Nothing happens in a task that is no
        reconcile. Who is cancelled while it waits comes to its end without a worker.
        """
        task = asyncio.current_task()
        this = self._tasks.get(task) if task else None
        if this is None or not this.has_worker:
            yield
            return
        this.has_worker, this.since = False, asyncio.get_running_loop().time()
        self._turns.give_worker_back(this.place.groups)
        self._dispatch()
        try:
            yield
        except Exception:
            await self._have_worker_again(this)
            raise
        await self._have_worker_again(this)

    async def _have_worker_again(self, this: _Reconcile[K]) -> None:
        loop = asyncio.get_running_loop()
        this.turn = loop.create_future()
        this.place = replace(this.place, since=loop.time(), is_in_progress=True)
        self._turns.add(this.place)
        self._dispatch()
        await this.turn

    async def drain(self, patience: timedelta) -> None:
        """Start nothing more, let what runs end, and cancel what does not within `patience`."""
        self._is_draining = True
        for timer in self._timers.values():
            timer.cancel()
        if self._tasks:
            _, late = await asyncio.wait(tuple(self._tasks), timeout=patience.total_seconds())
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
        now = asyncio.get_running_loop().time()
        while place := self._turns.take(now, may_begin=self._is_open and not self._is_draining):
            if place.is_in_progress:
                self._resume(place, now)
            elif self._is_valid(place):
                self._begin(place, now)

    def _is_valid(self, place: Place[K]) -> bool:
        """Whether a key still waits to begin at a place: what was forgotten, or became more urgent, does not."""
        entry = self._dirty.get(place.key)
        return entry is not None and entry.place is place

    def _resume(self, place: Place[K], now: float) -> None:
        """Give a worker to a reconcile that has waited, unless it was cancelled meanwhile."""
        this = self._running.get(place.key)
        if this is None or this.place is not place or this.turn is None or this.turn.done():
            return
        this.has_worker, this.since = True, now
        self._turns.hold_worker(place.groups)
        this.turn.set_result(None)

    def _begin(self, place: Place[K], now: float) -> None:
        key = place.key
        if timer := self._timers.pop(key, None):
            timer.cancel()
        this = self._running[key] = _Reconcile(place, now)
        task = asyncio.create_task(self._reconcile_key(key), name=f"reconcile {key}")
        self._tasks[task] = this
        task.add_done_callback(self._tasks.pop)
        self._turns.begin(place.groups)
        self._turns.hold_worker(place.groups)

    async def _reconcile_key(self, key: K) -> None:
        # Whatever was added until now is seen by this reconcile.
        del self._dirty[key]
        result = Result(is_failed=True)
        try:
            result = await self._work(key)
        except Exception:
            logger.exception("a reconcile failed unexpectedly", extra={"key": str(key)})
        finally:
            this = self._running.pop(key)
            if this.has_worker:
                self._turns.give_worker_back(this.place.groups)
            self._turns.end(this.place.groups)
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
