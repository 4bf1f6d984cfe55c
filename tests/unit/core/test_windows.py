"""When a rotation window is open, in the time of its place."""

from datetime import UTC, datetime, timedelta

import pytest

from mailtrap_operator.api.v1alpha1 import Window
from mailtrap_operator.core.windows import opening
from tests.unit.core.builders import DAY, HOUR, MINUTE, SECOND

NIGHT = Window(schedule="0 2 * * *", duration=2 * HOUR)
SUNDAY = Window(schedule="0 4 * * sun", duration=HOUR)
BERLIN_NIGHT = Window(schedule="30 2 * * *", timezone="Europe/Berlin", duration=HOUR)
ALWAYS = Window(schedule="* * * * *", duration=MINUTE)

THURSDAY_NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
FRIDAY_AT_2 = datetime(2030, 2, 1, 2, tzinfo=UTC)
SUNDAY_AT_4 = datetime(2030, 2, 3, 4, tzinfo=UTC)
CLOCKS_GO_FORWARD = datetime(2030, 3, 31, tzinfo=UTC)
CLOCKS_GO_BACK = datetime(2030, 10, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "moment", "expected"),
    [
        pytest.param((NIGHT,), THURSDAY_NOON, FRIDAY_AT_2, id="closed: the next opening"),
        pytest.param((NIGHT,), FRIDAY_AT_2 - SECOND, FRIDAY_AT_2, id="a second before"),
        pytest.param((NIGHT,), FRIDAY_AT_2, FRIDAY_AT_2, id="it opens now"),
        pytest.param((NIGHT,), FRIDAY_AT_2 + HOUR, FRIDAY_AT_2 + HOUR, id="it is open"),
        pytest.param(
            (NIGHT,), FRIDAY_AT_2 + 2 * HOUR - SECOND, FRIDAY_AT_2 + 2 * HOUR - SECOND, id="the last second"
        ),
        pytest.param((NIGHT,), FRIDAY_AT_2 + 2 * HOUR, FRIDAY_AT_2 + DAY, id="it closes now"),
        pytest.param((SUNDAY, NIGHT), THURSDAY_NOON, FRIDAY_AT_2, id="the first of several"),
        pytest.param((SUNDAY,), THURSDAY_NOON, SUNDAY_AT_4, id="days away"),
        pytest.param((ALWAYS,), THURSDAY_NOON + SECOND, THURSDAY_NOON + SECOND, id="always open"),
        pytest.param(
            (Window(schedule="0 2 * * *", duration=30 * HOUR),),
            THURSDAY_NOON,
            THURSDAY_NOON,
            id="windows that overlap",
        ),
        pytest.param((), THURSDAY_NOON, None, id="no window"),
        pytest.param(
            (BERLIN_NIGHT,),
            THURSDAY_NOON,
            datetime(2030, 2, 1, 1, 30, tzinfo=UTC),
            id="in winter Berlin is an hour ahead",
        ),
        pytest.param(
            (BERLIN_NIGHT,),
            CLOCKS_GO_FORWARD,
            datetime(2030, 3, 31, 1, 0, tzinfo=UTC),
            id="half past two does not exist in this night: the window opens when the clocks have changed",
        ),
        pytest.param(
            (BERLIN_NIGHT,),
            CLOCKS_GO_BACK,
            datetime(2030, 10, 27, 0, 30, tzinfo=UTC),
            id="half past two comes twice in this night: the window opens at the first",
        ),
    ],
)
def test_when_a_window_opens(
    windows: tuple[Window, ...], moment: datetime, expected: datetime | None
) -> None:
    assert expected == opening(windows, moment)


@pytest.mark.parametrize(
    "late", [timedelta(), HOUR - SECOND], ids=["at its beginning", "a second before its end"]
)
def test_a_window_is_as_long_as_it_says_when_the_clocks_change_in_it(late: timedelta) -> None:
    begun = datetime(2030, 3, 31, 0, 30, tzinfo=UTC)
    window = Window(schedule="30 1 * * *", timezone="Europe/Berlin", duration=HOUR)

    assert begun + late == opening((window,), begun + late)
    assert begun + DAY - HOUR == opening((window,), begun + HOUR)
