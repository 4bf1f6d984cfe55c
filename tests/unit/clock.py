"""Virtual time: an event loop whose clock jumps to the next timer as soon as nothing is left to do.

An hour of waiting takes no time, and the same coroutines always run in the same order. Threads and sockets have no
place here: a loop that could only wait for them counts as stuck.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that begins at time 0."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self.now

    @property
    def timers(self) -> int:
        """How many timers are set."""
        scheduled: list[asyncio.TimerHandle] = vars(self)["_scheduled"]
        return sum(not timer.cancelled() for timer in scheduled)


class _Jump(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait no time at all; where the loop wanted to wait for a timer, let that time pass."""
        if timeout is None:
            raise RuntimeError("stuck: no timer is set, and nothing else can happen on a virtual clock")
        self._loop.now += max(timeout, 0)
        return []


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual clock and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_loop() -> VirtualLoop:
    """Return the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def virtual(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Turn an async test into one that runs on a virtual clock."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_virtual(test(*args, **kwargs))

    return run


def now() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


async def settled() -> None:
    """Let everything happen that needs no time to pass."""
    await asyncio.sleep(1e-6)
