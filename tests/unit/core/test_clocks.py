"""How far two clocks are apart, what is reported it, and when a refused end is the clocks' doing."""

from datetime import UTC, datetime, timedelta

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration
from mailtrap_operator.core.actions import ServerDefault, WantedExpiry
from mailtrap_operator.core.clocks import (
    ClockDifference,
    difference_by,
    why_an_end_is_refused,
    why_skewed,
)
from tests.unit.core.builders import DAY, HOUR, MINUTE, NOW, SECOND

NONE = timedelta()
PART = timedelta(milliseconds=300)


@pytest.mark.parametrize(
    ("date", "sent_at", "received_at", "expected"),
    [
        pytest.param(NOW, NOW, NOW + SECOND, NONE, id="the same time"),
        pytest.param(NOW, NOW + PART, NOW + PART, NONE, id="a date without the parts of its second"),
        pytest.param(NOW + 9 * SECOND, NOW, NOW + 10 * SECOND, NONE, id="a slow answer"),
        pytest.param(NOW + HOUR, NOW, NOW + 10 * SECOND, HOUR - 10 * SECOND, id="ahead, by a slow answer"),
        pytest.param(NOW - HOUR, NOW, NOW + 10 * SECOND, SECOND - HOUR, id="behind, by a slow answer"),
        pytest.param(NOW + 3 * DAY, NOW, NOW, 3 * DAY, id="days ahead"),
        pytest.param(NOW - 3 * DAY, NOW, NOW, SECOND - 3 * DAY, id="days behind"),
        pytest.param(NOW, NOW + HOUR, NOW, None, id="the operator's clock was put back meanwhile"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), NOW, NOW, None, id="a date long ago"),
        pytest.param(datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), NOW, NOW, None, id="too long ago"),
        pytest.param(datetime(2100, 1, 1, tzinfo=UTC), NOW, NOW, None, id="a date far ahead"),
    ],
)
def test_what_the_date_of_an_answer_tells(
    date: datetime, sent_at: datetime, received_at: datetime, expected: timedelta | None
) -> None:
    assert expected == difference_by(date, sent_at, received_at)


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        pytest.param([], NONE, id="nothing is known"),
        pytest.param([SECOND], NONE, id="clocks that agree"),
        pytest.param([5 * MINUTE - SECOND], NONE, id="less than five minutes"),
        pytest.param([5 * MINUTE], 5 * MINUTE, id="five minutes"),
        pytest.param([-5 * MINUTE], -5 * MINUTE, id="five minutes behind"),
        pytest.param([72 * HOUR - SECOND], 72 * HOUR, id="days, in whole minutes"),
        pytest.param([5 * MINUTE, 4 * MINUTE, 5 * MINUTE], 5 * MINUTE, id="about the bound"),
        pytest.param([5 * MINUTE, 3 * MINUTE], 5 * MINUTE, id="smaller, once"),
        pytest.param([5 * MINUTE, 3 * MINUTE, 3 * MINUTE], NONE, id="smaller, for good"),
        pytest.param([NONE, 9 * HOUR], NONE, id="greater, once"),
        pytest.param([NONE, 9 * HOUR, 9 * HOUR], 9 * HOUR, id="greater, for good"),
        pytest.param([NONE, 9 * HOUR, NONE, 9 * HOUR, NONE], NONE, id="two servers behind one address"),
        pytest.param([9 * HOUR, 9 * HOUR + 119 * SECOND], 9 * HOUR, id="nearly as before"),
        pytest.param(
            [9 * HOUR, *(9 * HOUR + at * MINUTE for at in range(4))], 9 * HOUR + 2 * MINUTE, id="drifting"
        ),
        pytest.param([9 * HOUR, -9 * HOUR, -9 * HOUR], -9 * HOUR, id="the other way"),
    ],
)
def test_a_difference_is_told_when_it_is_great_and_steady(measured: list[timedelta], told: timedelta) -> None:
    difference = ClockDifference()
    for each in measured:
        difference = difference.after(each)

    assert ClockDifference(told, measured[-1] if measured else None) == difference


