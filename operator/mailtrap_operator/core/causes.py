"""Why a token is issued: one row for each cause; the first whose check applies is the answer.

All that one cause has of its own stands in its row, and nothing of it has a default: a new cause is an entry in
`reasons`, a check and a row here. Each check looks at one wrong alone; what follows from it is decided in `planning`.

The order is that of urgency: a token that is gone, what the user asks for at once, what only another token can change,
a value that is lost, and last what may wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import CurrentToken
from mailtrap_operator.core import digests, expiry
from mailtrap_operator.core.drift import drift_of
from mailtrap_operator.core.observed_state import ObservedState, once
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, and what follows from it being this one.

    Attributes:
        reason: The word for it in conditions, Events, metrics and the history.
        why: The same as the end of a sentence.
        check: Whether it applies.
        may_wait: Whether it waits for a window or for the user, as long as the Secret holds a value that works.
        is_repair: Whether neither the spec nor the user asked for it: too many of these in a row are a storm.
        priority: How soon its calls are made.
        reset_is_enough: Whether a new value for the same token answers it; otherwise another token is created.
    """

    reason: Reason
    why: str
    check: Callable[[ObservedState], bool]
    may_wait: bool
    is_repair: bool
    priority: Priority
    reset_is_enough: bool


def no_token_was_issued(s: ObservedState) -> bool:
    """There is no living token, and nothing reports a former one."""
    return s.base is None and s.record.current is None and not (s.secret and s.secret.token_id)


def token_has_expired(s: ObservedState) -> bool:
    """The token on record is dead, and still listed."""
    return s.base is None and s.record.current is not None and s.record.current.id in s.owned


def token_is_gone(s: ObservedState) -> bool:
    """There is no living token, whatever became of the former one."""
    return s.base is None


def rotation_was_requested(s: ObservedState) -> bool:
    """The user set the annotation again since the token was issued."""
    return s.base is not None and digests.rotate_request(s.api_token) not in {"", s.base.rotate_request}


def access_has_changed(s: ObservedState) -> bool:
    """The account, the display name or the permissions are no longer those of the token."""
    account_id, resolution = s.seen.account.account_id, s.resolution
    if s.base is None or account_id is None or resolution.trouble is not None:
        return False
    return s.base.access_digest != digests.access_digest(s.api_token, account_id, resolution.resources)


def secret_is_missing(s: ObservedState) -> bool:
    """There is no Secret with the value."""
    return s.secret is None


def secret_is_edited(s: ObservedState) -> bool:
    """The Secret no longer holds the value, or one whose token is dead."""
    return s.held is None


def expiration_has_changed(s: ObservedState) -> bool:
    """The desired expiration is no longer the one that the token was issued for."""
    return s.base is not None and s.base.expiration_digest != digests.expiration_digest(s.api_token)


def token_was_reset(s: ObservedState) -> bool:
    """The token was reset without its successor coming here: it ends within hours."""
    return s.base is not None and s.has_successor(s.base.id)


def permissions_have_drifted(s: ObservedState) -> bool:
    """Someone changed the permissions in Mailtrap, and the spec wants that corrected."""
    return _has_drifted(s, Reason.ACCESS_DRIFTED)


def expiry_has_drifted(s: ObservedState) -> bool:
    """Someone changed the expiry in Mailtrap, and the spec wants that corrected."""
    return _has_drifted(s, Reason.EXPIRY_DRIFTED)


def _has_drifted(s: ObservedState, reason: Reason) -> bool:
    found = drift_of(s) if s.api_token.spec.drift_policy == "Correct" else None
    return found is not None and found.reason is reason


def renewal_is_due(s: ObservedState) -> bool:
    """The token ends so soon that its successor must come now."""
    due = renewal_of(s, s.base)
    return due is not None and due <= s.now


def renewal_of(s: ObservedState, token: CurrentToken | None) -> datetime | None:
    """Return when a token's renewal is due."""
    return None if token is None else expiry.renewal_of(s.api_token, token, s.expires_at(token))


CAUSES = (
    Cause(
        reason=Reason.FIRST_TOKEN,
        why="the ApiToken has none yet",
        check=no_token_was_issued,
        may_wait=False,
        is_repair=False,
        priority=Priority.CHANGE,
        reset_is_enough=False,
    ),
    Cause(
        reason=Reason.TOKEN_EXPIRED,
        why="the former one has expired",
        check=token_has_expired,
        may_wait=False,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=False,
    ),
    Cause(
        reason=Reason.TOKEN_GONE,
        why="the former one was deleted in Mailtrap",
        check=token_is_gone,
        may_wait=False,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=False,
    ),
    Cause(
        reason=Reason.ROTATION_REQUESTED,
        why="its rotation was requested",
        check=rotation_was_requested,
        may_wait=False,
        is_repair=False,
        priority=Priority.CHANGE,
        reset_is_enough=True,
    ),
    Cause(
        reason=Reason.ACCESS_CHANGED,
        why="the account, the name or the permissions changed",
        check=access_has_changed,
        may_wait=True,
        is_repair=False,
        priority=Priority.CHANGE,
        reset_is_enough=False,
    ),
    Cause(
        reason=Reason.SECRET_MISSING,
        why="the Secret with the former value is gone",
        check=secret_is_missing,
        may_wait=False,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=True,
    ),
    Cause(
        reason=Reason.SECRET_EDITED,
        why="the Secret no longer holds the former value",
        check=secret_is_edited,
        may_wait=False,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=True,
    ),
    Cause(
        reason=Reason.EXPIRATION_CHANGED,
        why="the expiration changed",
        check=expiration_has_changed,
        may_wait=True,
        is_repair=False,
        priority=Priority.CHANGE,
        reset_is_enough=True,
    ),
    Cause(
        reason=Reason.TOKEN_RESET,
        why="the former one was reset in Mailtrap, and the value of its successor is not known",
        check=token_was_reset,
        may_wait=True,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=False,  # the server resets a token once
    ),
    Cause(
        reason=Reason.ACCESS_DRIFTED,
        why="the permissions of the former one were changed in Mailtrap",
        check=permissions_have_drifted,
        may_wait=True,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=False,  # a reset keeps the permissions
    ),
    Cause(
        reason=Reason.EXPIRY_DRIFTED,
        why="the expiry of the former one was changed in Mailtrap",
        check=expiry_has_drifted,
        may_wait=True,
        is_repair=True,
        priority=Priority.CHANGE,
        reset_is_enough=True,
    ),
    Cause(
        reason=Reason.RENEWAL_DUE,
        why="the former one is due for renewal",
        check=renewal_is_due,
        may_wait=True,
        is_repair=False,
        priority=Priority.URGENT,
        reset_is_enough=True,
    ),
)

BY_REASON = {cause.reason: cause for cause in CAUSES}


@once
def cause_of(s: ObservedState) -> Cause | None:
    """Return the first cause for another token, or None when the present one is right."""
    return next((cause for cause in CAUSES if cause.check(s)), None)
