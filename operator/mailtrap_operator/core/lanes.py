"""Who goes first, in the work queue and at the remote rate limit alike."""

from collections.abc import Hashable
from enum import IntEnum

AGEING = 30.0
"""Who has waited for so many seconds counts as one lane more urgent, so that no lane waits for ever behind another."""

_MOST_SERVED = 1000


class Lane(IntEnum):
    """Lower goes first."""

    URGENT = 0
    """Deletions, and tokens that are about to end."""
    CHANGE = 1
    """What a user changed."""
    ROUTINE = 2
    """What time and resync bring."""


def aged(lane: Lane, waited: float) -> int:
    """Return the lane in which one counts who has waited for so many seconds; it is never more urgent than `URGENT`."""
    return max(Lane.URGENT, lane - int(waited // AGEING))


class LastServed:
    """Who was served how long ago, so that equals take turns; whoever is not known was served longest ago."""

    def __init__(self) -> None:
        self._count = 0
        self._served: dict[Hashable, int] = {}

    def note(self, who: Hashable) -> None:
        """Take note that somebody is served now."""
        self._count += 1
        self._served.pop(who, None)
        self._served[who] = self._count
        if len(self._served) > _MOST_SERVED:
            del self._served[next(iter(self._served))]

    def rank(self, who: Hashable) -> int:
        """Return a number that is the lower the longer ago somebody was served."""
        return self._served.get(who, 0)
