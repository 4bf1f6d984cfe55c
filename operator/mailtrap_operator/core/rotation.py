"""Whether a rotation may begin now: what the user asked for, the policy, and the windows.

A rotation takes the place of a value that works, so it can wait. What replaces a lost value never waits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import ApiToken, CurrentToken, Rotation, print_time
from mailtrap_operator.core.causes import Cause, cause_of
from mailtrap_operator.core.expiry import renewal_of
from mailtrap_operator.core.observed_state import ObservedState, once
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.windows import opening

_LAST_SHARE = 10
_LONGEST_LAST = timedelta(hours=1)
"""A token that no window saves is rotated in the last tenth of its lifetime, at most an hour before its end."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A rotation that waits: why, and until when; None: until someone does something."""

    reason: Reason
    message: str
    until: datetime | None = None


@once
def postponed(s: ObservedState) -> Postponed | None:
    """Return what a rotation waits for that there is a cause for, or None where there is none or it may begin."""
    cause = cause_of(s)
    if cause is None or not cause.may_wait or s.held is None:
        return None
    if s.api_token.spec.suspend:
        return Postponed(cause.reason, f"{_due(cause)} It waits until spec.suspend is false.")
    rotation = s.api_token.spec.rotation
    if rotation.policy == "Manual":
        message = f"{_due(cause)} It waits for a new value of the annotation {ROTATE_ANNOTATION}: rotation.policy is Manual."
        return Postponed(cause.reason, message)
    return _wait_for_window(s, s.held, cause) if rotation.windows else None


def next_rotation(s: ObservedState) -> datetime | None:
    """Return when the successor of the held token is issued, or None when no time is promised."""
    if s.held is None:
        return None
    wait = postponed(s)
    return wait.until if wait else rotation_of(s.api_token, s.held, s.expires_at(s.held))


def rotation_of(api_token: ApiToken, token: CurrentToken, expires_at: datetime | None) -> datetime | None:
    """Return when a token that is not due yet is rotated, `expires_at` being its end as it is known now."""
    rotation, due = api_token.spec.rotation, renewal_of(api_token, token, expires_at)
    if due is None or api_token.spec.suspend or rotation.policy == "Manual":
        return None
    return _beginning(rotation, token, expires_at, due).at if rotation.windows else due


@dataclass(frozen=True, slots=True)
class _Beginning:
    """When a rotation begins, None: never by itself; and whether it is in a window."""

    at: datetime | None
    is_in_window: bool


def _beginning(rotation: Rotation, token: CurrentToken, end: datetime | None, due: datetime) -> _Beginning:
    """Return when a rotation begins that may from `due` on, as far as the windows allow it."""
    opens = opening(rotation.windows, due)
    is_held_back = rotation.outside_windows == "Never"
    last = end and end - min((end - token.issued_at) / _LAST_SHARE, _LONGEST_LAST)
    # One that opens later than that leaves too little time to try again.
    latest = end if is_held_back else last
    if opens is not None and (opens == due or latest is None or opens < latest):
        return _Beginning(opens, is_in_window=True)
    return _Beginning(None if last is None or is_held_back else max(last, due), is_in_window=False)


def _wait_for_window(s: ObservedState, held: CurrentToken, cause: Cause) -> Postponed | None:
    rotation = s.api_token.spec.rotation
    begins = _beginning(rotation, held, s.expires_at(held), s.now)
    if begins.at == s.now:
        return None
    none = f"{_due(cause)} No window of rotation.windows opens in time before the token ends"
    if begins.at is None:
        return Postponed(Reason.NO_WINDOW_BEFORE_EXPIRY, f"{none}. Add one.")
    at = print_time(begins.at)
    if begins.is_in_window:
        return Postponed(
            cause.reason, f"{_due(cause)} It waits for the window that opens at {at}.", begins.at
        )
    message = f"{none}: it is rotated outside of them at {at}. Add one to have it earlier."
    return Postponed(Reason.NO_WINDOW_BEFORE_EXPIRY, message, begins.at)


def _due(cause: Cause) -> str:
    return f"A rotation is due: {cause.why}."
