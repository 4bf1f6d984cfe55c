"""Processes that stand still, each on its own, as a stopped or starved process does, while the time continues for all.

A frozen process runs nothing. What comes due for it meanwhile, answers and timers alike, waits; when it thaws, all of
that runs at once in the order in which it came due.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any

from tests.unit.clock import VirtualLoop

PROCESS: ContextVar[str] = ContextVar("process", default="")
"""To which process what runs now belongs; what it starts belongs to the same."""


@dataclass(slots=True)
class _Call:
    callback: Callable[..., object]
    args: tuple[Any, ...]
    context: Context
    handle: asyncio.Handle | None = None


class FreezingLoop(VirtualLoop):
    """A virtual loop for several processes."""

    def __init__(self) -> None:
        self._frozen: dict[str, list[_Call]] = {}
        super().__init__()

    @property
    def is_anyone_frozen(self) -> bool:
        """Whether some process stands still."""
        return bool(self._frozen)

    def is_frozen(self, process: str) -> bool:
        """Whether a process stands still."""
        return process in self._frozen

    def start_process(self, name: str, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a process that can be frozen by its name."""
        context = copy_context()
        context.run(PROCESS.set, name)
        return self.create_task(main, context=context)

    def freeze(self, process: str, seconds: float) -> None:
        """Have a process stand still for a time."""
        self._frozen[process] = []
        self.call_later(seconds, self._thaw, process, context=Context())

    def _thaw(self, process: str) -> None:
        for call in self._frozen.pop(process):
            super().call_soon(self._run, call, context=call.context)

    def call_soon(  # type: ignore[override] # typeshed's variadic generics cannot be passed on
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Call soon; in a frozen process, once it thaws."""
        call = _Call(callback, args, copy_context() if context is None else context)
        call.handle = super().call_soon(self._run, call, context=call.context)
        return call.handle

    def call_at(  # type: ignore[override] # as call_soon
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call at a time; in a frozen process, once it thaws."""
        call = _Call(callback, args, copy_context() if context is None else context)
        call.handle = handle = super().call_at(when, self._run, call, context=call.context)
        return handle

    def _run(self, call: _Call) -> None:
        if (waiting := self._frozen.get(PROCESS.get())) is not None:
            waiting.append(call)
        elif call.handle is None or not call.handle.cancelled():
            call.callback(*call.args)


def running_loop() -> FreezingLoop:
    """Return the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FreezingLoop)
    return loop
