"""The server's time: any source of time plus an offset that tests move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that can be put forward. `source` returns an aware time in UTC."""

    def __init__(self, source: Callable[[], datetime]) -> None:
        self._source = source
        self.offset = timedelta()

    def now(self) -> datetime:
        """The server's time."""
        return self._source() + self.offset


def milliseconds(moment: datetime) -> datetime:
    """The moment as the API keeps it: in UTC, cut to milliseconds."""
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def written(moment: datetime) -> str:
    """The moment as the API writes it, `2026-04-01T12:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    """A written date-time; date, time and offset must all be there.

    Raises:
        ValueError: it is not such a date-time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write it like 2026-04-01T12:00:00Z")
    try:
        return milliseconds(moment)
    except OverflowError as error:
        raise ValueError(f"{text!r} is out of range") from error
