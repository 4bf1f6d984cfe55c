"""The Kubernetes Events of a reconcile: what happened to a token, and what newly blocks an object."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mailtrap_operator.api.v1alpha1 import ApiToken, Condition
from mailtrap_operator.core.actions import (
    Done,
    Failed,
    IssueToken,
    Outcome,
    Plan,
    Published,
    RemoveFinalizer,
    RevokeToken,
    State,
)
from mailtrap_operator.core.causes import CAUSES
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.reasons import Reason

_EXPECTED = frozenset(cause.reason for cause in CAUSES) - {Reason.ACCESS_DRIFTED, Reason.EXPIRY_DRIFTED} | {
    Reason.RESTARTING,
    Reason.ACCOUNT_NOT_LISTED,
}
"""Why a condition stands beside `Ready` in the course of things. Any other reason is a warning: someone must act."""

_OUTCOMES = {Reason.SUPERSEDED.value: "was replaced", Reason.ADOPTED.value: "was adopted"}
_LEFT_BEHIND = (Reason.RETAINED, Reason.ABANDONED)


@dataclass(frozen=True, slots=True)
class Event:
    """One Event."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    message: str


def events_of(api_token: ApiToken, plan: Plan, outcome: Outcome) -> Iterator[Event]:
    """Yield the Events of one reconcile, before its status is written."""
    match outcome:
        case Published(token):
            why = f": {plan.action.why}" if isinstance(plan.action, IssueToken) else ""
            retired = "".join(f" {fate.message}" for fate in _events_of_retired(api_token, plan))
            reason = Reason.ROTATED if retired else Reason.TOKEN_PUBLISHED
            message = f"Token {token.id} (…{token.last_four}) was issued{why}.{retired}"
            yield Event("Normal", reason, message)
        case Failed(cause) if not _is_reported(api_token, cause.reason, cause.message):
            yield Event("Warning", cause.reason, cause.message)
        case Done():
            yield from _events_of_retired(api_token, plan)
            yield from _of_done(api_token, plan)
    # They go into the status whatever the outcome is, and count as reported then.
    yield from _of_notices(api_token, plan)


def events_of_account(before: Iterable[Condition], wanted: Iterable[Wanted]) -> Iterator[Event]:
    """Yield the Events of one reconcile of an account: its troubles, each when a condition newly reports it."""
    told = {(condition.type, condition.reason) for condition in before}
    for type_, _, reason, message in wanted:
        is_trouble = reason not in {Reason.ACCOUNT_REACHABLE, Reason.DELETING}
        if is_trouble and (type_, reason) not in told:
            yield Event("Warning", Reason(reason), message)


def event_for_left_tokens(plan: Plan) -> Event | None:
    """Return the Event that names the tokens an object leaves behind: emitted before the deletion, it cannot be lost."""
    match plan.action:
        case RemoveFinalizer(reason) if reason in _LEFT_BEHIND:
            return Event("Warning", reason, plan.finding.message)
        case _:
            return None


def _events_of_retired(api_token: ApiToken, plan: Plan) -> Iterator[Event]:
    if plan.finding.reason is Reason.UNTRACKED:
        # Its own words report them.
        return
    known = {token.id for token in api_token.status.previous}
    for token in plan.record.previous:
        if token.id not in known:
            message = f"Token {token.id} (…{token.last_four}) {_OUTCOMES[token.reason]}; after its overlap it is deleted."
            yield Event("Normal", Reason(token.reason), message)


def _of_done(api_token: ApiToken, plan: Plan) -> Iterator[Event]:
    finding = plan.finding
    match plan.action:
        case RevokeToken(token):
            yield Event("Normal", Reason.REVOKED, f"Token {token.id} (…{token.last_four}) was deleted.")
        case None:
            is_new = not _is_reported(api_token, finding.reason, finding.message)
            stands_in_the_way = finding.state in {State.BLOCKED, State.STALLED}
            if is_new and (stands_in_the_way or finding.reason is Reason.UNTRACKED):
                yield Event("Warning", finding.reason, finding.message)


def _of_notices(api_token: ApiToken, plan: Plan) -> Iterator[Event]:
    for notice in plan.notices:
        if not _is_reported(api_token, notice.reason, notice.message, notice.type):
            is_expected = notice.reason in _EXPECTED or notice.type == "Planned"
            yield Event("Normal" if is_expected else "Warning", notice.reason, notice.message)


def _is_reported(api_token: ApiToken, reason: Reason, message: str, type_: str | None = None) -> bool:
    """Whether a condition says so already. Another spec may have the same trouble with something else."""
    generation = api_token.metadata.generation
    return any(
        c.reason == reason and type_ in {None, c.type}
        for c in api_token.status.conditions
        if c.observed_generation == generation or c.message == message
    )
