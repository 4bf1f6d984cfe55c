"""What became of an object's tokens, and whether it has been repaired so often that someone should look.

The history is for people; the protocol does not depend on it. Losing it loses no safety.
"""

from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import ApiTokenStatus, HistoryEntry
from mailtrap_operator.core.actions import Record
from mailtrap_operator.core.causes import CAUSES, Cause
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reasons import Reason

_LONGEST = 10

_AS_DESIRED = frozenset(cause.reason for cause in CAUSES if not cause.is_repair)
"""Causes that the spec or the user has set; every other one is a repair, also one that is not known here."""

MOST_REPAIRS = 5
_PERIOD = timedelta(hours=1)


def history_after(
    before: ApiTokenStatus, record: Record, revoked: int | None, now: datetime
) -> tuple[HistoryEntry, ...]:
    """Return the history with what a reconcile has changed, the oldest first.

    Args:
        before: The status as it was; its operation, if any, says why a new token was issued.
        record: What is on record after the reconcile.
        revoked: The token that the reconcile deleted.
        now: When it did so.
    """
    current, leaving = record.current, {token.id: token for token in record.previous}
    entries = {entry.id: entry for entry in before.history}
    for token in sorted(leaving.keys() - {previous.id for previous in before.previous}):
        lost = HistoryEntry(id=token, last_four=leaving[token].last_four, retired_at=now, outcome="Retired")
        entries.setdefault(token, lost)
    if current and current != before.current:
        cause = before.operation.cause if before.operation else None
        new = HistoryEntry(
            id=current.id,
            last_four=current.last_four,
            issued_at=current.issued_at,
            cause=cause,
            outcome="Held",
        )
        entries.setdefault(current.id, new)

    def as_it_is_now(entry: HistoryEntry) -> HistoryEntry:
        if current and entry.id == current.id:
            return entry.model_copy(update={"retired_at": None, "outcome": "Held"})
        if entry.id in leaving and entry.outcome != "Retired":
            return HistoryEntry(**{**dict(entry), "retired_at": now, "outcome": "Retired"})
        if entry.id in leaving or entry.outcome in {"Revoked", "Dropped"}:
            return entry
        return entry.model_copy(update={"outcome": "Revoked" if entry.id == revoked else "Dropped"})

    return tuple(map(as_it_is_now, entries.values()))[-_LONGEST:]


def repair_allowed_at(s: ObservedState, cause: Cause) -> datetime | None:
    """Return when the object may be repaired again after too many repairs in a row, or None: now."""
    if not cause.is_repair:
        return None
    repairs = sorted(
        entry.issued_at
        for entry in s.api_token.status.history
        if entry.issued_at and entry.cause and entry.cause not in _AS_DESIRED
        # Also one from the future: a clock may have been put back.
        if abs(s.now - entry.issued_at) < _PERIOD
    )
    return repairs[-MOST_REPAIRS] + _PERIOD if len(repairs) >= MOST_REPAIRS else None


def conflicting_manager(s: ObservedState, cause: Cause) -> str | None:
    """Return the field manager that has rewritten the Secret for the second time in a row, where Kubernetes names one."""
    last = next((entry for entry in s.api_token.status.history if entry.outcome == "Held"), None)
    is_again = last is not None and last.cause == cause.reason == Reason.SECRET_EDITED
    return s.secret.editor if is_again and s.secret else None
