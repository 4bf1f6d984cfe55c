"""The clock of a server, as the `Date` of its answers shows it beside the operator's own."""

from collections.abc import Callable
from datetime import datetime

import httpx

from mailtrap_operator.clients.mailtrap_http import read_date
from mailtrap_operator.core.clocks import ClockDifference, difference_by


class ServerClock:
    """How far a server's clock is from `now`, the operator's; a date that cannot be believed teaches nothing."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.difference = ClockDifference()

    def note(self, headers: httpx.Headers, sent_at: datetime) -> None:
        """Record the date of an answer to a request that was sent at this moment of the operator's clock."""
        # What a cache has kept is as old as its age says.
        if headers.get("Age", "0") != "0" or (date := read_date(headers.get("Date", ""))) is None:
            return
        if (measured := difference_by(date, sent_at, self.now())) is not None:
            self.difference = self.difference.after(measured)
