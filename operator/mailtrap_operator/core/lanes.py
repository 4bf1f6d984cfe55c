"""Who goes first, in the work queue and at the remote rate limit alike."""

from enum import IntEnum


class Lane(IntEnum):
    """Lower goes first."""

    URGENT = 0
    """Deletions, and tokens that are about to end."""
    CHANGE = 1
    """What a user changed."""
    ROUTINE = 2
    """What time and resync bring."""
