"""Short texts for messages."""

from collections.abc import Sequence


def join_limited(things: Sequence[object], most: int) -> str:
    """Return the first of many things, and how many more there are, such as "7, 8 and 3 more"."""
    more = f" and {left} more" if (left := len(things) - most) > 0 else ""
    return f"{', '.join(map(str, things[:most]))}{more}"
