"""Which Kubernetes Events a pass is worth: what happened to a token, and what newly stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mailtrap_operator.api.v1alpha1 import ApiToken
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
from mailtrap_operator.core.reasons import Reason

_WARNINGS = frozenset(
    {
        Reason.NO_WINDOW_BEFORE_EXPIRY,
        Reason.ACCESS_DRIFTED,
        Reason.EXPIRY_DRIFTED,
        Reason.EXPIRATION_NOT_GRANTED,
        Reason.CREDENTIAL_IN_USE,
    }
)
_FATES = {Reason.SUPERSEDED.value: "was replaced", Reason.ADOPTED.value: "was adopted"}
_LEFT_BEHIND = (Reason.RETAINED, Reason.ABANDONED)


@dataclass(frozen=True, slots=True)
class Announcement:
    """One Event."""

    type: Literal["Normal", "Warning"]
    reason: Reason
    message: str


def announcements(api_token: ApiToken, plan: Plan, outcome: Outcome) -> Iterator[Announcement]:
    """Yield the Events of one pass, before its status is written."""
    match outcome:
        case Published(token):
            why = f": {plan.action.why}" if isinstance(plan.action, IssueToken) else ""
            retired = "".join(f" {fate.message}" for fate in _fates_of_retired(api_token, plan))
            reason = Reason.ROTATED if retired else Reason.TOKEN_PUBLISHED
            message = f"Token {token.id} (…{token.last_four}) was issued{why}.{retired}"
            yield Announcement("Normal", reason, message)
        case Failed(cause) if cause.reason not in _told(api_token):
            yield Announcement("Warning", cause.reason, cause.message)
        case Done():
            yield from _fates_of_retired(api_token, plan)
            yield from _of_done(api_token, plan)
            yield from _of_notices(api_token, plan)


def farewell(plan: Plan) -> Announcement | None:
    """Return the Event that names the tokens an object leaves behind: told before it goes, it cannot be lost with it."""
    match plan.action:
        case RemoveFinalizer(reason) if reason in _LEFT_BEHIND:
            return Announcement("Warning", reason, plan.finding.message)
        case _:
            return None


def _fates_of_retired(api_token: ApiToken, plan: Plan) -> Iterator[Announcement]:
    known = {token.id for token in api_token.status.previous}
    for token in plan.record.previous:
        if token.id not in known and token.reason in _FATES:
            message = f"Token {token.id} (…{token.last_four}) {_FATES[token.reason]}; after its overlap it is deleted."
            yield Announcement("Normal", Reason(token.reason), message)


def _of_done(api_token: ApiToken, plan: Plan) -> Iterator[Announcement]:
    finding = plan.finding
    match plan.action:
        case RevokeToken(token):
            yield Announcement(
                "Normal", Reason.REVOKED, f"Token {token.id} (…{token.last_four}) was deleted."
            )
        case None:
            is_new = finding.reason not in _told(api_token)
            stands_in_the_way = finding.state in {State.BLOCKED, State.STALLED}
            if is_new and (stands_in_the_way or finding.reason is Reason.UNTRACKED):
                yield Announcement("Warning", finding.reason, finding.message)


def _of_notices(api_token: ApiToken, plan: Plan) -> Iterator[Announcement]:
    told = {(condition.type, condition.reason) for condition in api_token.status.conditions}
    for notice in plan.notices:
        if (notice.type, notice.reason) not in told:
            type_: Literal["Normal", "Warning"] = "Warning" if notice.reason in _WARNINGS else "Normal"
            yield Announcement(type_, notice.reason, notice.message)


def _told(api_token: ApiToken) -> set[str]:
    return {condition.reason for condition in api_token.status.conditions}
