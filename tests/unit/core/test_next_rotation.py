"""The time that the status shows for a rotation is the time at which it is done."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration, Rotation, Window
from mailtrap_operator.core.actions import Done, IssueToken, Published
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from tests.unit.core.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    a_current,
    a_remote_token,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)

TONIGHT = NOW + 14 * HOUR
IN_THE_NIGHT = (Window(schedule="0 2 * * *", duration=HOUR),)
IN_APRIL = (Window(schedule="0 2 1 4 *", duration=HOUR),)
AT_NOON = (Window(schedule="0 11 * * *", duration=2 * HOUR),)
IN_60_DAYS = 60 * DAY


def ending(expires_in: timedelta, renew_before: timedelta, **rotation: Any) -> Observation:
    """Return the served object of a token of ninety days, to be renewed at `renew_before`, or up to a tenth earlier."""
    end = NOW + expires_in
    status = a_status(current=a_current(issued_at=end - 90 * DAY, expires_at=end))
    desired = Rotation(renew_before=renew_before, **rotation)
    return seen(an_api_token(status=status, rotation=desired), listed=(a_remote_token(expires_at=end),))


def told(world: Observation, now: datetime = NOW) -> datetime | None:
    """Return the time that the status shows."""
    return status_after(world.api_token, plan(world, now), Done(), now).renewal_time


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            ending(20 * DAY, 20 * DAY - MINUTE, windows=IN_THE_NIGHT),
            TONIGHT,
            id="it is due outside of the windows: when the next one opens",
        ),
        pytest.param(
            ending(20 * DAY, 30 * DAY, windows=IN_THE_NIGHT),
            TONIGHT,
            id="it waits for its window: when that opens",
        ),
        pytest.param(
            ending(20 * DAY, 5 * DAY, windows=IN_APRIL),
            NOW + 20 * DAY - HOUR,
            id="no window opens in time: shortly before the end",
        ),
        pytest.param(
            ending(20 * DAY, 30 * DAY, windows=IN_APRIL),
            NOW + 20 * DAY - HOUR,
            id="it is due and no window opens in time: shortly before the end",
        ),
        pytest.param(
            ending(20 * DAY, 5 * DAY, windows=IN_APRIL, outside_windows="Never"),
            None,
            id="no window opens in time and nothing happens outside: no time is promised",
        ),
        pytest.param(
            ending(20 * DAY, 30 * DAY, windows=IN_APRIL, outside_windows="Never"),
            None,
            id="it is due, no window opens in time and nothing happens outside: no time is promised",
        ),
        pytest.param(
            seen(
                an_api_token(
                    expiration=Expiration(policy="Never"),
                    rotation={"every": 60 * DAY, "windows": IN_THE_NIGHT},
                )
            ),
            TONIGHT,
            id="a change waits for its window: that is earlier than the renewal",
        ),
        pytest.param(ending(20 * DAY, 30 * DAY, policy="Manual"), None, id="due, and rotated by hand"),
        pytest.param(ending(20 * DAY, 5 * DAY, policy="Manual"), None, id="not due, and rotated by hand"),
    ],
)
def test_the_time_of_a_rotation_is_when_it_is_done(world: Observation, expected: datetime | None) -> None:
    assert expected == told(world)


@pytest.mark.parametrize("renew_before", [5 * DAY, 30 * DAY], ids=["not due", "due"])
def test_no_time_is_promised_while_an_object_is_suspended(renew_before: timedelta) -> None:
    world = ending(20 * DAY, renew_before, windows=IN_THE_NIGHT)
    suspended = world.api_token.spec.model_copy(update={"suspend": True})
    world = seen(
        world.api_token.model_copy(update={"spec": suspended}),
        listed=(a_remote_token(expires_at=NOW + 20 * DAY),),
    )

    assert None is told(world)


def test_a_rotation_that_is_due_while_an_object_is_suspended_says_what_it_waits_for() -> None:
    planned = plan(seen(an_api_token(suspend=True, expiration=Expiration(policy="Never"))), NOW)

    assert [
        (
            "RotationPending",
            "A rotation is due: the expiration changed. It waits until spec.suspend is false.",
        )
    ] == [(notice.type, notice.message) for notice in planned.notices]


def test_the_time_stays_the_same_until_the_rotation_is_done() -> None:
    world = ending(20 * DAY, 20 * DAY - MINUTE, windows=IN_THE_NIGHT)

    moments = [NOW, NOW + MINUTE + SECOND, NOW + HOUR, TONIGHT - SECOND]
    assert {TONIGHT} == {told(world, moment) for moment in moments}
    assert isinstance(plan(world, TONIGHT).action, IssueToken)


def test_a_new_token_is_told_the_window_of_its_own_rotation() -> None:
    world = seen(
        an_api_token(
            expiration=Expiration(policy="After", after=3 * HOUR),
            rotation={"renew_before": HOUR, "windows": AT_NOON},
        ),
        secret=None,
    )
    issued = Published(
        a_remote_token(2, expires_at=NOW + IN_60_DAYS),
        an_issuance(issued_at=NOW, desired=world.api_token),
    )

    first = status_after(world.api_token, plan(world, NOW), issued, NOW)

    assert NOW + IN_60_DAYS - HOUR == first.renewal_time
