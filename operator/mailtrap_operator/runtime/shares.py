"""How many of a number of places each group may hold, so that none keeps the others out.

The rule is known from switches that share a buffer as dynamic thresholds. A group may take one more place while it holds
fewer than `weight` times as many as are free: a group that is alone gets weight / (1 + weight) of them, and where the groups are
many each gets less, so that another one finds a place at once. Nothing runs here.
"""

from collections import Counter
from collections.abc import Hashable


class Shares:
    """The holders of `total` places; `weight` is what a group may hold for each place that is free."""

    def __init__(self, total: int, weight: float) -> None:
        self._total = total
        self._weight = weight
        self._held: Counter[Hashable] = Counter()
        self.taken = 0

    def held_by(self, group: Hashable) -> int:
        """Return how many places a group holds."""
        return self._held.get(group, 0)

    def may_take(self, group: Hashable) -> bool:
        """Whether a group may take one more place now."""
        return self.held_by(group) < self._weight * (self._total - self.taken)

    def take(self, group: Hashable) -> None:
        """Have a group hold one more place."""
        self._held[group] += 1
        self.taken += 1

    def give_back(self, group: Hashable) -> None:
        """Have a group hold one place less."""
        self._held[group] -= 1
        self.taken -= 1
        if not self._held[group]:
            del self._held[group]
