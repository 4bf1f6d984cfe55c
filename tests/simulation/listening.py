"""Hears everything that is logged, at every level, to look for what must not be said."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class _Ear(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard
        self._extra = logging.makeLogRecord({}).__dict__.keys()

    def emit(self, record: logging.LogRecord) -> None:
        extra = {name: value for name, value in vars(record).items() if name not in self._extra}
        self._heard.append(f"{self.format(record)} {extra}")


@contextmanager
def everything_logged() -> Iterator[list[str]]:
    """Collect the texts of all log records, tracebacks and extra fields included; nobody else hears them."""
    heard: list[str] = []
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [_Ear(heard)]
    root.setLevel(logging.DEBUG)
    try:
        yield heard
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def one_of(values: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the values stands in one of the texts."""
    text = "\n".join(texts)
    return any(value in text for value in values)
