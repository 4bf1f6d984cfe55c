"""Whether a rotation may begin now: what the user asked for, the policy, and the windows.

A rotation takes the place of a value that works, so it can wait. What replaces a lost value never waits.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import CurrentToken, print_time
from mailtrap_operator.core.digests import ROTATE_ANNOTATION
from mailtrap_operator.core.reasons import WHY, Reason
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.core.windows import opening

_CAN_WAIT = frozenset(
    {
        Reason.ACCESS_CHANGED,
        Reason.EXPIRATION_CHANGED,
        Reason.TOKEN_RESET,
        Reason.ACCESS_DRIFTED,
        Reason.EXPIRY_DRIFTED,
        Reason.RENEWAL_DUE,
    }
)

_LAST_SHARE = 10
_LONGEST_LAST = timedelta(hours=1)
"""A token that no window saves is rotated in the last tenth of its lifetime, at most an hour before its end."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A rotation that waits: why, and until when; None: until somebody does something."""

    reason: Reason
    message: str
    until: datetime | None = None


def postponed(s: Situation, reason: Reason | None) -> Postponed | None:
    """Return what a rotation for this reason waits for, or None when it may begin."""
    if reason not in _CAN_WAIT or s.held is None:
        return None
    rotation = s.api_token.spec.rotation
    if rotation.policy == "Manual":
        message = f"{_due(reason)} It waits for a new value of the annotation {ROTATE_ANNOTATION}: rotation.policy is Manual."
        return Postponed(reason, message)
    return _wait_for_window(s, s.held, reason) if rotation.windows else None


def _wait_for_window(s: Situation, held: CurrentToken, reason: Reason) -> Postponed | None:
    rotation, end = s.api_token.spec.rotation, s.expires_at(held)
    opens = opening(rotation.windows, s.now)
    if opens == s.now:
        return None
    is_held_back = rotation.outside_windows == "Never"
    last = end and end - min((end - held.issued_at) / _LAST_SHARE, _LONGEST_LAST)
    # One that opens later than that leaves too little time to try again.
    latest = end if is_held_back else last
    if opens is not None and (latest is None or opens < latest):
        return Postponed(
            reason, f"{_due(reason)} It waits for the window that opens at {print_time(opens)}.", opens
        )
    none = f"{_due(reason)} No window of rotation.windows opens in time before the token ends"
    if last is None or is_held_back:
        return Postponed(Reason.NO_WINDOW_BEFORE_EXPIRY, f"{none}. Add one.")
    if last <= s.now:
        return None
    message = f"{none}: it is rotated outside of them at {print_time(last)}. Add one to have it earlier."
    return Postponed(Reason.NO_WINDOW_BEFORE_EXPIRY, message, last)


def _due(reason: Reason) -> str:
    return f"A rotation is due: {WHY[reason]}."
