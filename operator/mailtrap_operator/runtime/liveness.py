"""Whether this process should be started again: what its parts complain of, and tasks that must not end."""

import asyncio
from collections.abc import Callable


class Liveness:
    """The first complaint of all parts; none means that the process is at work."""

    def __init__(self, *complaints: Callable[[], str | None]) -> None:
        self._complaints = [*complaints]
        self._tasks: dict[asyncio.Task[None], str] = {}

    def heed(self, *complaints: Callable[[], str | None]) -> None:
        """Ask further parts, too."""
        self._complaints += complaints

    def rely_on(self, task: asyncio.Task[None], complaint: str) -> None:
        """Complain when a task is at its end."""
        self._tasks[task] = complaint

    def complaint(self) -> str | None:
        """Return why the process should be started again, None where it need not."""
        ended = (complaint for task, complaint in self._tasks.items() if task.done())
        return next(ended, None) or next(filter(None, (ask() for ask in self._complaints)), None)
