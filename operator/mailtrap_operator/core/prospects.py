"""What one ApiToken has ahead of it, as `plan` shows it: what is derived here, and what others have refused already.

A refusal of Mailtrap or of the API server cannot be derived. The status reports it; that is a claim, and only shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import assert_never

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus, Condition
from mailtrap_operator.core.actions import Action, Finding, Plan, RevokeToken, State, record_of
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import REFUSALS_OF_DELETION, plan, refused_for_good
from mailtrap_operator.core.reasons import Reason

_REFUSALS = frozenset(
    {
        Reason.REQUEST_REFUSED,
        Reason.DELETION_REFUSED,
        Reason.CLOCK_SKEWED,
        Reason.ACCESS_FORBIDDEN,
        Reason.NOT_FOUND,
        Reason.SECRET_WRITE_REFUSED,
        Reason.KUBERNETES_REFUSED,
        Reason.TOO_MANY_RETAINED,
    }
)
"""What only the answer to an attempt tells; every other reason is derived again from what there is."""

_UNREAD = frozenset(
    {
        Reason.ACCOUNT_NOT_LISTED,
        Reason.ACCOUNT_NOT_SERVED,
        Reason.BASE_URL_NOT_ALLOWED,
        Reason.CREDENTIAL_MISSING,
        Reason.CREDENTIAL_REFUSED,
        Reason.ACCESS_FORBIDDEN,
        Reason.NOT_FOUND,
        Reason.RATE_LIMITED,
        Reason.REMOTE_UNAVAILABLE,
        Reason.REMOTE_ANSWER_UNUSABLE,
        Reason.LIST_INCOMPLETE,
        Reason.NAMESPACE_NOT_READ,
        Reason.KUBERNETES_UNAVAILABLE,
        Reason.KUBERNETES_REFUSED,
    }
)
"""Why something could not be read; anyone who comes to read it may decide otherwise."""


class Prospect(StrEnum):
    """What comes next, in one word."""

    NOTHING = "nothing"
    CHANGE = "change"
    WAIT = "wait"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


def plan_with_refusals(s: ObservedState) -> Plan:
    """Decide as `plan` does; what was refused already, and is only tried again, is not promised."""
    planned, status = plan(s.seen, s.now), s.api_token.status
    refusal = _refusal_on_record(s.api_token)
    if refusal is None or planned.action is None or not _is_of(refusal, planned.action, s):
        return planned
    finding = Finding(State.STALLED, Reason(refusal.reason), refusal.message)
    return replace(planned, action=None, record=record_of(status), finding=finding)


def prospect_of(planned: Plan, steps: Sequence[str], status: ApiTokenStatus) -> Prospect:
    """Return what a plan comes to; `steps` are what it does, and what follows."""
    if planned.changes(status):
        return Prospect.CHANGE
    match planned.finding.state:
        case State.STALLED:
            return Prospect.BLOCKED
        case State.BLOCKED:
            return Prospect.UNKNOWN if planned.finding.reason in _UNREAD else Prospect.BLOCKED
        case State.PROGRESSING:
            return Prospect.WAIT
        case State.READY:
            return Prospect.CHANGE if steps else Prospect.NOTHING
        case _:
            assert_never(planned.finding.state)


def _refusal_on_record(api_token: ApiToken) -> Condition | None:
    """Return the refusal of what this very spec asks for; the operator tries it again, but not at once."""
    stalled = refused_for_good(api_token)
    if stalled is None or stalled.reason not in _REFUSALS:
        return None
    return stalled if stalled.observed_generation == api_token.metadata.generation else None


def _is_of(refusal: Condition, action: Action, s: ObservedState) -> bool:
    """Whether it was this action that was refused, as far as the status tells."""
    if refusal.reason in REFUSALS_OF_DELETION:
        return isinstance(action, RevokeToken)
    # What goes in turn with a refused attempt was not refused itself: without the refusal it would not come first.
    status = s.api_token.status
    others = tuple(condition for condition in status.conditions if condition is not refusal)
    unrefused = s.api_token.model_copy(update={"status": status.model_copy(update={"conditions": others})})
    return type(plan(replace(s.seen, api_token=unrefused), s.now).action) is type(action)
