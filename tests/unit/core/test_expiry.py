"""When a token ends, and when its successor is due."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtrap_operator.api.v1alpha1 import Expiration, Rotation
from mailtrap_operator.core.actions import ServerDefault
from mailtrap_operator.core.expiry import RESET_OVERLAP, renewal_time, wanted_expiry, whole_second_after
from tests.unit.core.builders import DAY, HOUR, MINUTE, NOW, SECOND


@pytest.mark.parametrize(
    ("expiration", "expected"),
    [
        pytest.param(Expiration(), ServerDefault.LEFT_OUT, id="the server's default: the key is left out"),
        pytest.param(Expiration(policy="Never"), None, id="never"),
        pytest.param(
            Expiration(policy="After", after=90 * DAY), NOW + 90 * DAY, id="a span, counted from the issue"
        ),
        pytest.param(Expiration(policy="At", at=NOW + DAY), NOW + DAY, id="a date"),
        pytest.param(
            Expiration(policy="After"), NOW, id="a span that is missing, which the API server refuses"
        ),
    ],
)
def test_the_expiry_to_ask_for(expiration: Expiration, expected: object) -> None:
    assert expected == wanted_expiry(expiration, NOW)


def test_a_span_ends_at_a_whole_second() -> None:
    moment = NOW + timedelta(microseconds=999_999)

    assert NOW + DAY == wanted_expiry(Expiration(policy="After", after=DAY), moment)


def due(
    rotation: Rotation | None = None,
    *,
    issued_at: datetime = NOW,
    granted: datetime | None = NOW + 90 * DAY,
    expires_at: datetime | None = NOW + 90 * DAY,
    uid: str = "uid-1",
) -> datetime | None:
    return renewal_time(
        rotation=rotation or Rotation(), issued_at=issued_at, granted=granted, expires_at=expires_at, uid=uid
    )


@pytest.mark.parametrize(
    ("rotation", "lead"),
    [
        pytest.param(Rotation(), 30 * DAY, id="by default a third of the granted lifetime"),
        pytest.param(Rotation(renew_before=10 * DAY), 10 * DAY, id="a span"),
        pytest.param(
            Rotation(renew_before_percentage=20), 18 * DAY, id="a percentage of the granted lifetime"
        ),
        pytest.param(
            Rotation(renew_before=89 * DAY), 81 * DAY, id="a span longer than 90 % of what was granted"
        ),
        pytest.param(
            Rotation(renew_before=900 * DAY), 81 * DAY, id="a span longer than all that was granted"
        ),
        pytest.param(Rotation(renew_before_percentage=99), 89.1 * DAY, id="a percentage near the whole"),
    ],
)
def test_how_long_before_its_end_a_token_is_renewed(rotation: Rotation, lead: timedelta) -> None:
    moments = [due(rotation, uid=f"uid-{number}") for number in range(50)]

    for moment in moments:
        assert moment is not None
        assert lead <= NOW + 90 * DAY - moment <= 1.1 * lead
        assert NOW < moment


def test_a_token_that_never_ends_is_never_due() -> None:
    assert due(granted=None, expires_at=None) is None


def test_objects_issued_together_are_not_renewed_together_and_each_keeps_its_moment() -> None:
    moments = [due(uid=f"uid-{number}") for number in range(50)]

    assert len(moments) == len(set(moments))
    assert moments == [due(uid=f"uid-{number}") for number in range(50)]


def test_a_token_that_someone_reset_is_due_as_long_before_its_new_end() -> None:
    whole, shortened = due(), due(expires_at=NOW + 60 * DAY)

    assert whole is not None
    assert shortened is not None
    assert 30 * DAY == whole - shortened


def test_a_token_without_a_granted_end_that_someone_reset_is_calculated_by_the_new_end() -> None:
    moment = due(granted=None, expires_at=NOW + 12 * HOUR, issued_at=NOW)

    assert moment is not None
    assert 7 * HOUR < moment - NOW <= 8 * HOUR


FAR = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"expires_at": NOW + HOUR}, id="a lead longer than all that is left"),
        pytest.param({"granted": FAR, "expires_at": NOW + HOUR}, id="granted for ever, ends soon"),
        pytest.param(
            {"granted": FAR, "expires_at": datetime(1, 1, 1, tzinfo=UTC)}, id="ended before all time"
        ),
        pytest.param({"issued_at": NOW + DAY, "expires_at": NOW}, id="issued by a clock that was ahead"),
        pytest.param({"issued_at": FAR}, id="issued at the end of time"),
        pytest.param({"issued_at": datetime(1, 1, 1, tzinfo=UTC)}, id="issued before all time"),
    ],
)
def test_no_token_is_due_before_it_was_issued_or_after_its_end(arguments: dict[str, Any]) -> None:
    moment = due(**arguments)
    issued_at = arguments.get("issued_at", NOW)
    expires_at = arguments.get("expires_at", NOW + 90 * DAY)

    assert moment is not None
    assert min(issued_at, expires_at) <= moment <= expires_at


moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)).map(  # noqa: DTZ001 - becomes UTC below
    lambda moment: moment.replace(tzinfo=UTC)
)
rotations = st.one_of(
    st.just(Rotation()),
    st.timedeltas(min_value=MINUTE, max_value=1800 * DAY).map(lambda span: Rotation(renew_before=span)),
    st.integers(1, 99).map(lambda share: Rotation(renew_before_percentage=share)),
)


@given(rotation=rotations, issued_at=moments, granted=st.none() | moments, expires_at=moments, uid=st.text())
def test_no_dates_break_the_calculation(
    rotation: Rotation, issued_at: datetime, granted: datetime | None, expires_at: datetime, uid: str
) -> None:
    moment = due(rotation, issued_at=issued_at, granted=granted, expires_at=expires_at, uid=uid)

    assert moment is not None
    assert min(issued_at, expires_at) <= moment <= expires_at


def test_dates_with_another_offset_are_calculated_in_utc() -> None:
    east = timezone(5 * HOUR)

    moment = due(granted=(NOW + 90 * DAY).astimezone(east), expires_at=(NOW + 90 * DAY).astimezone(east))

    assert due() == moment
    assert moment is not None
    assert UTC is moment.tzinfo


def test_a_promised_moment_is_rounded_up() -> None:
    assert NOW == whole_second_after(NOW)
    assert NOW + SECOND == whole_second_after(NOW + timedelta(microseconds=1))
    assert NOW + SECOND == whole_second_after(NOW + SECOND)


def test_a_resets_overlap_is_the_servers_twelve_hours() -> None:
    assert 12 * HOUR == RESET_OVERLAP
