"""What a step of the chain answers, and how it puts its decision into a Plan."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import PreviousToken
from mailtrap_operator.core.actions import Action, Finding, IssueToken, Notice, Plan, Record, State
from mailtrap_operator.core.adoption import to_adopt, why_it_is_kept
from mailtrap_operator.core.blocked import RECHECK, Blocked
from mailtrap_operator.core.causes import renewal_of
from mailtrap_operator.core.consumers import (
    ROLLOUT_CHECK,
    moving_to,
    rollout_notice,
    targets_notice,
    targets_recheck,
)
from mailtrap_operator.core.credential import is_in_use, why_it_stays
from mailtrap_operator.core.drift import drift_of
from mailtrap_operator.core.grant import other_end
from mailtrap_operator.core.held_back import notice_of
from mailtrap_operator.core.installations import PAUSE, may_speak
from mailtrap_operator.core.observation import Absent, Found, RemoteToken, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.overlap import is_over, kept_until, waits_for_consumers
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import adoptee_id, adoption_requested
from mailtrap_operator.core.reverts import or_next_retry
from mailtrap_operator.core.rotation import next_rotation, postponed

MOST_ON_RECORD = 250
"""How many tokens may be retired at once; the status holds a few more."""

SECRET_RECHECK = timedelta(seconds=10)
"""How soon a Secret that stands in the way is looked at again: no watch reports one without our label."""

ADOPTION_RECHECK = timedelta(minutes=5)
"""How soon a token is asked for again that is not adopted as it is; a change of the annotations needs no such look."""


@dataclass(frozen=True, slots=True)
class Parked:
    """There is nothing to issue now, and why: what is told unless maintenance has something to do meanwhile."""

    finding: Finding
    requeue_after: timedelta | None = None


Step = Callable[[ObservedState], Plan | Parked | None]
"""One step of the chain; None: it has nothing to say."""


def step_plan(
    s: ObservedState,
    finding: Finding,
    *,
    action: Action | None = None,
    record: Record | None = None,
    requeue_after: timedelta | None = None,
) -> Plan:
    """Return the Plan of a step: by default nothing is done, nothing recorded, and events bring the next look."""
    return Plan(
        s.now,
        action,
        record or s.record,
        finding,
        works=s.held is not None,
        requeue_after=or_next_retry(s.seen.reverted, s.now, requeue_after),
        renewal_time=next_rotation(s),
        expires_at=s.expires_at(s.held) if s.held else None,
        never_expires=s.held is not None and s.is_known(s.held) and s.expires_at(s.held) is None,
        # What is being issued is no longer waited for, nor different.
        notices=tuple(_targets_notices(s) if isinstance(action, IssueToken) else _notices(s)),
        installation=s.seen.identity.installation,
    )


def of_another(s: ObservedState, plan: Plan) -> Plan:
    """Return a plan that tells that another installation serves the object, or says nothing where that is told."""
    ours, is_silent = s.seen.identity.installation, not may_speak(s)
    return replace(
        plan,
        requeue_after=PAUSE if is_silent else RECHECK,
        installation=None,
        contender=ours,
        is_silent=is_silent,
    )


def overdue(s: ObservedState) -> Iterator[PreviousToken]:
    """Yield the tokens whose overlap is over, unless the Secret holds them."""
    # Also one that is dead by our clock: clocks differ.
    held = s.held_unconfirmed.id if s.held_unconfirmed else None
    for previous in s.record.previous:
        if is_over(s, previous) and s.is_listed(previous.account) and previous.id != held:
            yield previous


def overdue_in_use(s: ObservedState) -> RemoteToken | None:
    """Return a token whose overlap is over, and which the operator works with itself."""
    tokens = (s.as_remote(previous) for previous in overdue(s))
    return next((token for token in tokens if is_in_use(s, token)), None)


def overdue_kept(s: ObservedState) -> Blocked | Unknown | None:
    """Return why an adopted token whose overlap is over is not deleted, if there is one."""
    found = (why_it_is_kept(s, previous.id, previous.account) for previous in overdue(s))
    return next((why for why in found if why), None)


def _notices(s: ObservedState) -> Iterator[Notice]:
    if wait := postponed(s):
        yield Notice("RotationPending", wait.reason, wait.message)
    if found := drift_of(s):
        yield found
    if message := other_end(s):
        yield Notice("ExpirationDiffers", Reason.EXPIRATION_NOT_GRANTED, message)
    if token := moving_to(s):
        yield rollout_notice(s, token)
    else:
        yield from _targets_notices(s)
    if s.held and adoption_requested(s.api_token) and isinstance(why := to_adopt(s), Blocked | Unknown):
        yield Notice("AdoptionPending", why.reason, why.message)
    if notice := notice_of(s):
        yield notice
    if used := overdue_in_use(s):
        yield Notice("RevocationPending", Reason.CREDENTIAL_IN_USE, why_it_stays(s, used))
    elif kept := overdue_kept(s):
        yield Notice("RevocationPending", kept.reason, kept.message)


def _targets_notices(s: ObservedState) -> Iterator[Notice]:
    if notice := targets_notice(s):
        yield notice


def plan_of(s: ObservedState, parked: Parked) -> Plan:
    """Return the Plan that does nothing but tell."""
    return step_plan(s, parked.finding, requeue_after=parked.requeue_after)


def stalled(reason: Reason, message: str, requeue_after: timedelta | None = None) -> Parked:
    """Return what is reported an object that someone must do something about."""
    return Parked(Finding(State.STALLED, reason, message), requeue_after)


def waiting(unknown: Unknown) -> Parked:
    """From Unknown nothing is issued or revoked."""
    return Parked(Finding(State.BLOCKED, unknown.reason, unknown.message), unknown.retry_after)


def unresolved(trouble: Blocked | Unknown) -> Parked:
    """A permission for what is not known cannot be asked for; a value that works is kept meanwhile."""
    if isinstance(trouble, Unknown):
        return waiting(trouble)
    return stalled(trouble.reason, trouble.message, RECHECK)


def time_to_next_event(s: ObservedState) -> timedelta | None:
    """Return how long until time alone changes the decision, or until a blind look is repeated."""
    end = s.expires_at(s.held) if s.held else None
    dates = [previous.delete_after for previous in s.record.previous]
    dates += [date for date in (renewal_of(s, s.held), end) if date is not None]
    if s.held and s.is_listed(s.held.account) and s.held.id not in s.owned:
        # So new that the list need not show it yet; soon it must.
        dates.append(s.now + s.seen.identity.settle_time)
    if (wait := postponed(s)) and wait.until:
        dates.append(wait.until)
    dates += [kept_until(s, previous) for previous in s.record.previous if waits_for_consumers(s, previous)]
    if token := moving_to(s):
        dates += [s.now + ROLLOUT_CHECK, token.pods_end_at or s.now]
    elif again := targets_recheck(s):
        dates.append(again)
    if adoptee_id(s.api_token) is not None and not isinstance(s.seen.adoptee, Found):
        dates.append(s.now + (ADOPTION_RECHECK if isinstance(s.seen.adoptee, Absent) else RECHECK))
    if overdue_in_use(s) is not None or overdue_kept(s) is not None:
        dates.append(s.now + RECHECK)
    if s.blind is not None:
        # What the account hides may need something, and nothing else may tell when it answers again.
        dates.append(s.now + RECHECK)
    return min((date - s.now for date in dates if s.now < date), default=None)
