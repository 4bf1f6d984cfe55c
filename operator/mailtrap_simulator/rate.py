"""The sliding window that limits each credential. Refused requests do not count against it."""

import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from .settings import RateLimit

_MOST_WINDOWS = 10_000
_LIMIT, _REMAINING = RATE_HEADERS = ("X-Ratelimit-Limit", "X-Ratelimit-Remaining")


@dataclass(frozen=True, slots=True)
class Reading:
    """The state of one credential's window after a request; `wait` is whole seconds, None when admitted."""

    limit: int
    remaining: int
    wait: int | None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that every answer carries."""
        return {_LIMIT: str(self.limit), _REMAINING: str(self.remaining)}


class RateWindows:
    """The times of the admitted requests of every credential, none older than the window."""

    def __init__(self) -> None:
        self._windows: dict[str, deque[datetime]] = {}

    def admit(self, credential: str, limit: RateLimit, now: datetime) -> Reading:
        """Count one request, or refuse it."""
        if len(self._windows) >= _MOST_WINDOWS:
            self._forget_idle(limit, now)
        window = self._windows.setdefault(credential, deque())
        _drop_old(window, limit, now)
        if len(window) >= limit.requests:
            wait = window[0] + limit.window - now
            return Reading(limit.requests, 0, max(1, math.ceil(wait.total_seconds())))
        window.append(now)
        return Reading(limit.requests, limit.requests - len(window), None)

    def _forget_idle(self, limit: RateLimit, now: datetime) -> None:
        for window in self._windows.values():
            _drop_old(window, limit, now)
        self._windows = {credential: window for credential, window in self._windows.items() if window}


def _drop_old(window: deque[datetime], limit: RateLimit, now: datetime) -> None:
    while window and window[0] <= now - limit.window:
        window.popleft()
