"""The log: one line an event, JSON or text. Libraries that could quote requests are kept to warnings at any level."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

_QUIET = ("httpx", "httpcore", "aiohttp", "kubernetes", "kopf", "asyncio")


def configure(level: str, form: str) -> None:
    """Log to stderr; `form` is `json` or `text`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_TextFormatter() if form == "text" else _json())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


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
