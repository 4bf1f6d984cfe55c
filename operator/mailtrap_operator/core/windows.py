"""When a rotation window is open."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from mailtrap_operator.api.v1alpha1 import Window


def opening(windows: Iterable[Window], moment: datetime) -> datetime | None:
    """Return the first moment from `moment` on at which one of the windows is open, or None when there is none."""
    openings = (_opening(window, moment) for window in windows)
    return min((start for start in openings if start is not None), default=None)


def _opening(window: Window, moment: datetime) -> datetime | None:
    # One that opened before, and is open still, counts too.
    earliest = (moment - window.duration).astimezone(ZoneInfo(window.timezone))
    start = next(CronSim(window.schedule, earliest), None)
    return None if start is None else max(start.astimezone(UTC), moment)
