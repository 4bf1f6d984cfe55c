"""Why a token is needed: small named checks in a fixed order; the first that fires is the answer.

Each looks at one wrong alone. What follows from it is decided in `planning`.
"""

from collections.abc import Callable
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import CurrentToken
from mailtrap_operator.core import digests, expiry
from mailtrap_operator.core.drift import drift_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.situation import Situation


def token_is_missing(situation: Situation) -> Reason | None:
    """No living token: none was issued yet, or it was deleted or has expired."""
    if situation.base is not None:
        return None
    current = situation.record.current
    if current is None and not (situation.secret and situation.secret.token_id):
        return Reason.FIRST_TOKEN
    expired = current is not None and current.id in situation.owned
    return Reason.TOKEN_EXPIRED if expired else Reason.TOKEN_GONE


def rotation_was_requested(situation: Situation) -> Reason | None:
    """The user set the annotation anew since the token was issued."""
    request, base = digests.rotate_request(situation.api_token), situation.base
    is_new = base is not None and request not in {"", base.rotate_request}
    return Reason.ROTATION_REQUESTED if is_new else None


def access_has_changed(situation: Situation) -> Reason | None:
    """The account, the display name or the permissions are no longer those of the token."""
    account_id, resolution = situation.seen.account.account_id, situation.resolution
    base = situation.base
    if base is None or account_id is None or resolution.trouble is not None:
        return None
    wanted = digests.access_digest(situation.api_token, account_id, resolution.resources)
    return Reason.ACCESS_CHANGED if base.access_digest != wanted else None


def secret_is_missing(situation: Situation) -> Reason | None:
    """There is no Secret with the value."""
    return Reason.SECRET_MISSING if situation.secret is None else None


def secret_is_edited(situation: Situation) -> Reason | None:
    """The Secret no longer holds the value, or one whose token is dead."""
    return Reason.SECRET_EDITED if situation.held is None else None


def expiration_has_changed(situation: Situation) -> Reason | None:
    """The wished expiration is no longer the one that the token was issued for."""
    base = situation.base
    if base is None or base.expiration_digest == digests.expiration_digest(situation.api_token):
        return None
    return Reason.EXPIRATION_CHANGED


def token_was_reset(situation: Situation) -> Reason | None:
    """The token was reset without its successor coming here: it ends within hours."""
    base = situation.base
    return Reason.TOKEN_RESET if base is not None and situation.has_successor(base.id) else None


def token_has_drifted(situation: Situation) -> Reason | None:
    """Somebody changed the token in Mailtrap, and the spec wants that corrected."""
    found = drift_of(situation) if situation.api_token.spec.drift_policy == "Correct" else None
    return found.reason if found else None


def renewal_is_due(situation: Situation) -> Reason | None:
    """The token ends so soon that its successor must come now."""
    due = renewal_of(situation, situation.base)
    return Reason.RENEWAL_DUE if due is not None and due <= situation.now else None


def renewal_of(situation: Situation, token: CurrentToken | None) -> datetime | None:
    """Return when a token's renewal is due."""
    if token is None:
        return None
    return expiry.renewal_of(situation.api_token, token, situation.expires_at(token))


CHECKS: tuple[Callable[[Situation], Reason | None], ...] = (
    token_is_missing,
    rotation_was_requested,
    access_has_changed,
    secret_is_missing,
    secret_is_edited,
    expiration_has_changed,
    token_was_reset,
    token_has_drifted,
    renewal_is_due,
)


def why_a_token_is_needed(situation: Situation) -> Reason | None:
    """Return the first reason for another token, or None when the present one is right."""
    return next((reason for check in CHECKS if (reason := check(situation))), None)
