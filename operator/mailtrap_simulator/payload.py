"""Reads the JSON objects of the control API key by key, so that a misspelt key is an error and not a silence."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from .clock import read
from .settings import LONGEST

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class PayloadError(ValueError):
    """The payload cannot be used; the message says why."""


class Payload:
    """One JSON object. Each reader takes its key out; `finish` complains about what is left."""

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise PayloadError(f"{what} must be a JSON object")
        self._left = dict(value)
        self._what = what

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def rest(self) -> dict[str, Any]:
        """All keys that are left, unread."""
        return dict(self._left)

    def any(self, key: str, default: Any = None) -> Any:
        """Any JSON value."""
        return self._left.pop(key, default)

    def text(self, key: str, default: str | None = None) -> str | None:
        """A string."""
        value = self._left.pop(key, default)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def integer(self, key: str, default: int | None = None) -> int | None:
        """A whole number, not negative."""
        value = self._left.pop(key, default)
        if value is not None and (type(value) is not int or value < 0):
            raise self.wrong(key, "a whole number, not negative")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def seconds(self, key: str) -> timedelta | None:
        """A number of seconds, negative ones too."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or abs(value) > LONGEST.total_seconds()
        ):
            raise self.wrong(key, f"a number of seconds, at most {LONGEST.days} days")
        return timedelta(seconds=value)

    def moment(self, key: str) -> datetime | None:
        """A date-time with an offset, or null."""
        value = self.text(key)
        try:
            return None if value is None else read(value)
        except ValueError as error:
            raise self.wrong(key, "a date-time such as 2026-04-01T12:00:00Z, or null") from error

    def bare_date(self, key: str) -> datetime | None:
        """Midnight in UTC of a date without a time; anything else is left to `moment`."""
        value = self._left.get(key)
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            return None
        del self._left[key]
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError as error:
            raise self.wrong(key, "a date that exists, such as 2026-04-01") from error

    def list_of(self, key: str, kind: type) -> list[Any]:
        """A list with elements of one kind; empty when absent."""
        value = self._left.pop(key, [])
        if not isinstance(value, list) or not all(type(item) is kind for item in value):
            raise self.wrong(key, f"a list of {kind.__name__}")
        return value

    def finish(self) -> None:
        """Refuse keys that no one read."""
        if self._left:
            raise PayloadError(f"{self._what} has unknown keys: {', '.join(sorted(self._left))}")

    def wrong(self, key: str, wanted: str) -> PayloadError:
        """The error for a value of the wrong form."""
        return PayloadError(f"{self._what}: {key} must be {wanted}")
