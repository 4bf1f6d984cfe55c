"""The dry run: describes what would be done, and does nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import assert_never

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, print_duration
from mailtrap_operator.core.actions import (
    Action,
    AddFinalizer,
    DeleteSecret,
    Finding,
    IssueToken,
    Notice,
    Plan,
    PublishToken,
    RemoveFinalizer,
    RestartWorkloads,
    RevokeToken,
    RewriteSecret,
    State,
    record_of,
)
from mailtrap_operator.core.blocked import RECHECK
from mailtrap_operator.core.deletion import left_to_revoke, unseen, why_left
from mailtrap_operator.core.observation import Absent, Observation, RemoteToken
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.orphans import DELETED_AFTER, Swept, is_over
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import may_have_consumers
from mailtrap_operator.core.step import overdue
from mailtrap_operator.core.text import join_limited

_LOST = "It has the tag of this installation and belongs to no ApiToken"
_RECORD = "record what it found"
_MOST_NAMED = 20


def plan_without_acting(observation: Observation, now: datetime) -> Plan:
    """Decide as `plan` does, but do nothing and record nothing: the condition `Planned` says what would be done."""
    planned, status = plan(observation, now), observation.api_token.status
    if not planned.changes(status):
        return planned
    would = in_words(steps_of(planned, ObservedState(observation, now)))
    message = f"The operator only plans (DRY_RUN). It would {would}: {planned.finding.message}"
    return replace(
        planned,
        action=None,
        record=record_of(status),
        finding=Finding(State.PROGRESSING, Reason.PLANNED, message),
        requeue_after=RECHECK,
        notices=(*planned.notices, Notice("Planned", planned.finding.reason, message)),
    )


def in_words(steps: Sequence[str]) -> str:
    """Return steps as one phrase."""
    *others, last = steps or ("do nothing",)
    return f"{', '.join(others)}, and {last}" if others else last


def steps_of(planned: Plan, s: ObservedState) -> tuple[str, ...]:
    """Return what a plan does and what is bound to follow, such as "reset token 7" and "delete token 7 later".

    It follows from the plan and from what is on record; what a later pass may find is not guessed.
    """
    if s.api_token.metadata.deletion_timestamp is not None:
        return tuple(_of_deletion(planned, s))
    steps = list[str]()
    while (following := _once_done(planned, s)) is not None:
        steps += _at_once(planned, s)
        s = following
        planned = plan(s.seen, s.now)
    # Records may take several reconciles.
    return tuple(dict.fromkeys((*steps, *_at_once(planned, s), *_afterwards(planned, s))))


def _once_done(planned: Plan, s: ObservedState) -> ObservedState | None:
    """Return what the next reconcile meets after one that only clears the way; None after any other."""
    match planned.action:
        case None if planned.changes(s.api_token.status):
            record = {part.name: getattr(planned.record, part.name) for part in fields(planned.record)}
            done: dict[str, object] = {"status": s.api_token.status.model_copy(update=record)}
        case AddFinalizer():
            finalizers = (*s.api_token.metadata.finalizers, FINALIZER)
            done = {"metadata": s.api_token.metadata.model_copy(update={"finalizers": finalizers})}
        case DeleteSecret(secret=secret) if secret.name == s.secret_name:
            return ObservedState(replace(s.seen, secret=Absent()), s.now)
        case _:
            return None
    return ObservedState(replace(s.seen, api_token=s.api_token.model_copy(update=done)), s.now)


def orphan_plans(swept: Swept, account: Account, now: datetime) -> Iterator[tuple[RemoteToken, str, str]]:
    """Yield each orphan with what would be done with it, empty: nothing, and why."""
    over = {orphan.id for orphan in swept.record if is_over(orphan, now)}
    day = print_duration(DELETED_AFTER)
    for token in swept.found:
        if account.spec.orphan_policy == "Report":
            yield token, "", f"{_LOST}; orphanPolicy is Report."
        elif token.id in over:
            yield token, _deleting({token.id}), f"{_LOST}, and has been an orphan for {day}."
        else:
            yield (
                token,
                f"{_deleting({token.id})} later",
                f"{_LOST}; it is deleted when it has been an orphan for {day}.",
            )


def _of_deletion(planned: Plan, s: ObservedState) -> Iterator[str]:
    if not planned.changes(s.api_token.status):
        return
    if isinstance(planned.action, RemoveFinalizer):
        yield _in_words(planned.action)
        return
    if unseen(s) is not None:
        yield _RECORD
        return
    before, claim = s.record.operation, planned.record.operation
    # The claim is the first step of a deletion; who asks wants to know what follows.
    operation = before if before and before.type == "Delete" else claim
    left = tuple(left_to_revoke(s, operation)) if operation else ()
    used = {token.id for token in left if why_left(s, token)}
    if ids := {token.id for token in left} - used:
        yield _deleting(ids)
    elif used:
        yield _RECORD
    if not used:
        yield _in_words(RemoveFinalizer(Reason.REVOKED))


def _at_once(planned: Plan, s: ObservedState) -> Iterator[str]:
    action, status = planned.action, s.api_token.status
    if action is not None:
        yield _in_words(action)
    elif planned.changes(status):
        yield _RECORD
    is_used = s.api_token.spec.rollout_restart_targets and any(
        map(may_have_consumers, planned.record.previous)
    )
    if isinstance(action, IssueToken | PublishToken) and is_used:
        yield "restart the workloads that use it"
    if isinstance(action, RewriteSecret) and action.source.name != action.secret.name:
        yield f"delete Secret {action.source.name}"


def _afterwards(planned: Plan, s: ObservedState) -> Iterator[str]:
    if s.api_token.spec.suspend:
        return
    # A reconcile that changes nothing has met what keeps old tokens from going.
    over = {token.id for token in overdue(s)} if planned.changes(s.api_token.status) else set()
    is_followed = isinstance(planned.action, IssueToken | PublishToken)
    held = s.held_unconfirmed.id if s.held_unconfirmed and not is_followed else None
    staying = {p.id for p in planned.record.previous if s.is_foreign(p) or why_left(s, s.as_remote(p))}
    ids = {p.id for p in planned.record.previous} - staying - {held}
    if ids & over:
        yield _deleting(ids & over)
    if ids - over:
        yield f"{_deleting(ids - over)} later"


def _deleting(ids: Iterable[int]) -> str:
    return f"delete token {join_limited(sorted(ids), _MOST_NAMED)}"


def _in_words(action: Action) -> str:  # noqa: PLR0911 - one for each action
    match action:
        case AddFinalizer():
            return "put the finalizer back"
        case IssueToken(operation=operation):
            return f"reset token {operation.base}" if operation.type == "Reset" else "create a token"
        case PublishToken(unpublished):
            return f"publish token {unpublished.token.id}"
        case RewriteSecret(source, secret):
            is_same = source.name == secret.name
            return (
                f"rewrite Secret {secret.name}" if is_same else f"move Secret {source.name} to {secret.name}"
            )
        case DeleteSecret(_, secret_state):
            return f"delete Secret {secret_state.name}"
        case RestartWorkloads(workloads=workloads):
            return f"restart {', '.join(map(str, workloads))}"
        case RevokeToken(token):
            return f"delete token {token.id}"
        case RemoveFinalizer():
            return "remove the finalizer"
        case _:
            assert_never(action)