WHOSE = "Correct the clock that is wrong: that of the operator's node, or that of the server behind baseUrl."


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param(NONE, None, id="agree"),
        pytest.param(
            72 * HOUR,
            "The operator's clock is 3d behind Mailtrap's, by the Date of its answers. A token with expiration.after lives "
            f"3d shorter than that and is renewed 3d late. {WHOSE}",
            id="behind",
        ),
        pytest.param(
            -5 * MINUTE,
            "The operator's clock is 5m ahead of Mailtrap's, by the Date of its answers. A token with expiration.after lives "
            f"5m longer than that and is renewed 5m early. {WHOSE}",
            id="ahead",
        ),
    ],
)
def test_the_account_says_that_clocks_differ_and_what_to_do(told: timedelta, expected: str | None) -> None:
    assert expected == why_skewed(ClockDifference(told, told))


Asked = tuple[Expiration, WantedExpiry]


def after(lifetime: timedelta) -> Asked:
    return Expiration(policy="After", after=lifetime), NOW + lifetime


def at(end: datetime) -> Asked:
    return Expiration(policy="At", at=end), end


PAST = 'Mailtrap answered 422: "base: Expiration date must be in the future".'
TWO_DAYS, FIVE_YEARS = 48 * HOUR, 1825 * DAY
NEVER, LEFT_OUT = (Expiration(policy="Never"), None), (Expiration(), ServerDefault.LEFT_OUT)
A_MINUTE_AGO = (Expiration(policy="After", after=MINUTE), NOW)
DURATION = "spec.expiration.after is counted by the operator's clock, which {}. Correct the clock that is wrong; it is tried again."
DATE = "The operator's clock {}. Correct the clock that is wrong, or spec.expiration.at; it is tried again."
OVER = "spec.expiration.after was over before Mailtrap was asked. It is tried again."
BEHIND, AHEAD = "is 3d behind Mailtrap's", "is 3d ahead of Mailtrap's"
UNMEASURED = "may be behind Mailtrap's: the Date of its answers does not tell"
NEARLY = 3 * DAY - 90 * SECOND


@pytest.mark.parametrize(
    ("asked", "told", "last", "expected"),
    [
        pytest.param(after(TWO_DAYS), 3 * DAY, 3 * DAY, DURATION.format(BEHIND), id="behind"),
        pytest.param(after(TWO_DAYS), 3 * DAY, NEARLY, DURATION.format(BEHIND), id="as the account tells it"),
        pytest.param(after(TWO_DAYS), NONE, 3 * DAY, DURATION.format(BEHIND), id="behind since a moment"),
        pytest.param(
            after(MINUTE), NONE, 100 * SECOND, DURATION.format("is 2m behind Mailtrap's"), id="a little"
        ),
        pytest.param(after(FIVE_YEARS), -3 * DAY, -3 * DAY, DURATION.format(AHEAD), id="too long if ahead"),
        pytest.param(A_MINUTE_AGO, NONE, SECOND, OVER, id="a minute that was waited for"),
        pytest.param(after(TWO_DAYS), DAY, DAY, None, id="refused for something else"),
        pytest.param(after(TWO_DAYS), NONE, None, DURATION.format(UNMEASURED), id="the server tells no time"),
        pytest.param(
            at(NOW + 2 * DAY), 3 * DAY, 3 * DAY, DATE.format(BEHIND), id="a date passed by one clock"
        ),
        pytest.param(
            at(NOW + FIVE_YEARS), -3 * DAY, -3 * DAY, DATE.format(AHEAD), id="a date too far by one clock"
        ),
        pytest.param(at(NOW - HOUR), 3 * DAY, 3 * DAY, None, id="a date that has passed by both"),
        pytest.param(at(NOW - HOUR), NONE, NONE, None, id="a date that has passed"),
        pytest.param(at(NOW - HOUR), NONE, None, None, id="a date, and the server tells no time"),
        pytest.param(NEVER, 3 * DAY, 3 * DAY, None, id="never"),
        pytest.param(LEFT_OUT, NONE, None, None, id="the server's default"),
    ],
)
def test_a_refused_end_is_the_clocks_doing_where_only_one_of_them_could_refuse_it(
    asked: Asked, told: timedelta, last: timedelta | None, expected: str | None
) -> None:
    assert expected == why_an_end_is_refused(PAST, *asked, NOW, ClockDifference(told, last))


def test_without_a_time_of_the_server_any_other_refusal_is_as_it_says() -> None:
    refusal = 'Mailtrap answered 422: "name: is too long".'

    assert why_an_end_is_refused(refusal, *after(HOUR), NOW, ClockDifference()) is None
