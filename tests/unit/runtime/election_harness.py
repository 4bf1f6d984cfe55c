"""A Lease in memory, the ways to it, and replicas that want it, on one virtual clock.

Each replica has a way of its own, which may be slow, lose answers or be cut. `leaders` are those that may write now.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from mailtrap_operator.clients.errors import Conflict, Retryable, Uncertain
from mailtrap_operator.clients.lease_client import LeaseRecord
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.elector import CALL_TIMEOUT, Elector

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATENCY = 0.01

T = TypeVar("T")
Task = asyncio.Task[None]


def record(holder: str, **fields: object) -> LeaseRecord:
    """Return a record as someone else would have written it."""
    full = LeaseRecord(holder, timedelta(seconds=9), START, START, transitions=3)
    return replace(full, **fields)  # type: ignore[arg-type] # the tests name existing fields


@dataclass(slots=True)
class Lease:
    """The record as the API server has it; `history` are all that were written."""

    record: LeaseRecord | None = None
    history: list[LeaseRecord] = field(default_factory=list)
    _version: int = 0

    def put(self, record: LeaseRecord) -> LeaseRecord:
        """Store a record, anyone who wrote it."""
        self._version += 1
        self.record = replace(record, version=str(self._version))
        self.history.append(self.record)
        return self.record

    def write(self, record: LeaseRecord) -> LeaseRecord:
        """Store a record as the API server does, over the version that it names alone."""
        if record.version != (self.record.version if self.record else ""):
            raise Conflict(Reason.KUBERNETES_UNAVAILABLE, "the Lease has changed")
        return self.put(record)


@dataclass(slots=True)
class Way:
    """How one replica reaches the Lease.

    A request takes `delay` seconds to arrive, a write perhaps longer, and the answer takes `delay` as well; where `loses` says so, the answer never does. What
    takes longer than a call's timeout is given up, but may arrive all the same.
    """

    lease: Lease
    is_cut: bool = False
    refusal: Exception | None = None
    delay: Callable[[], float] = lambda: LATENCY
    delay_of_writes: Callable[[], float] | None = None
    loses: Callable[[], bool] = lambda: False

    async def read(self) -> LeaseRecord | None:
        """Return the record as it is half way."""
        return await self._bounded(lambda: self.lease.record, self.delay)

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Write half way."""
        return await self._bounded(lambda: self.lease.write(record), self.delay_of_writes or self.delay)

    async def _bounded(self, act: Callable[[], T], delay: Callable[[], float]) -> T:
        if self.refusal is not None:
            await asyncio.sleep(LATENCY)
            raise self.refusal
        arrival: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if not self.is_cut:
            # What is on its way arrives, also when its sender stands still.
            loop = asyncio.get_running_loop()
            loop.call_later(delay(), _arrive, arrival, act, context=Context())
        try:
            async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
                answer = await asyncio.shield(arrival)
                if self.loses():
                    await asyncio.sleep(CALL_TIMEOUT.total_seconds())
                await asyncio.sleep(self.delay())
                return answer
        except TimeoutError:
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, "no answer") from None


def _arrive(arrival: "asyncio.Future[T]", act: Callable[[], T]) -> None:
    try:
        answer = act()
    except Conflict as conflict:
        arrival.set_exception(conflict)
        arrival.exception()
    else:
        arrival.set_result(answer)


class Replica:
    """One process that wants to lead."""

    def __init__(self, name: str, way: Way, *, seed: int = 0, skew: timedelta = timedelta()) -> None:
        self.name = name
        self.way = way
        self.is_lost = False
        self._task: Task | None = None
        self._is_acquired = asyncio.Event()

        def clock() -> datetime:
            return START + skew + timedelta(seconds=asyncio.get_running_loop().time())

        self.elector = Elector(way, holder=name, clock=clock, rng=Random(f"{name}/{seed}"), on_lost=self._end)

    def _end(self) -> None:
        self.is_lost = True
        self.stop()

    async def _run(self) -> None:
        await self.elector.acquire()
        self._is_acquired.set()
        await self.elector.hold()

    def start(self, new_task: Callable[[Coroutine[Any, Any, None]], Task] = asyncio.create_task) -> "Replica":
        """Lead as soon and as long as possible, in a task."""
        self._task = new_task(self._run())
        return self

    def stop(self) -> None:
        """End without a word."""
        if self._task is not None:
            self._task.cancel()

    async def leads_within(self, seconds: float) -> bool:
        """Whether it has begun to lead when so many seconds are over."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_acquired.wait()
        except TimeoutError:
            return False
        return True

    def may_write(self) -> bool:
        """Whether its writes pass."""
        try:
            self.elector.check()
        except Retryable:
            return False
        return True
