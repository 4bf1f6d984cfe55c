"""Priorities, in the work queue and at the remote rate limit."""

from collections.abc import Hashable
from enum import IntEnum

AGEING = 30.0
"""Who has waited for so many seconds counts as more urgent by one priority, so that no priority waits for ever behind another."""

_MOST_SERVED = 1000


class Priority(IntEnum):
    """Lower goes first."""

    URGENT = 0
    """Deletions, and tokens that are about to end."""
    CHANGE = 1
    """What a user changed."""
    ROUTINE = 2
    """What time and resync bring."""


def aged(priority: Priority, waited: float) -> int:
    """Return the priority in which one counts who has waited for so many seconds; it is never more urgent than `URGENT`."""
    return max(Priority.URGENT, priority - int(waited // AGEING))


class LastServed:
    """Who was served how long ago, so that equals take turns; anyone who is not known was served longest ago."""

    def __init__(self) -> None:
        self._count = 0
        self._served: dict[Hashable, int] = {}

    def note(self, who: Hashable) -> None:
        """Record that someone is served now."""
        self._count += 1
        self._served.pop(who, None)
        self._served[who] = self._count
        if len(self._served) > _MOST_SERVED:
            del self._served[next(iter(self._served))]

    def rank(self, who: Hashable) -> int:
        """Return a number that is the lower the longer ago someone was served."""
        return self._served.get(who, 0)
