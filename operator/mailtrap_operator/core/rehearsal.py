"""What would be done, in words, where nothing may be done."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from mailtrap_operator.api.v1alpha1 import ApiTokenStatus
from mailtrap_operator.core.actions import (
    Action,
    AddFinalizer,
    DeleteSecret,
    Finding,
    IssueToken,
    Notice,
    Plan,
    PublishToken,
    Record,
    RemoveFinalizer,
    RestartWorkloads,
    RevokeToken,
    RewriteSecret,
    State,
    record_of,
)
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.step import RECHECK


def rehearse(observation: Observation, now: datetime) -> Plan:
    """Decide as `plan` does, but do nothing and record nothing: the condition `Planned` says what would be done."""
    planned, status = plan(observation, now), observation.api_token.status
    if not planned.changes(status):
        return planned
    message = (
        f"The operator only plans (DRY_RUN). It would {words_of(planned, status)}: {planned.finding.message}"
    )
    return replace(
        planned,
        action=None,
        record=record_of(status),
        finding=Finding(State.PROGRESSING, Reason.PLANNED, message),
        requeue_after=RECHECK,
        notices=(*planned.notices, Notice("Planned", planned.finding.reason, message)),
    )


def words_of(planned: Plan, status: ApiTokenStatus) -> str:
    """Return what a plan does, such as "reset token 7"."""
    if planned.action is None:
        return _recorded_in_words(planned.record) if planned.changes(status) else "do nothing"
    known = {token.id for token in status.previous}
    retired = [str(token.id) for token in planned.record.previous if token.id not in known]
    beside = f", and delete token {', '.join(retired)} later" if retired else ""
    return f"{_in_words(planned.action)}{beside}"


def _recorded_in_words(record: Record) -> str:
    if record.operation is None or record.operation.type != "Delete":
        return "record what it found"
    # The claim is the first step of a deletion; who asks wants to know what follows.
    ids = sorted(token.id for token in (record.current, *record.previous) if token)
    return f"delete token {', '.join(map(str, ids))}, and let the object go" if ids else "let the object go"


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
            return f"restart {', '.join(f'{w.kind} {w.name}' for w in workloads)}"
        case RevokeToken(token):
            return f"delete token {token.id}"
        case RemoveFinalizer():
            return "let the object go"
        case _:
            assert_never(action)
