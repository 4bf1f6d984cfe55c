"""Whether another token is needed, and what keeps it from being issued.

What stands in the way is parked: the reconcile continues with the maintenance of what there is.
"""

from collections.abc import Callable

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import print_time
from mailtrap_operator.core import desired_state
from mailtrap_operator.core.actions import Finding, Plan, RewriteSecret, State
from mailtrap_operator.core.adoption import to_adopt
from mailtrap_operator.core.blocked import RECHECK, Blocked
from mailtrap_operator.core.causes import Cause, cause_of
from mailtrap_operator.core.held_back import why_none_is_issued
from mailtrap_operator.core.history import MOST_REPAIRS, repair_allowed_at
from mailtrap_operator.core.limits import excessive_form
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.policy import crowding, unknown_standing, violation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import adoption_requested, is_unused
from mailtrap_operator.core.reverts import reason_and_message
from mailtrap_operator.core.rotation import postponed
from mailtrap_operator.core.step import (
    ADOPTION_RECHECK,
    MOST_ON_RECORD,
    Parked,
    stalled,
    step_plan,
    time_to_next_event,
    unresolved,
    waiting,
)


def excessive_form_stalls(s: ObservedState) -> Parked | None:
    """What the settings do not let a spec ask for is not carried out; the Secret and the token that there are stay."""
    message = excessive_form(s)
    return stalled(Reason.SPEC_INVALID, message, time_to_next_event(s)) if message else None


def first_token_waits_for_the_adoption(s: ObservedState) -> Parked | None:
    """An object that is to take a token over issues none before that is confirmed."""
    if not adoption_requested(s.api_token) or s.record.current or s.held_unconfirmed or crowding(s):
        return None
    match to_adopt(s):
        case Blocked(reason, message):
            # An object that may not use the account makes no call to it; it may be allowed at any time.
            after = RECHECK if reason is Reason.POLICY_VIOLATED else ADOPTION_RECHECK
            return stalled(reason, message, after)
        case Unknown() as unknown:
            return waiting(unknown)
        case _:
            return None


def value_moves_to_the_renamed_secret(s: ObservedState) -> Plan | None:
    """A changed `secretName` takes the same value along; no token is needed for the new place."""
    former = s.former_secret
    if s.secret is not None or former is None or not former.is_intact:
        return None
    token = s.held_in(former)
    message = f"The value moves from Secret {former.name} to {s.secret_name}."
    finding = Finding(State.PROGRESSING, Reason.SECRET_OUTDATED, message)
    return step_plan(s, finding, action=RewriteSecret(former, desired_state.desired_secret(s, token)))


def violated_policy_stops_issuing(s: ObservedState) -> Parked | None:
    """What the account's policy does not allow is not issued; what there is works on, and old tokens go."""
    found = violation(s)
    return _violated(s, found) if found else None


def _violated(s: ObservedState, found: Blocked) -> Parked:
    dates = (time_to_next_event(s), found.retry_after)
    after = min((date for date in dates if date is not None), default=None)
    return stalled(found.reason, found.message, after)


def needed_token_is_issued(s: ObservedState) -> Plan | Parked | None:
    """There is a cause for another token, and nothing stands in the way of it."""
    cause = cause_of(s)
    if cause is None or postponed(s):
        return None
    if parked := next((found for obstacle in _OBSTACLES if (found := obstacle(s, cause))), None):
        return parked
    action = desired_state.issue(s, cause)
    finding = Finding(State.PROGRESSING, cause.reason, f"A token is being issued: {action.why}.")
    return step_plan(s, finding, action=action, record=s.superseded_by(action.operation))


def _terminating_account_issues_no_token(s: ObservedState, _: Cause) -> Parked | None:
    """An account that is being deleted takes no one in; those whose tokens live there are served to the end."""
    ref = s.seen.account.ref
    if not s.seen.account.is_terminating or (s.base is not None and s.base.account == ref):
        return None
    message = (
        f"{ref.kind} {ref.name} is being deleted and issues no new tokens. Name another account in "
        "spec.accountRef."
    )
    return stalled(Reason.ACCOUNT_DELETING, message)


def _namespace_has_too_many(s: ObservedState, _: Cause) -> Parked | None:
    found = crowding(s)
    return _violated(s, found) if found else None


def _account_gives_no_answer(s: ObservedState, _: Cause) -> Parked | None:
    """From Unknown nothing is issued; but a tag that was never used needs no LIST."""
    is_needless = is_unused(s.seen) and s.unknown and s.unknown.reason is Reason.ACCOUNT_NOT_LISTED
    unknown = None if is_needless else s.unknown
    unknown = unknown or unknown_standing(s)
    return waiting(unknown) if unknown else None


def _record_is_full(s: ObservedState, _: Cause) -> Parked | None:
    if len(s.record.previous) < MOST_ON_RECORD:
        return None
    message = f"{MOST_ON_RECORD} tokens wait for the end of their overlap; another one follows when some are deleted."
    return stalled(Reason.ROTATION_STORM, message, RECHECK)


def _too_many_repairs(s: ObservedState, cause: Cause) -> Parked | None:
    ends = repair_allowed_at(s, cause)
    if ends is None:
        return None
    message = (
        f"A token is needed: {desired_state.why(s, cause)}. After {MOST_REPAIRS} repairs within an hour the next one waits until "
        f"{print_time(ends)}. Find out what changes the token or the Secret; a new value of the annotation {ROTATE_ANNOTATION} has it made at once."
    )
    return stalled(Reason.ROTATION_STORM, message, ends - s.now)


def _writes_do_not_last(s: ObservedState, _: Cause) -> Parked | None:
    reverted = why_none_is_issued(s)
    return stalled(*reason_and_message([reverted])) if reverted else None


def _permissions_are_not_known(s: ObservedState, cause: Cause) -> Parked | None:
    """A reset keeps the permissions, and needs to know none."""
    trouble = s.resolution.trouble
    return None if trouble is None or desired_state.can_reset(s, cause) else unresolved(trouble)


_OBSTACLES: tuple[Callable[[ObservedState, Cause], Parked | None], ...] = (
    _terminating_account_issues_no_token,
    _namespace_has_too_many,
    _account_gives_no_answer,
    _record_is_full,
    _too_many_repairs,
    _writes_do_not_last,
    _permissions_are_not_known,
)
"""What may keep a token that is needed from being issued; the first that does is told."""
