"""Keeps the log short where many objects meet one trouble: a warning stands there once in a while, with how many were alike."""

import logging
from collections.abc import Callable

_INTERVAL = 60.0
_MOST_KNOWN = 1000


class Repetitions(logging.Filter):
    """Lets a warning pass once in a minute for each cause; `monotonic` counts seconds.

    Which object it is about does not count: conditions and Events report each.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._known: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is to be written; one that is gets the number of those `alike` that were not."""
        if record.levelno != logging.WARNING or record.exc_info:
            return True
        extra = vars(record)
        cause = (record.name, record.getMessage(), str(extra.get("cause")), str(extra.get("reason")))
        now = self._monotonic()
        since, left_out = self._known.get(cause, (now - _INTERVAL, 0))
        if now - since < _INTERVAL:
            self._known[cause] = (since, left_out + 1)
            return False
        if len(self._known) >= _MOST_KNOWN:
            self._known = {key: known for key, known in self._known.items() if now - known[0] < _INTERVAL}
        self._known[cause] = (now, 0)
        if left_out:
            record.alike = left_out
        return True
