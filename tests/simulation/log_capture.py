"""Captures everything that is logged, at every level, to look for what must not be logged."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records
        self._extra = logging.makeLogRecord({}).__dict__.keys()

    def emit(self, record: logging.LogRecord) -> None:
        extra = {name: value for name, value in vars(record).items() if name not in self._extra}
        self._records.append(f"{self.format(record)} {extra}")


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Collect the texts of all log records, tracebacks and extra fields included; no one else hears them."""
    records: list[str] = []
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [_Collector(records)]
    root.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def one_of(values: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the values stands in one of the texts."""
    text = "\n".join(texts)
    return any(value in text for value in values)
