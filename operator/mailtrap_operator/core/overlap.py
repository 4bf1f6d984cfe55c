"""How long a token that was replaced continues working: its overlap, and longer while consumers have not moved."""

from datetime import UTC, datetime

from mailtrap_operator.api.v1alpha1 import PreviousToken
from mailtrap_operator.core.expiry import MAX_OVERLAP, whole_second_after
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.references import may_have_consumers

_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""A status may name any date, and Python's end in the year 9999."""


def is_over(s: ObservedState, token: PreviousToken) -> bool:
    """Whether a token's overlap has ended, and no consumer has to move before it is deleted."""
    waits = waits_for_consumers(s, token) and s.now < kept_until(s, token)
    return token.delete_after <= s.now and not waits


def waits_for_consumers(s: ObservedState, token: PreviousToken) -> bool:
    """Whether a consumer may still have to move, by what is said of this token or of the present one."""
    current = s.record.current
    is_moving = current is not None and current.rollout is not None
    return token.waits_for == "Consumers" or (is_moving and may_have_consumers(token))


def kept_until(s: ObservedState, token: PreviousToken) -> datetime:
    """Return until when a token is kept at most for consumers that have not moved."""
    rotation = s.api_token.spec.rotation
    longest = max(rotation.max_overlap or MAX_OVERLAP, rotation.overlap)
    allowed = s.policy_of(token.account).max_overlap
    longest = longest if allowed is None else min(longest, allowed)
    return whole_second_after(min(token.retired_at or token.delete_after, _LATEST) + longest)
