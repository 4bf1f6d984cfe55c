"""Whether a token that somebody made by hand may be taken over: it is looked at and told of first, then confirmed.

A token of the object's own takes its place in the Secret; only then the adopted one goes on record, with a date. It is
never reset: the successor would bear no mark of ours by which a lost answer could be found again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mailtrap_operator.api.v1alpha1 import print_duration, print_time
from mailtrap_operator.core.credential import is_in_use
from mailtrap_operator.core.observation import Absent, RemoteToken, Unknown
from mailtrap_operator.core.policy import excess, unread_labels, violation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import (
    ADOPT_ANNOTATION,
    CONFIRM_ANNOTATION,
    adoptee_id,
    wished_adoption,
)
from mailtrap_operator.core.situation import Situation


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a token is not adopted, and what to do."""

    reason: Reason
    message: str


def to_adopt(s: Situation) -> RemoteToken | Hindrance | Unknown:
    """Return the token to adopt, once it is confirmed and nothing speaks against it."""
    seen = s.seen.adoptee
    # Who may not use the account is told nothing of its tokens.
    if found := violation(s):
        return Hindrance(Reason.POLICY_VIOLATED, found.message)
    if unknown := unread_labels(s):
        return unknown
    if adoptee_id(s.api_token) is None:
        message = f"The annotation {ADOPT_ANNOTATION} must be the id of a token, such as 2498715. Correct or remove it."
        return Hindrance(Reason.ADOPTION_REFUSED, message)
    if isinstance(seen, Unknown):
        return seen
    if isinstance(seen, Absent):
        id_ = wished_adoption(s.api_token)
        message = (
            f"{_account(s)} has no token {id_} to adopt. Correct or remove the annotation {ADOPT_ANNOTATION}."
        )
        return Hindrance(Reason.ADOPTION_REFUSED, message)
    return _refusal(s, seen.value) or _unconfirmed(s, seen.value) or seen.value


def _refusal(s: Situation, token: RemoteToken) -> Hindrance | None:
    found = next((words for rule in _RULES if (words := rule(s, token))), None)
    if found is None:
        return None
    return Hindrance(
        Reason.ADOPTION_REFUSED,
        f"Token {token.id} is not adopted: {found}. Remove the annotation {ADOPT_ANNOTATION}.",
    )


def _is_ours_or_anothers(_s: Situation, token: RemoteToken) -> str | None:
    if token.tag is None:
        return None
    return f"it bears the mark {token.tag}, by which an ApiToken knows it as its own"


def _is_the_credential(s: Situation, token: RemoteToken) -> str | None:
    if not is_in_use(s, token):
        return None
    return f"it ends with …{token.last_four}, as does the credential that the operator works with"


def _has_too_many_rights(s: Situation, token: RemoteToken) -> str | None:
    return excess(s, token.permissions)


_RULES: tuple[Callable[[Situation, RemoteToken], str | None], ...] = (
    _is_ours_or_anothers,
    _is_the_credential,
    _has_too_many_rights,
)


def _unconfirmed(s: Situation, token: RemoteToken) -> Hindrance | None:
    if s.api_token.metadata.annotations.get(CONFIRM_ANNOTATION) == str(token.id):
        return None
    end = f"expires at {print_time(token.expires_at)}" if token.expires_at else "never expires"
    rights = ", ".join(map(str, token.permissions or ())) or "not told"
    overlap = print_duration(s.api_token.spec.rotation.overlap)
    message = (
        f"Token {token.id} {token.name[:150]!r} (…{token.last_four}) {end}; its permissions: {rights}. To adopt it, set the "
        f'annotation {CONFIRM_ANNOTATION}: "{token.id}". Then a token of this ApiToken takes its place in Secret '
        f"{s.secret_name}, and token {token.id} works on for {overlap} before it is deleted."
    )
    return Hindrance(Reason.ADOPTION_UNCONFIRMED, message)


def _account(s: Situation) -> str:
    ref = s.api_token.spec.account_ref
    return f"{ref.kind} {ref.name}"
