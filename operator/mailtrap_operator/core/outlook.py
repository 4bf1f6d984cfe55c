"""What comes next for an object whose token works: the words of its condition `Ready`.

They are made of dates that the status holds as well, so that they change only when it does; no time is relative to now.
"""

from collections.abc import Collection
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import CurrentToken, PreviousToken, print_time
from mailtrap_operator.core.actions import WORKING
from mailtrap_operator.core.digests import ROTATE_ANNOTATION

NEVER = "never"
"""When a token expires that does not, in words."""

_BY_HAND = f"It is rotated when the annotation {ROTATE_ANNOTATION} asks for it: rotation.policy is Manual."


def outlook(
    current: CurrentToken | None,
    previous: Collection[PreviousToken],
    *,
    expires: str | None,
    renewal_time: datetime | None,
    is_manual: bool,
) -> str:
    """Return that the token works, when its successor is due, and which token is deleted next.

    `expires` is when the token does, in words; None: that is not known.
    """
    if current is None:
        return WORKING
    by_hand = (_BY_HAND,) if is_manual else ()
    return " ".join((WORKING, *_renewal(expires, renewal_time), *by_hand, *_next_deletion(previous)))


def _renewal(expires: str | None, renewal_time: datetime | None) -> tuple[str, ...]:
    if renewal_time is not None:
        return (f"Its successor is due at {print_time(renewal_time)}.",)
    if expires is None:
        return ()
    return ("It never expires." if expires == NEVER else f"It expires at {expires}.",)


def _next_deletion(previous: Collection[PreviousToken]) -> tuple[str, ...]:
    if not previous:
        return ()
    token = min(previous, key=lambda token: (token.delete_after, token.id))
    also = ", when its consumers have moved" if token.waits_for == "Consumers" else ""
    more = f"; {len(previous) - 1} more after it" if len(previous) > 1 else ""
    return (f"Token {token.id} is deleted after {print_time(token.delete_after)}{also}{more}.",)
