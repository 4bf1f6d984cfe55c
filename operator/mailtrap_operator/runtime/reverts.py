"""Which writes of this process did not last, and when each is made again.

It is asked before a write and notified after it. Nothing here is persisted: another process learns it by one write.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailtrap_operator.api.v1alpha1 import AccountStatus, ApiTokenStatus
from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.core.digests import form_digest
from mailtrap_operator.core.keys import Key
from mailtrap_operator.core.reverts import (
    CONDITION,
    GONE,
    STATUS_TARGET,
    THERE,
    Reverted,
    changes_between,
    held_back,
    named,
    reason_and_message,
)

Status = ApiTokenStatus | AccountStatus

_FREE = 4
"""So often a write is repeated without a pause that another client has undone: people and tools do that now and then."""
_FIRST_PAUSE, _LAST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_LAST_PAUSE_FOR_OTHERS = timedelta(minutes=5)
"""Who undoes a write may stop at any time, unlike a policy."""
_LAST_PAUSE_OF_A_STATUS = timedelta(minutes=10)
"""For it any other status waits as well, also one that would last."""
_FORGOTTEN_AFTER = timedelta(minutes=10)
"""How long a write that lasts is remembered; one that does not is remembered for longer than any pause."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that was made: the form that was `wanted`, the one that there was `before`, the one that was `stored`.

    `changes` says what became of it at admission; `editor` is who changed it back before, where that is known.
    """

    target: str
    wanted: str
    before: str
    stored: str
    changes: str = ""
    editor: str | None = None

    @classmethod
    def at_adding(cls, target: str, what: str, *, is_there: bool) -> "Attempt":
        """Return the write of what is either there or not, such as a finalizer."""
        return cls(target, THERE, GONE, THERE if is_there else GONE, what)

    @property
    def lasts(self) -> bool:
        """Whether the API server stored what was written."""
        return self.stored == self.wanted


@dataclass(frozen=True, slots=True)
class _Latest:
    """The latest write of a target, and until when it is remembered.

    `times` is how often it was the same one, `in_a_row` how many were changed at admission, whichever they were.
    """

    write: Reverted
    times: int
    in_a_row: int
    until: datetime

    @property
    def did_not_last(self) -> bool:
        return self.write.is_at_admission or self.times > _FREE


class Reverts:
    """Remembers the latest write of each target of an object."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._latest: OrderedDict[Key, dict[str, _Latest]] = OrderedDict()

    def of(self, key: Key) -> tuple[Reverted, ...]:
        """Return the writes for an object that did not last."""
        return tuple(each.write for each in self._latest.get(key, {}).values() if each.did_not_last)

    def check(self, key: Key, target: str, wanted: str, found: str) -> None:
        """Raise `Terminal` where a write must wait, as it did not last."""
        if held := held_back(self.of(key), target, wanted, found, self._clock()):
            raise Terminal(*reason_and_message([held]))

    def must_last(self, key: Key, attempt: Attempt) -> None:
        """Record a write without which its reconcile must not continue; raises `Terminal` where it did not last."""
        self.note(key, attempt)
        if not attempt.lasts:
            raise Terminal(
                *reason_and_message(each for each in self.of(key) if each.target == attempt.target)
            )

    def holds_back_status(self, key: Key, before: Status, status: Status) -> bool:
        """Whether a status must wait, as the same one did not last."""
        if not (reverted := self.of(key)):
            return False
        wanted, found = (_digest_of(_fields(each)) for each in (status, before))
        return held_back(reverted, STATUS_TARGET, wanted, found, self._clock()) is not None

    def note_status(self, key: Key, before: Status, status: Status, stored: Status) -> bool:
        """Record a status that was written; return whether the API server stored it as it was written."""
        written, found = _fields(status), _fields(stored)
        attempt = Attempt(
            target=STATUS_TARGET,
            wanted=_digest_of(written),
            before=_digest_of(_fields(before)),
            stored=_digest_of(found),
            changes=named(changes_between({"status": written}, {"status": found})),
        )
        self.note(key, attempt)
        return attempt.lasts

    def note(self, key: Key, attempt: Attempt) -> None:
        """Record a write and of what became of it."""
        now, writes = self._clock(), self._latest.setdefault(key, {})
        found = attempt.before if attempt.lasts else attempt.stored
        last, times, in_a_row = writes.get(attempt.target), 1, 1
        if last and now < last.until:
            is_same = (last.write.wanted, last.write.found) == (attempt.wanted, found)
            times += last.times if is_same else 0
            in_a_row += last.in_a_row
        in_a_row = 0 if attempt.lasts else in_a_row
        # A status can be calculated from what it was changed to, and differ each time.
        holds_all = attempt.target == STATUS_TARGET and in_a_row > _FREE
        if holds_all:
            pause = _pause(in_a_row - _FREE, _LAST_PAUSE_OF_A_STATUS)
        elif attempt.lasts:
            pause = _pause(times - _FREE, _LAST_PAUSE_FOR_OTHERS)
        else:
            pause = _pause(times, _LAST_PAUSE)
        by = f" (field manager {attempt.editor!r})" if attempt.editor else ""
        write = Reverted(
            target=attempt.target,
            wanted=attempt.wanted,
            found=found,
            changes=by if attempt.lasts else attempt.changes,
            is_at_admission=not attempt.lasts,
            retry_at=now + pause,
            holds_all=holds_all,
        )
        remembered = _FORGOTTEN_AFTER if attempt.lasts and times <= _FREE else 2 * _LAST_PAUSE
        writes[attempt.target] = _Latest(write, times, in_a_row, now + remembered)
        self._latest.move_to_end(key)
        self._forget_one(now)

    def _forget_one(self, now: datetime) -> None:
        key = next(iter(self._latest))
        if all(each.until < now for each in self._latest[key].values()):
            del self._latest[key]
        else:
            self._latest.move_to_end(key)


def _pause(times: int, longest: timedelta) -> timedelta:
    return min(_FIRST_PAUSE * 2 ** min(times - 1, 10), longest) if times > 0 else timedelta()


def _fields(status: Status) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def _digest_of(fields: Mapping[str, Any]) -> str:
    """Digest a status without what reports reverted writes, and without the times of its conditions."""
    conditions = [
        {**each, "lastTransitionTime": ""} for each in fields["conditions"] if each["type"] != CONDITION
    ]
    return form_digest(repr({**fields, "conditions": conditions}))
