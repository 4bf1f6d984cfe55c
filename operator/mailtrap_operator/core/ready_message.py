"""The message of the condition `Ready` of an object whose token works: what comes next.

They are made of dates that the status holds as well, so that they change only when it does; no time is relative to now.
"""

from collections.abc import Collection
from datetime import datetime

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import CurrentToken, PreviousToken, Rotation, print_duration, print_time
from mailtrap_operator.core.actions import WORKING
from mailtrap_operator.core.expiry import RESET_OVERLAP

NEVER = "never"
"""When a token expires that does not, in words."""

_BY_HAND = f"It is rotated when the annotation {ROTATE_ANNOTATION} asks for it: rotation.policy is Manual."


def ready_message(
    current: CurrentToken | None,
    previous: Collection[PreviousToken],
    rotation: Rotation,
    *,
    expires: str | None,
    renewal_time: datetime | None,
) -> str:
    """Return that the token works, when its successor is due, and which token is deleted next.

    `expires` is when the token does, in words; None: that is not known.
    """
    if current is None:
        return WORKING
    by_hand = (_BY_HAND,) if rotation.policy == "Manual" else ()
    notes = (*_renewal(rotation, expires, renewal_time), *by_hand, *_shorter_overlap(rotation))
    return " ".join((WORKING, *notes, *_next_deletion(previous)))


def _renewal(rotation: Rotation, expires: str | None, renewal_time: datetime | None) -> tuple[str, ...]:
    if renewal_time is not None:
        return (f"Its successor is due at {print_time(renewal_time)}.",)
    if expires is None:
        return ()
    if expires != NEVER:
        return (f"It expires at {expires}.",)
    if not (idle := _without_a_cause(rotation)):
        return ("It never expires.",)
    told = f"It never expires, and spec.rotation.every is not set: nothing is rotated because of {' and '.join(idle)}."
    return (told, "Set spec.expiration or spec.rotation.every.")


def _without_a_cause(rotation: Rotation) -> tuple[str, ...]:
    """Return the settings that say when a renewal comes, for a token that is never due."""
    settings = {
        "renewBefore": rotation.renew_before,
        "renewBeforePercentage": rotation.renew_before_percentage,
        "windows": rotation.windows,
    }
    return tuple(name for name, value in settings.items() if value)


def _shorter_overlap(rotation: Rotation) -> tuple[str, ...]:
    """A spec that was stored before the CRD had its rule may ask for a longer overlap than a reset has."""
    if rotation.strategy != "Reset" or rotation.overlap <= RESET_OVERLAP:
        return ()
    shorter = f"After a reset the old token works for {print_duration(RESET_OVERLAP)} only"
    return (f"{shorter}, not for spec.rotation.overlap: set spec.rotation.strategy to Replace.",)


def _next_deletion(previous: Collection[PreviousToken]) -> tuple[str, ...]:
    if not previous:
        return ()
    token = min(previous, key=lambda token: (token.delete_after, token.id))
    also = ", when its consumers have moved" if token.waits_for == "Consumers" else ""
    more = f"; {len(previous) - 1} more after it" if len(previous) > 1 else ""
    return (f"Token {token.id} is deleted after {print_time(token.delete_after)}{also}{more}.",)
