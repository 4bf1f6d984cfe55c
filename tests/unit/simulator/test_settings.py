from datetime import timedelta

import pytest

from mailtrap_simulator.settings import (
    RateLimit,
    format_duration,
    parse_default_expiry,
    parse_duration,
    parse_rate_limit,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0ms", timedelta()),
        ("50ms", timedelta(milliseconds=50)),
        ("10s", timedelta(seconds=10)),
        ("5m", timedelta(minutes=5)),
        ("12h", timedelta(hours=12)),
        ("365d", timedelta(days=365)),
    ],
)
def test_a_duration_is_read_and_written(text: str, duration: timedelta) -> None:
    assert duration == parse_duration(text)
    assert text == format_duration(duration)


@pytest.mark.parametrize("text", ["", "50", "ms", "1.5h", "-1s", "1 s", "1w", "999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no duration; write|too long"):
        parse_duration(text)


def test_no_default_expiry_is_written_none() -> None:
    assert parse_default_expiry("none") is None
    assert timedelta(days=1) == parse_default_expiry("1d")


def test_a_rate_limit_is_requests_per_duration() -> None:
    assert RateLimit(150, timedelta(seconds=10)) == parse_rate_limit("150/10s")


@pytest.mark.parametrize("text", ["150", "150/", "/10s", "150/10", "0/10s", "150/0s", "-1/10s"])
def test_what_is_no_rate_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no rate limit|no duration|above zero"):
        parse_rate_limit(text)
