from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mailtrap_operator.api.durations import Lifetime, Period, parse_duration, print_duration


@pytest.mark.parametrize(
    ("text", "expected", "printed"),
    [
        pytest.param("90d", timedelta(days=90), "90d", id="days"),
        pytest.param("2160h", timedelta(days=90), "90d", id="many hours print as days"),
        pytest.param("1d12h", timedelta(hours=36), "1d12h", id="days and hours"),
        pytest.param("1d1s", timedelta(days=1, seconds=1), "1d1s", id="days and seconds"),
        pytest.param("9999d", timedelta(days=9_999), "9999d", id="the most days"),
        pytest.param("1h30m", timedelta(minutes=90), "1h30m", id="hours and minutes"),
        pytest.param("90m", timedelta(minutes=90), "1h30m", id="many minutes print as hours"),
        pytest.param("60s", timedelta(minutes=1), "1m", id="sixty seconds print as a minute"),
        pytest.param("1h0m5s", timedelta(hours=1, seconds=5), "1h5s", id="parts of zero are not printed"),
        pytest.param("0s", timedelta(0), "0s", id="zero"),
        pytest.param("0h", timedelta(0), "0s", id="zero hours print as zero seconds"),
        pytest.param("0012h", timedelta(hours=12), "12h", id="leading zeros go"),
        pytest.param("999999h", timedelta(hours=999_999), "41666d15h", id="the most hours"),
    ],
)
def test_a_duration_is_read_and_printed_in_its_shortest_form(
    text: str, expected: timedelta, printed: str
) -> None:
    assert expected == parse_duration(text)
    assert printed == print_duration(expected)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "12",
            "h",
            "12 h",
            "1.5h",
            "-1h",
            "+1h",
            "30m1h",
            "1h1h",
            "d",
            "1.5d",
            "12h1d",
            "1d1d",
            "1D",
            "1w",
            "12H",
            "500ms",
            "PT12H",
        ),
        *("10000d", "1000000h", "12h\n", "١h", "12hours"),
    ],
)
def test_what_is_not_days_hours_minutes_and_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write it like 90d, 1h30m or 60s"):
        parse_duration(text)


def test_parts_of_a_second_are_not_printed() -> None:
    assert "1s" == print_duration(timedelta(seconds=1, milliseconds=900))


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=9_999 * 86_400))
def test_what_is_printed_is_read_as_the_same(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert duration == parse_duration(print_duration(duration))


PERIOD = TypeAdapter[timedelta](Period)


@pytest.mark.parametrize("text", ["1h", "1825d"])
def test_a_duration_may_reach_its_bounds(text: str) -> None:
    assert text == print_duration(PERIOD.validate_python(text))


@pytest.mark.parametrize("text", ["0s", "59m59s", "43800h1s", "1825d1s"])
def test_a_stored_duration_out_of_its_bounds_is_refused_as_the_api_server_refuses_it(text: str) -> None:
    with pytest.raises(
        ValidationError, match="must be a duration from 1h to 1825d in days, hours, minutes and seconds"
    ):
        PERIOD.validate_python(text)


@pytest.mark.parametrize("text", ["59s", "1825d1s"])
def test_no_lifetime_is_taken_that_mailtrap_does_not_grant(text: str) -> None:
    with pytest.raises(ValidationError, match="must be a duration from 1m to 1825d"):
        TypeAdapter[timedelta](Lifetime).validate_python(text)
