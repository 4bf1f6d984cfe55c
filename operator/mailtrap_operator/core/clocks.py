"""How far the server's clock and the operator's are apart, and what that means for its users.

The operator goes by its own clock alone. What a server says of the time is a claim, of a proxy perhaps: it is told, and
nothing is issued, kept or deleted by it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mailtrap_operator.api.v1alpha1 import Expiration, print_duration
from mailtrap_operator.core.actions import WantedExpiry

CONDITION = "ClockSkewed"

_NONE = timedelta()
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_TOLD_FROM = timedelta(minutes=5)
_STEP = timedelta(minutes=2)
"""By so much a difference must change before another one is told."""

_EARLIEST, _END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""No server's clock stands outside of these; such a date is none."""

_LONGEST = timedelta(days=5 * 365 + 1)
"""How far ahead Mailtrap lets a token end; five years have one leap day at least."""

_PAST = "future"
"""In what Mailtrap says of an end that is not there."""

_UNMEASURED = (
    "spec.expiration.after is counted by the operator's clock, which may be behind Mailtrap's: the Date of its answers does "
    "not tell. Correct the clock that is wrong; it is tried again."
)


@dataclass(frozen=True, slots=True)
class ClockDifference:
    """By how much a server's clock is ahead of the operator's; negative: behind it.

    `told` is what users are told, in whole minutes; it is zero below five minutes, and follows `last`, what was measured
    last, when that differs by two minutes twice in a row. `last` is None while nothing was measured.
    """

    told: timedelta = _NONE
    last: timedelta | None = None

    def after(self, measured: timedelta) -> "ClockDifference":
        """Return the difference after one more measurement."""
        is_steady = self.last is None or abs(measured - self.last) < _STEP
        if is_steady and abs(measured - self.told) >= _STEP:
            told = _in_minutes(measured) if abs(measured) >= _TOLD_FROM else _NONE
            return ClockDifference(told, measured)
        return ClockDifference(self.told, measured)


def difference_by(date: datetime, sent_at: datetime, received_at: datetime) -> timedelta | None:
    """Return by how much a server's clock is ahead; None: the date of its answer does not tell.

    Args:
        date: The server's time, cut to seconds, at some moment between the two others.
        sent_at: When the request was sent, by the operator's clock.
        received_at: When its answer was there; what the time between explains is no difference.
    """
    if not _EARLIEST <= date < _END or received_at < sent_at:
        return None
    if date > received_at:
        return date - received_at
    return min(date + _SECOND - sent_at, _NONE)


def why_skewed(difference: ClockDifference) -> str | None:
    """Return that the clocks differ, and what to do; None while they agree."""
    if not difference.told:
        return None
    amount = print_duration(abs(difference.told))
    effect = (
        f"lives {amount} shorter than that and is renewed {amount} late"
        if difference.told > _NONE
        else f"lives {amount} longer than that and is renewed {amount} early"
    )
    return (
        f"The operator's clock is {_apart(difference.told)} Mailtrap's, by the Date of its answers. A token with "
        f"expiration.after {effect}. Correct the clock that is wrong: that of the operator's node, or that of the server "
        "behind baseUrl."
    )


def why_an_end_is_refused(
    refusal: str, desired: Expiration, expires_at: WantedExpiry, now: datetime, difference: ClockDifference
) -> str | None:
    """Return what is wrong with the end that Mailtrap refused, and what to do, where it is the clocks and not the spec.

    Args:
        refusal: Mailtrap's words.
        desired: What the spec asks for.
        expires_at: The end that was sent.
        now: The operator's time.
        difference: As it was measured by the refusal, or before.
    """
    if not isinstance(expires_at, datetime):
        return None
    if difference.last is None:
        return _UNMEASURED if desired.at is None and _PAST in refusal else None
    if _is_grantable(expires_at, now + difference.last):
        return None
    return (
        _of_a_date(desired.at, now, difference) if desired.at else _of_a_duration(difference.last, difference)
    )


def _of_a_date(end: datetime, now: datetime, difference: ClockDifference) -> str | None:
    if not _is_grantable(end, now):
        return None
    return (
        f"The operator's clock is {_shown(difference)} Mailtrap's. Correct the clock that is wrong, or spec.expiration.at; "
        "it is tried again."
    )


def _of_a_duration(measured: timedelta, difference: ClockDifference) -> str:
    if abs(measured) < _MINUTE:
        return "spec.expiration.after was over before Mailtrap was asked. It is tried again."
    return (
        f"spec.expiration.after is counted by the operator's clock, which is {_shown(difference)} Mailtrap's. Correct the "
        "clock that is wrong; it is tried again."
    )


def _is_grantable(end: datetime, now: datetime) -> bool:
    return now < end <= now + _LONGEST


def _shown(difference: ClockDifference) -> str:
    """Return in words what was measured last; as it is told, where that fits."""
    told, last = difference.told, difference.last or _NONE
    return _apart(told if told and abs(last - told) < _STEP else last)


def _apart(difference: timedelta) -> str:
    amount = print_duration(_in_minutes(abs(difference)))
    return f"{amount} {'behind' if difference > _NONE else 'ahead of'}"


def _in_minutes(difference: timedelta) -> timedelta:
    return round(difference / _MINUTE) * _MINUTE
