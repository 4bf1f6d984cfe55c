"""What the planner makes of writes that do not last.

Such a write is not repeated at once, for it would be reverted again: what there is counts as all that can be had, a
condition says so, and the write is tried again in growing pauses.
"""

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.core import desired_state
from mailtrap_operator.core.actions import DesiredSecret, Notice
from mailtrap_operator.core.observation import SecretState
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reverts import (
    CLAIM_TARGET,
    CONDITION,
    FINALIZER_TARGET,
    GONE,
    STATUS_TARGET,
    THERE,
    Reverted,
    held_back,
    reason_and_message,
    secret_target,
)


def is_held_back(s: ObservedState, target: str, wanted: str = THERE, found: str = GONE) -> bool:
    """Whether a write for an ApiToken waits, as it did not last."""
    return held_back(s.seen.reverted, target, wanted, found, s.now) is not None


def is_rewrite_held_back(s: ObservedState, secret: SecretState, desired: DesiredSecret) -> bool:
    """Whether a Secret stays in the form that it has, as the desired one did not last."""
    if not s.seen.reverted:
        return False
    wanted, found = desired_state.form_wanted(desired), desired_state.form_of(secret, desired.api_token_uid)
    return is_held_back(
        s, secret_target(secret.name), desired_state.form_digest(wanted), desired_state.form_digest(found)
    )


def why_nothing_is_recorded(s: ObservedState) -> Reverted | None:
    """Return why no status is written now: one that says that a token is gone would not last either."""
    return next((each for each in s.seen.reverted if each.holds_all and s.now < each.retry_at), None)


def why_none_is_issued(s: ObservedState) -> Reverted | None:
    """Return what must last before a token is issued, and did not."""
    needed = (
        held_back(s.seen.reverted, target, THERE, GONE, s.now) for target in (FINALIZER_TARGET, CLAIM_TARGET)
    )
    return next((reverted for reverted in needed if reverted), None)


def notice_of(s: ObservedState) -> Notice | None:
    """Return what the condition says of an ApiToken's writes, None where all that matter last."""
    shown = [each for each in s.seen.reverted if _is_present(s, each)]
    return Notice(CONDITION, *reason_and_message(shown)) if shown else None


def _is_present(s: ObservedState, reverted: Reverted) -> bool:
    """Whether what there is still is what a write was changed to, as far as it is looked at."""
    target = reverted.target
    if target == secret_target(s.secret_name) and s.secret is not None:
        return (
            desired_state.form_digest(desired_state.form_of(s.secret, s.api_token.metadata.uid))
            == reverted.found
        )
    if target == FINALIZER_TARGET:
        return FINALIZER not in s.api_token.metadata.finalizers
    return target == STATUS_TARGET
