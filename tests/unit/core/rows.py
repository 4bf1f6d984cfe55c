"""How the tables of the planner's tests are written: a situation in words, the world, and the decision it leads to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

import pytest
from _pytest.mark.structures import ParameterSet

from mailtrap_operator.api.v1alpha1 import PreviousToken
from mailtrap_operator.core.actions import (
    Action,
    AddFinalizer,
    DeleteSecret,
    IssueToken,
    Plan,
    PublishToken,
    Record,
    RemoveFinalizer,
    RestartWorkloads,
    RevokeToken,
    RewriteSecret,
    State,
)
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import NAME, NOW


class Leaving(NamedTuple):
    """A retired token, and how long it has left."""

    id: int
    left: timedelta
    reason: Reason = Reason.SUPERSEDED


class Noted(NamedTuple):
    """What stands on record, in short; an operation as its type and nonce."""

    operation: str | None = None
    current: int | None = 1
    previous: tuple[Leaving, ...] = ()
    secret_name: str | None = NAME


@dataclass(frozen=True, slots=True)
class Decision:
    """A Plan in short."""

    does: str
    state: State
    reason: Reason
    records: Noted
    again: timedelta | None
    works: bool


def decision(world: Observation, now: datetime = NOW) -> Decision:
    """Return what the planner decides."""
    planned = plan(world, now)
    return Decision(
        does=summary(planned),
        state=planned.finding.state,
        reason=planned.finding.reason,
        records=noted(planned.record),
        again=planned.requeue_after,
        works=planned.works,
    )


def summary(planned: Plan) -> str:
    """Return the action of a plan in words."""
    return _in_words(planned.action) if planned.action else "nothing"


def _in_words(action: Action) -> str:  # noqa: PLR0911 - one for each action
    match action:
        case AddFinalizer():
            return "add the finalizer"
        case IssueToken(operation=operation):
            return f"reset {operation.base}" if operation.type == "Reset" else "create"
        case PublishToken(unpublished):
            return f"publish {unpublished.token.id}"
        case RewriteSecret(source, secret):
            same = source.name == secret.name
            return f"rewrite {secret.name}" if same else f"move {source.name} to {secret.name}"
        case DeleteSecret(_, secret_state):
            return f"delete Secret {secret_state.name}"
        case RestartWorkloads(workloads=workloads):
            return f"restart {', '.join(workload.name for workload in workloads)}"
        case RevokeToken(token):
            return f"revoke {token.id}"
        case RemoveFinalizer():
            return "let go"
        case _:
            assert_never(action)


def noted(record: Record) -> Noted:
    """Return a record in short."""
    operation = record.operation
    return Noted(
        operation=f"{operation.type} {operation.nonce}" if operation else None,
        current=record.current.id if record.current else None,
        previous=tuple(_leaving(previous) for previous in record.previous),
        secret_name=record.secret_name,
    )


def _leaving(previous: PreviousToken) -> Leaving:
    return Leaving(previous.id, previous.delete_after - NOW, Reason(previous.reason))


def row(
    observed: str,
    world: Observation,
    *,
    does: str = "nothing",
    says: tuple[State, Reason],
    records: Noted | None = None,
    again: timedelta | None = None,
    works: bool = True,
) -> ParameterSet:
    """Return one line of a table for `(world, expected)`; without `records` the record stays as it is."""
    status = world.api_token.status
    before = Record(status.operation, status.current, status.previous, status.secret_name)
    state, reason = says
    expected = Decision(does, state, reason, records or noted(before), again, works)
    return pytest.param(world, expected, id=observed)
