"""Which Kubernetes Events a pass is worth: what happened to a token, and what newly stands in the way."""

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
"""Why a condition stands beside `Ready` in the course of things. Any other reason is a warning: somebody must act."""

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
        case Failed(cause) if not _is_told(api_token, cause.reason, cause.message):
            yield Announcement("Warning", cause.reason, cause.message)
        case Done():
            yield from _fates_of_retired(api_token, plan)
            yield from _of_done(api_token, plan)
    # They go into the status whatever the outcome is, and count as told then.
    yield from _of_notices(api_token, plan)


def account_announcements(before: Iterable[Condition], wanted: Iterable[Wanted]) -> Iterator[Announcement]:
    """Yield the Events of one pass over an account: its troubles, each when a condition newly tells of it."""
    told = {(condition.type, condition.reason) for condition in before}
    for type_, _, reason, message in wanted:
        is_trouble = reason not in {Reason.ACCOUNT_REACHABLE, Reason.DELETING}
        if is_trouble and (type_, reason) not in told:
            yield Announcement("Warning", Reason(reason), message)


def farewell(plan: Plan) -> Announcement | None:
    """Return the Event that names the tokens an object leaves behind: told before it goes, it cannot be lost with it."""
    match plan.action:
        case RemoveFinalizer(reason) if reason in _LEFT_BEHIND:
            return Announcement("Warning", reason, plan.finding.message)
        case _:
            return None


def _fates_of_retired(api_token: ApiToken, plan: Plan) -> Iterator[Announcement]:
    if plan.finding.reason is Reason.UNTRACKED:
        # Its own words tell of them.
        return
    known = {token.id for token in api_token.status.previous}
    for token in plan.record.previous:
        if token.id not in known:
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
            is_new = not _is_told(api_token, finding.reason, finding.message)
            stands_in_the_way = finding.state in {State.BLOCKED, State.STALLED}
            if is_new and (stands_in_the_way or finding.reason is Reason.UNTRACKED):
                yield Announcement("Warning", finding.reason, finding.message)


def _of_notices(api_token: ApiToken, plan: Plan) -> Iterator[Announcement]:
    for notice in plan.notices:
        if not _is_told(api_token, notice.reason, notice.message, notice.type):
            is_expected = notice.reason in _EXPECTED or notice.type == "Planned"
            yield Announcement("Normal" if is_expected else "Warning", notice.reason, notice.message)


def _is_told(api_token: ApiToken, reason: Reason, message: str, type_: str | None = None) -> bool:
    """Whether a condition says so already. Another spec may have the same trouble with something else."""
    generation = api_token.metadata.generation
    return any(
        c.reason == reason and type_ in {None, c.type}
        for c in api_token.status.conditions
        if c.observed_generation == generation or c.message == message
    )
