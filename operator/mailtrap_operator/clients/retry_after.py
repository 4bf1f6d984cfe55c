"""How long a server asks to be left alone, bounded: whatever it says, the operator does not fall asleep."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

from mailtrap_operator.clients.pacer import LONGEST_PAUSE


class Headers(Protocol):
    """The headers of an answer, whoever read it; names are looked up in any case of letters."""

    def get(self, key: str, /) -> str | None:
        """Return a header, None where there is none."""
        ...


def retry_after(headers: Headers) -> timedelta | None:
    """Return how long to wait; `Retry-After` is a number of seconds, or a date by the server's clock."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        date, now = _date(text), _date(headers.get("Date") or "") or datetime.now(UTC)
        if date is None:
            return None
        seconds = (date - now).total_seconds()
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
