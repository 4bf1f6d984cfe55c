"""Writes that do not last: an admission policy, a webhook or another client makes something else of them.

Here stand the values and the words; which step of the planner waits for what is said in `held_back`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from mailtrap_operator.core.reasons import Reason

CONDITION: Literal["WriteReverted"] = "WriteReverted"

FINALIZER_TARGET = "the finalizer"
CLAIM_TARGET = "status.operation"
STATUS_TARGET = "the status"

THERE, GONE = "there", "gone"
"""The two forms of what is either there or not: a finalizer, a claim, an annotation."""

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Reverted:
    """A write that did not last: what was written of a target, and the form in which it was found then.

    `changes` says which fields became what, or who changed them; `retry_at` is when the write is made again;
    `holds_all` says that any other write of the target waits as well.
    """

    target: str
    wanted: str
    found: str
    changes: str
    is_at_admission: bool
    retry_at: datetime
    holds_all: bool = False


def secret_target(name: str) -> str:
    """Return how a Secret is named as the target of a write."""
    return f"Secret {name}"


def held_back(
    reverted: Iterable[Reverted], target: str, wanted: str, found: str, now: datetime
) -> Reverted | None:
    """Return why a write is not made: it was made from the same form already, and did not last."""
    for each in reverted:
        is_same = each.holds_all or (each.wanted, each.found) == (wanted, found)
        if each.target == target and is_same and now < each.retry_at:
            return each
    return None


def or_next_retry(
    reverted: Iterable[Reverted], now: datetime, requeue_after: timedelta | None
) -> timedelta | None:
    """Return when to look again: as was planned, or when a write that did not last is made again, if that is sooner."""
    waits = [each.retry_at - now for each in reverted if now < each.retry_at]
    return min(waits if requeue_after is None else [*waits, requeue_after], default=None)


def reason_and_message(reverted: Iterable[Reverted]) -> tuple[Reason, str]:
    """Return what a condition says of writes that did not last."""
    told = list(reverted)
    at_admission = any(each.is_at_admission for each in told)
    reason = Reason.REVERTED_AT_ADMISSION if at_admission else Reason.REVERTED_BY_ANOTHER
    return reason, f"{' '.join(map(in_words, told))} It is written again in growing pauses."


def in_words(reverted: Reverted) -> str:
    """Return what becomes of a write, as a sentence."""
    if reverted.is_at_admission:
        return f"An admission policy or a webhook changes what is written to {reverted.target}: {reverted.changes}."
    return f"Something else{reverted.changes} changes {reverted.target} back each time that it is written."


def changes_between(written: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of what was stored otherwise than it was written; what was added there does not count.

    A list counts as one value.
    """
    for key, value in written.items():
        if isinstance(value, Mapping) and isinstance(stored.get(key), Mapping):
            yield from ((key, *path) for path in changes_between(value, stored[key]))
        elif value != stored.get(key):
            yield (key,)


def named(paths: Iterable[tuple[str, ...]]) -> str:
    """Return which fields are not as they were written, in words."""
    names = [".".join(path) for path in paths]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
