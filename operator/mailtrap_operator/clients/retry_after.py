"""How long a server asks to be left alone, bounded: whatever it says, the operator does not fall asleep."""

import math
from datetime import UTC, datetime, timedelta
from typing import Protocol

from mailtrap_operator.clients.mailtrap_http import read_date
from mailtrap_operator.clients.pacer import LONGEST_PAUSE


class Headers(Protocol):
    """The headers of an answer, of any HTTP library; names are looked up in any case of letters."""

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
        date, now = read_date(text), read_date(headers.get("Date") or "") or datetime.now(UTC)
        if date is None:
            return None
        seconds = (date - now).total_seconds()
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))
