"""A read whose answer is shared by all callers that wait for it.

It never answers for a moment before it was asked: who asks waits for a read that starts after the question, together
with all others that ask meanwhile. No two run at once. Whom an earlier moment will do looks at the latest answer.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedRead(Generic[T]):
    """One kind of read; `read` never raises. `while_waiting` is entered by who waits for an answer."""

    def __init__(
        self,
        read: Callable[[], Coroutine[Any, Any, T]],
        name: str,
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._read = read
        self._name = name
        self._while_waiting = while_waiting
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None
        self._latest: tuple[float, T] | None = None

    def latest(self, most: timedelta) -> T | None:
        """Return what the last read said, unless it began longer ago than `most`."""
        if self._latest is None:
            return None
        began, answer = self._latest
        return answer if asyncio.get_running_loop().time() - began <= most.total_seconds() else None

    async def answer(self) -> T:
        """Return what a read says that starts after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._running), name=self._name)
        task = self._next
        async with self._while_waiting():
            return await asyncio.shield(task)

    async def _read_after(self, running: asyncio.Task[T] | None) -> T:
        if running is not None:
            await asyncio.wait([running])
        self._running, self._next = self._next, None
        began = asyncio.get_running_loop().time()
        answer = await self._read()
        self._latest = began, answer
        return answer
