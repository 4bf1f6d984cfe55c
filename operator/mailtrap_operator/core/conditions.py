"""The status that follows from a Plan and its Outcome: the record and the conditions, kstatus-clean.

`Ready` is always there. `Reconciling` and `Stalled` are there only while true, and never both.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from mailtrap_operator.api.v1alpha1 import (
    ApiToken,
    ApiTokenStatus,
    Condition,
    CurrentToken,
    PreviousToken,
    print_time,
)
from mailtrap_operator.core.actions import (
    Done,
    Failed,
    Finding,
    IssueToken,
    Notice,
    Outcome,
    Plan,
    Published,
    Record,
    RevokeToken,
    State,
    begun_at,
    record_of,
)
from mailtrap_operator.core.digests import permissions_digest
from mailtrap_operator.core.expiry import whole_second_after
from mailtrap_operator.core.history import history_after
from mailtrap_operator.core.ready_message import NEVER, ready_message
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import may_have_consumers, with_rollout
from mailtrap_operator.core.rotation import rotation_of

Wanted = tuple[str, str, str, str]
"""Type, status, reason and message of a condition."""

MOST_CONTENDERS = 8


def status_after(latest: ApiToken, plan: Plan, outcome: Outcome, now: datetime) -> ApiTokenStatus:
    """Return the whole status that the object has after this reconcile.

    Args:
        latest: The object as it was last read or written; a claim that was made stands in its status.
        plan: What was planned.
        outcome: What came of it.
        now: The time of the conditions' transitions.
    """
    if plan.is_silent:
        return latest.status
    record = _record_after(latest, plan, outcome, now)
    current = with_rollout(latest, record.current, record.previous)
    works = plan.works or isinstance(outcome, Published)
    previous = tuple(_with_what_it_waits_for(token, current) for token in record.previous)
    expires_at = outcome.token.expires_at if isinstance(outcome, Published) else plan.expires_at
    never_expires = plan.never_expires or isinstance(outcome, Published)
    renewal_time = _renewal_after(latest, plan, outcome)
    expires = print_time(expires_at) if expires_at else NEVER if never_expires else None
    words = ready_message(current, previous, latest.spec.rotation, expires=expires, renewal_time=renewal_time)
    conditions = _conditions(_finding_after(plan, outcome, words), plan.notices, words if works else None)
    generation = latest.metadata.generation
    return ApiTokenStatus(
        observed_generation=generation,
        conditions=merge_conditions(latest.status.conditions, conditions, generation, now),
        operation=record.operation,
        installation=plan.installation or latest.status.installation,
        contenders=_contenders_after(latest.status, plan),
        current=current,
        previous=previous,
        history=history_after(latest.status, record, _revoked(plan, outcome), now),
        resources=record.resources,
        adopted=record.adopted,
        secret_name=record.secret_name,
        token_id=record.current and record.current.id,
        last_four=record.current and record.current.last_four,
        expires_at=expires_at,
        expires=expires,
        last_rotation=record.current and record.current.issued_at,
        renewal_time=renewal_time,
        last_handled_rotate_request=(record.current and record.current.rotate_request) or None,
    )


def _contenders_after(before: ApiTokenStatus, plan: Plan) -> tuple[str, ...]:
    others = tuple(each for each in before.contenders if each not in {plan.installation, plan.contender})
    return (*others, plan.contender)[-MOST_CONTENDERS:] if plan.contender else others


def _revoked(plan: Plan, outcome: Outcome) -> int | None:
    is_done = isinstance(outcome, Done)
    return plan.action.token.id if isinstance(plan.action, RevokeToken) and is_done else None


def status_of_claim(api_token: ApiToken, action: IssueToken, now: datetime) -> ApiTokenStatus:
    """Return the status with an operation claimed, before its remote call, by whom, and what its names stand for."""
    claim = begun_at(action.operation, now)
    changes = {
        "operation": claim,
        "resources": action.bound,
        "installation": action.secret.owner.partition("-")[0],
    }
    return api_token.status.model_copy(update=changes)


def _renewal_after(api_token: ApiToken, plan: Plan, outcome: Outcome) -> datetime | None:
    if not isinstance(outcome, Published):
        return plan.renewal_time
    # Of the token as it is stored, in whole seconds: the next reconcile calculates with that and must come to the same.
    current = _current(outcome)
    return rotation_of(api_token, current, current.expires_at)


def _with_what_it_waits_for(token: PreviousToken, current: CurrentToken | None) -> PreviousToken:
    is_used = may_have_consumers(token) and current is not None and current.rollout is not None
    return token.model_copy(update={"waits_for": "Consumers" if is_used else "Overlap"})


def _current(published: Published) -> CurrentToken:
    token = published.token
    return CurrentToken(
        id=token.id,
        last_four=token.last_four,
        expires_at=token.expires_at,
        granted_digest=permissions_digest(token.permissions),
        **dict(published.issuance),
    )


def _record_after(latest: ApiToken, plan: Plan, outcome: Outcome, now: datetime) -> Record:
    status = latest.status
    match outcome:
        case Done():
            return plan.record
        case Published():
            previous = _dated_from_publication(latest, plan, now)
            return replace(plan.record, current=_current(outcome), previous=previous)
        case Failed():
            before = replace(record_of(status), resources=plan.record.resources)
            return _without_claim(before, outcome) if outcome.closes_claim else before
        case _:
            assert_never(outcome)


def _dated_from_publication(latest: ApiToken, plan: Plan, now: datetime) -> tuple[PreviousToken, ...]:
    """Return the retired tokens; the overlap of the new ones begins when the new value is there to be used."""
    late = now - plan.made_at
    return tuple(
        previous if previous in latest.status.previous else _dated_later(previous, late)
        for previous in plan.record.previous
    )


def _dated_later(previous: PreviousToken, late: timedelta) -> PreviousToken:
    retired_at = previous.retired_at and whole_second_after(previous.retired_at + late)
    delete_after = whole_second_after(previous.delete_after + late)
    return previous.model_copy(update={"delete_after": delete_after, "retired_at": retired_at})


def _without_claim(before: Record, failed: Failed) -> Record:
    operation, current = before.operation, before.current
    is_reset = operation is not None and operation.type == "Reset"
    if failed.cause.reason is Reason.CLOCK_SKEWED:
        # Neither the token nor a name was refused.
        return replace(before, operation=None)
    if failed.is_final and is_reset and operation and current and current.id == operation.base:
        # The server will not reset this one again; the next reconcile creates its successor.
        current = current.model_copy(update={"reset_refused": True})
    # What a name stands for may be gone: after a refusal it is looked up again.
    resources = () if failed.is_final and not is_reset else before.resources
    return replace(before, operation=None, current=current, resources=resources)


def _finding_after(plan: Plan, outcome: Outcome, words: str) -> Finding:
    match outcome:
        case Failed(cause, is_final, closes_claim):
            # A reset that Mailtrap refuses is not the end: the next reconcile creates the successor, unless that has the same end.
            is_reset = isinstance(plan.action, IssueToken) and plan.action.operation.type == "Reset"
            is_replaced = is_reset and closes_claim and cause.reason is not Reason.CLOCK_SKEWED
            state = State.STALLED if is_final and not is_replaced else State.BLOCKED
            return Finding(state, cause.reason, cause.message)
        case Published():
            return Finding(State.READY, Reason.TOKEN_PUBLISHED, words)
        case Done() if plan.finding.reason is Reason.TOKEN_PUBLISHED:
            return replace(plan.finding, message=words)
        case Done():
            return plan.finding
        case _:
            assert_never(outcome)


def _conditions(finding: Finding, notices: Iterable[Notice], working: str | None) -> Iterable[Wanted]:
    stalled = finding.state is State.STALLED
    if working is not None:
        published = Finding(State.READY, Reason.TOKEN_PUBLISHED, working)
        ready = finding if finding.state is State.READY else published
        yield "Ready", "True", ready.reason, ready.message
    else:
        yield "Ready", "False", finding.reason, finding.message
    if stalled:
        yield "Stalled", "True", finding.reason, finding.message
    elif finding.state is not State.READY:
        yield "Reconciling", "True", finding.reason, finding.message
    for notice in notices:
        yield notice.type, "True", notice.reason, notice.message


def merge_conditions(
    before: tuple[Condition, ...],
    wanted: Iterable[Wanted],
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Return the wanted conditions; one that keeps its status keeps the time of its last transition."""
    old = {condition.type: condition for condition in before}
    return tuple(
        Condition(
            type=type_,
            status=status,
            observed_generation=generation,
            last_transition_time=old[type_].last_transition_time
            if type_ in old and old[type_].status == status
            else now,
            reason=reason,
            message=message,
        )
        for type_, status, reason, message in wanted
    )
