"""The log: one line an event, JSON or text, and one warning a minute for each cause.

Libraries that could quote requests are kept to warnings at any level.
"""

import logging
import sys
import time
import traceback

from pythonjsonlogger.json import JsonFormatter

from mailtrap_operator.telemetry.repetitions import Repetitions

_ENDINGS = frozenset({"APINotFoundError", "AssertionError"})
"""Errors of kopf's watches when they end the process, which tells the cause in one line, or are ended by it."""

_QUIET = ("httpx", "httpcore", "aiohttp", "kubernetes", "kopf", "asyncio")


def configure(level: str, form: str) -> None:
    """Log to stderr; `form` is `json` or `text`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_TextFormatter() if form == "text" else _json())
    handler.addFilter(_is_no_ending)
    handler.addFilter(Repetitions(time.monotonic))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_no_ending(record: logging.LogRecord) -> bool:
    """Whether a record is not kopf's traceback of what is told when the process ends; each of its tasks would show one."""
    if not record.exc_info or record.exc_info[0] is None or record.exc_info[0].__name__ not in _ENDINGS:
        return True
    *_, (frame, _) = traceback.walk_tb(record.exc_info[2])
    return not str(frame.f_globals.get("__name__")).startswith("kopf.")


def _json() -> logging.Formatter:
    return JsonFormatter(
        ["asctime", "levelname", "name", "message"],
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )


class _TextFormatter(logging.Formatter):
    """Time, level, message, and behind it what belongs to it."""

    _OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extra = {name: value for name, value in vars(record).items() if name not in self._OWN}
        parts = [f"{name}={value}" for name, value in extra.items() if isinstance(value, str | int | list)]
        return " ".join([super().format(record), *parts])
