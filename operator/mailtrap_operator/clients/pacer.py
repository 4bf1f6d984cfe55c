"""Keeps one credential's calls under the remote rate limit, and shares it among the namespaces.

A call occupies one of the window's slots from before it is sent until one period after its answer. The server
counts it somewhere in between, so no window of the server's ever holds more calls than there are slots,
whatever the network does to their timing.

Calls go round the namespaces, so that what one has waiting, however urgent or old, delays no other by more than one call. Of
one namespace the most urgent goes first, and priorities age.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

from mailtrap_operator.core.priorities import LastServed, Priority, aged

LONGEST_PAUSE = timedelta(minutes=1)
"""No `Retry-After` is heeded for longer: the server says again what it still means, and no one waits for hours."""


Turn = tuple[Priority, str | None]
"""How urgent a call is, and for whose namespace it is made: what `slot` takes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    priority: Priority
    namespace: str | None
    since: float
    order: int
    turn: asyncio.Future[None]


class Pacer:
    """A window of `limit` calls per `period`, for one credential in one event loop.

    `while_waiting` is entered by who waits for a slot or for the answer to a call, and left with it.
    """

    def __init__(
        self,
        limit: int,
        period: timedelta,
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._free = limit
        self._period = period.total_seconds()
        self.while_waiting = while_waiting
        self._pause: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._order = itertools.count()
        # Never longer than the number of reconciles in progress: their shares bound it.
        self._waiting: list[_Waiter] = []
        self._served = LastServed()

    @asynccontextmanager
    async def slot(self, priority: Priority, namespace: str | None) -> AsyncIterator[None]:
        """Wait for a slot and hold it during one call; cancelled where it may not wait.

        Args:
            priority: How urgent the call is.
            namespace: Where the object lies for which it is made; None for a cluster-wide account itself.
        """
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append(_Waiter(priority, namespace, loop.time(), next(self._order), turn))
        self._admit()
        if self._is_ending:
            turn.cancel()
        try:
            if turn.done():
                await turn
            else:
                async with self.while_waiting():
                    await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise
        try:
            yield
        finally:
            loop.call_later(self._period, self._give_back)

    def pause(self, duration: timedelta) -> None:
        """Admit no call for a while, `LONGEST_PAUSE` at most: the server answered 429."""
        loop = asyncio.get_running_loop()
        end = loop.time() + min(duration, LONGEST_PAUSE).total_seconds()
        if self._pause is not None:
            if end <= self._pause.when():
                return
            self._pause.cancel()
        self._pause = loop.call_at(end, self._resume)

    def end_waiting(self) -> None:
        """Cancel anyone who waits, now and from now on: nothing is sent yet. A slot that is free can still be had."""
        self._is_ending = True
        for waiter in self._waiting:
            waiter.turn.cancel()

    def note_remaining(self, remaining: int) -> None:
        """Take the server's word on how many calls are left: another process may use the same credential."""
        excess = self._free - max(remaining, 0)
        if excess > 0:
            self._free -= excess
            loop = asyncio.get_running_loop()
            for _ in range(excess):
                loop.call_later(self._period, self._give_back)

    def _resume(self) -> None:
        self._pause = None
        self._admit()

    def _give_back(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        self._waiting = [waiter for waiter in self._waiting if not waiter.turn.done()]
        if self._pause is not None:
            return
        now = asyncio.get_running_loop().time()
        while self._free > 0 and self._waiting:
            first = min(self._waiting, key=lambda waiter: self._place(waiter, now))
            self._waiting.remove(first)
            self._free -= 1
            self._served.note(first.namespace)
            first.turn.set_result(None)

    def _place(self, waiter: _Waiter, now: float) -> tuple[int, int, int]:
        priority = aged(waiter.priority, now - waiter.since)
        return self._served.rank(waiter.namespace), priority, waiter.order
