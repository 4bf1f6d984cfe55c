"""Whose turn it is among the reconciles that wait for a worker, those that begin and those that continue.

The namespace with the fewest workers goes first; among equals who continues, then the most urgent priority, and priorities
age; then the namespace that got a worker longest ago; then who came first. So what a namespace has waiting, however urgent or
old, delays no other. Nothing runs here and no time passes: the work queue says what time it is.

Shares bound both the workers that a namespace holds, and the reconciles that are in progress, those that wait for a server
included: of a namespace, and of an account, so that one account that hangs holds up no other of its namespace.
"""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailtrap_operator.core.priorities import AGEING, LastServed, Priority, aged
from mailtrap_operator.runtime.shares import Shares

K = TypeVar("K", bound=Hashable)

_IN_PROGRESS = 16
"""So many reconciles may be in progress for each worker, as most of them wait for Mailtrap."""

_WEIGHT_OF_WORKERS = 3.0
_WEIGHT_OF_OWNERS = 1.0
_WEIGHT_OF_ACCOUNTS = 0.25


@dataclass(frozen=True, slots=True)
class Groups:
    """Whom a reconcile works for, and the account that it waits for; None where that may be several."""

    owner: Hashable
    account: Hashable | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Place(Generic[K]):
    """Where a key waits for a worker: in a priority, since a time in seconds; to begin a reconcile, or to continue one."""

    key: K
    groups: Groups
    priority: Priority
    since: float
    is_in_progress: bool = False


_Line = tuple[bool, Groups]
"""Whether reconciles are in progress, and their groups."""


class Turns(Generic[K]):
    """The places of those that wait, and what those hold that were taken."""

    def __init__(self, workers: int) -> None:
        self._order = itertools.count()
        # Heaps by the time from which on a key is as urgent as any; those in progress and those of other groups stand apart.
        self._waiting: dict[_Line, list[tuple[float, int, Place[K]]]] = defaultdict(list)
        self._workers = Shares(workers, _WEIGHT_OF_WORKERS)
        self._of_owners = Shares(_IN_PROGRESS * workers, _WEIGHT_OF_OWNERS)
        self._of_accounts = Shares(_IN_PROGRESS * workers, _WEIGHT_OF_ACCOUNTS)
        self._served = LastServed()

    @property
    def working(self) -> int:
        """How many workers are held."""
        return self._workers.taken

    def add(self, place: Place[K]) -> None:
        """Have a key wait for a worker."""
        entry = (place.since + AGEING * place.priority, next(self._order), place)
        heapq.heappush(self._waiting[place.is_in_progress, place.groups], entry)

    def take(self, now: float, *, may_begin: bool = True) -> Place[K] | None:
        """Take the place whose turn it is, None where none may have a worker."""
        able = (line for line in self._waiting if self._may_work(line, may_begin=may_begin))
        line = min(able, key=lambda each: self._rank(each, now), default=None)
        if line is None:
            return None
        _, _, place = heapq.heappop(self._waiting[line])
        if not self._waiting[line]:
            del self._waiting[line]
        return place

    def begin(self, groups: Groups) -> None:
        """Count a reconcile that is in progress from now on."""
        for shares, group in self._in_progress(groups):
            shares.take(group)

    def end(self, groups: Groups) -> None:
        """Count a reconcile no more."""
        for shares, group in self._in_progress(groups):
            shares.give_back(group)

    def hold_worker(self, groups: Groups) -> None:
        """Count a worker that is held from now on."""
        self._workers.take(groups.owner)
        self._served.note(groups.owner)

    def give_worker_back(self, groups: Groups) -> None:
        """Count a worker no more."""
        self._workers.give_back(groups.owner)

    def _may_work(self, line: _Line, *, may_begin: bool) -> bool:
        is_in_progress, groups = line
        if not self._workers.may_take(groups.owner):
            return False
        return is_in_progress or (
            may_begin and all(shares.may_take(group) for shares, group in self._in_progress(groups))
        )

    def _in_progress(self, groups: Groups) -> Iterator[tuple[Shares, Hashable]]:
        """Yield the shares that a reconcile takes while it is in progress, and whose."""
        yield self._of_owners, groups.owner
        if groups.account is not None:
            yield self._of_accounts, groups.account

    def _rank(self, line: _Line, now: float) -> tuple[int, bool, int, int, float, int]:
        is_in_progress, groups = line
        _, order, first = self._waiting[line][0]
        held, served = self._workers.held_by(groups.owner), self._served.rank(groups.owner)
        return held, not is_in_progress, aged(first.priority, now - first.since), served, first.since, order
