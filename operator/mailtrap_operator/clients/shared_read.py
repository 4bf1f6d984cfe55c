"""A read that everybody shares who waits for it.

It never answers for a moment before it was asked: who asks waits for a read that starts after the question, together
with all others that ask meanwhile. No two run at once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
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
        return await self._read()
