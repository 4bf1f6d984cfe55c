"""Keeps one credential's calls under the remote rate limit, the urgent ones first.

A call occupies one of the window's slots from before it is sent until one period after its answer. The server
counts it somewhere in between, so no window of the server's ever holds more calls than there are slots,
whatever the network does to their timing.
"""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from mailtrap_operator.core.lanes import Lane


class Pacer:
    """A window of `limit` calls per `period`, for one credential in one event loop."""

    def __init__(self, limit: int, period: timedelta) -> None:
        self._free = limit
        self._period = period.total_seconds()
        self._paused_until = 0.0
        self._is_ending = False
        self._order = itertools.count()
        # Never longer than the number of passes that may run at once.
        self._waiting: list[tuple[Lane, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def slot(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for a slot and hold it during one call; cancelled where it may not wait."""
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (lane, next(self._order), turn))
        self._admit()
        if self._is_ending:
            turn.cancel()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise
        try:
            yield
        finally:
            asyncio.get_running_loop().call_later(self._period, self._give_back)

    def pause(self, duration: timedelta) -> None:
        """Admit no call for a while: the server answered 429."""
        loop = asyncio.get_running_loop()
        self._paused_until = max(self._paused_until, loop.time() + duration.total_seconds())

    def end_waiting(self) -> None:
        """Cancel whoever waits, now and from now on: nothing is sent yet. A slot that is free can still be had."""
        self._is_ending = True
        for _, _, turn in self._waiting:
            turn.cancel()

    def heed(self, remaining: int) -> None:
        """Take the server's word on how many calls are left: another process may use the same credential."""
        excess = self._free - max(remaining, 0)
        if excess > 0:
            self._free -= excess
            loop = asyncio.get_running_loop()
            for _ in range(excess):
                loop.call_later(self._period, self._give_back)

    def _give_back(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        loop = asyncio.get_running_loop()
        if self._waiting and loop.time() < self._paused_until:
            loop.call_at(self._paused_until, self._admit)
            return
        while self._free > 0 and self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
