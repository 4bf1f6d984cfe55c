"""In what a token in Mailtrap is no longer what was granted: someone changed it there.

Judged by what Mailtrap granted, not by what was asked: a server that writes a permission in other words has not drifted.
"""

from mailtrap_operator.api.v1alpha1 import CurrentToken, print_time
from mailtrap_operator.core.actions import Notice
from mailtrap_operator.core.digests import permissions_digest
from mailtrap_operator.core.observation import Permission
from mailtrap_operator.core.observed_state import ObservedState, once
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.resource_types import canonical_type


@once
def drift_of(s: ObservedState) -> Notice | None:
    """Return in what the token that the Secret holds differs from what was granted, its permissions first."""
    if s.held is None:
        return None
    if access_has_drifted(s, s.held):
        return Notice("Drifted", Reason.ACCESS_DRIFTED, _permissions_in_words(s, s.held))
    if _expiry_has_drifted(s, s.held):
        return Notice("Drifted", Reason.EXPIRY_DRIFTED, _expiry_in_words(s, s.held))
    return None


def access_has_drifted(s: ObservedState, token: CurrentToken) -> bool:
    """Whether a token has other permissions than it was granted; unknown ones prove nothing."""
    listed = s.owned.get(token.id)
    if listed is None or listed.permissions is None or not token.granted_digest:
        return False
    return permissions_digest(listed.permissions) != token.granted_digest


def _expiry_has_drifted(s: ObservedState, token: CurrentToken) -> bool:
    # With the server's default, the server decides, also later on; a reset is told by its successor.
    listed = s.owned.get(token.id)
    is_specified = s.api_token.spec.expiration.policy != "ServerDefault"
    return (
        is_specified
        and listed is not None
        and listed.expires_at != token.expires_at
        and not s.has_successor(token.id)
    )


def _permissions_in_words(s: ObservedState, token: CurrentToken) -> str:
    listed = set(s.owned[token.id].permissions or ())
    desired = {Permission(canonical_type(r.type), str(r.id), r.access_level) for r in s.resolution.resources}
    if s.resolution.trouble is not None:
        # What would be desired beside these is not known.
        desired = listed
    lost = ", ".join(map(str, sorted(desired - listed)))
    added = ", ".join(map(str, sorted(listed - desired)))
    parts = (f"lacks {lost}" if lost else "", f"has {added} beyond the spec" if added else "")
    differs = " and ".join(part for part in parts if part) or "has other permissions than it was granted"
    return f"Token {token.id} was changed in Mailtrap: it {differs}."


def _expiry_in_words(s: ObservedState, token: CurrentToken) -> str:
    was, is_now = (
        print_time(moment) if moment else "never"
        for moment in (token.expires_at, s.owned[token.id].expires_at)
    )
    return f"Token {token.id} was changed in Mailtrap: it expires {is_now} instead of {was}."
