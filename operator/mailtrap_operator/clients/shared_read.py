"""A read whose answer is shared by all callers that wait for it.

It never answers for a moment before it was asked: who asks waits for a read that is sent after the question, together with
all others that ask before it is sent. No two run at once, and many follow one another once a second alone, so that each
answers more: a thousand deletions ask for two LISTs each. Whom an earlier moment will do looks at the latest answer.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_AT_ONCE = 5
_APART = 1.0
"""So many reads may follow one another at once; from then on they are so many seconds apart."""


class SharedRead(Generic[T]):
    """One kind of read. `while_waiting` is entered by who waits for an answer.

    `read` never raises, and calls what it is given right before it sends its first call.
    """

    def __init__(
        self,
        read: Callable[[Callable[[], None]], Coroutine[Any, Any, T]],
        name: str,
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._read = read
        self._name = name
        self._while_waiting = while_waiting
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None
        self._sent_at = 0.0
        # Each read moves it on: until then those that were sent count.
        self._rested_at = 0.0
        self._latest: tuple[float, T] | None = None

    def latest(self, most: timedelta) -> T | None:
        """Return what the last read said, unless it was sent longer ago than `most`."""
        if self._latest is None:
            return None
        sent_at, answer = self._latest
        return answer if asyncio.get_running_loop().time() - sent_at <= most.total_seconds() else None

    async def answer(self) -> T:
        """Return what a read says that is sent after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._running), name=self._name)
        task = self._next
        async with self._while_waiting():
            return await asyncio.shield(task)

    async def _read_after(self, running: asyncio.Task[T] | None) -> T:
        if running is not None:
            await asyncio.wait([running])
        await asyncio.sleep(self._rested_at - _AT_ONCE * _APART - asyncio.get_running_loop().time())
        answer = await self._read(self._note_sent)
        # One that ends before it has sent anything answers those that have asked up to now.
        self._note_sent()
        self._latest = self._sent_at, answer
        return answer

    def _note_sent(self) -> None:
        if self._next is asyncio.current_task():
            self._running, self._next = self._next, None
            self._sent_at = asyncio.get_running_loop().time()
            self._rested_at = max(self._rested_at, self._sent_at) + _APART
