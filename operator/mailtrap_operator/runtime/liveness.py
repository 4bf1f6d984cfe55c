"""Whether this process should be restarted: checks of its parts, and tasks that must not end."""

import asyncio
from collections.abc import Callable


class Liveness:
    """The first problem that a check reports; none means that the process is healthy."""

    def __init__(self, *checks: Callable[[], str | None]) -> None:
        self._checks = [*checks]
        self._tasks: dict[asyncio.Task[None], str] = {}

    def add_checks(self, *checks: Callable[[], str | None]) -> None:
        """Add further checks."""
        self._checks += checks

    def watch_task(self, task: asyncio.Task[None], unhealthy_reason: str) -> None:
        """Report unhealthy as soon as a task has ended."""
        self._tasks[task] = unhealthy_reason

    def unhealthy_reason(self) -> str | None:
        """Return why the process should be started again, None where it need not."""
        ended = (unhealthy_reason for task, unhealthy_reason in self._tasks.items() if task.done())
        return next(ended, None) or next(filter(None, (ask() for ask in self._checks)), None)
