"""Whose turn it is among the keys that wait to be worked on, and how many of each group are in progress.

The namespace with the fewest running reconciles goes first; among equals the most urgent priority, and priorities age; then the
namespace whose last reconcile started longest ago; then who came first. So what a namespace has waiting, however urgent or old,
delays no other. Nothing runs here and no time passes: the work queue says what time it is.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailtrap_operator.core.priorities import AGEING, LastServed, Priority, aged

K = TypeVar("K", bound=Hashable)

Groups = tuple[Hashable, ...]
"""The groups that a key belongs to, at least one; the first is the one that takes turns with others."""


@dataclass(frozen=True, slots=True, eq=False)
class Place(Generic[K]):
    """Where a key stands: in a priority, since a time in seconds."""

    key: K
    groups: Groups
    priority: Priority
    since: float


class Turns(Generic[K]):
    """The places of the keys that wait. Of each group, `share` reconciles may be in progress at once."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._order = itertools.count()
        # Heaps by the time from which on a key is as urgent as any.
        self._waiting: dict[Groups, list[tuple[float, int, Place[K]]]] = defaultdict(list)
        self._started: Counter[Hashable] = Counter()
        self._served = LastServed()

    def add(self, place: Place[K]) -> None:
        """Have a key wait."""
        entry = (place.since + AGEING * place.priority, next(self._order), place)
        heapq.heappush(self._waiting[place.groups], entry)

    def take(self, now: float) -> Place[K] | None:
        """Take the place whose turn it is, None where none may start."""
        full = {group for group, passes in self._started.items() if passes >= self._share}
        able = (groups for groups in self._waiting if full.isdisjoint(groups))
        groups = min(able, key=lambda each: self._rank(each, now), default=None)
        if groups is None:
            return None
        _, _, place = heapq.heappop(self._waiting[groups])
        if not self._waiting[groups]:
            del self._waiting[groups]
        return place

    def begin(self, groups: Groups) -> None:
        """Count a reconcile that starts."""
        self._started.update(groups)
        self._served.note(groups[0])

    def end(self, groups: Groups) -> None:
        """Count a reconcile no more."""
        self._started.subtract(groups)
        for group in groups:
            if not self._started[group]:
                del self._started[group]

    def _rank(self, groups: Groups, now: float) -> tuple[int, int, int, float, int]:
        _, order, first = self._waiting[groups][0]
        owner, priority = groups[0], aged(first.priority, now - first.since)
        return self._started.get(owner, 0), priority, self._served.rank(owner), first.since, order
