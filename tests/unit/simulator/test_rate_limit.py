from datetime import timedelta

import pytest

from mailtrap_simulator.settings import RateLimit, RetryAfter, Settings
from tests.unit.simulator.harness import ADMIN, TOKENS, Harness

SECOND = timedelta(seconds=1)
LIMIT = RateLimit(3, 10 * SECOND)


def limited(retry_after: RetryAfter = "seconds") -> Harness:
    return Harness(Settings(rate_limit=LIMIT, retry_after=retry_after))


def test_every_answer_says_what_remains() -> None:
    harness = limited()

    answers = [harness.call("GET", path) for path in (TOKENS, f"{TOKENS}/1", "/nowhere")]

    assert [200, 404, 404] == [answer.status for answer in answers]
    assert ["3", "3", "3"] == [answer.headers["X-Ratelimit-Limit"] for answer in answers]
    assert ["2", "1", "0"] == [answer.headers["X-Ratelimit-Remaining"] for answer in answers]


def test_the_limit_is_150_in_ten_seconds_by_default(harness: Harness) -> None:
    statuses = [harness.call("GET", TOKENS).status for _ in range(151)]

    assert [200] * 150 + [429] == statuses


def test_a_call_over_the_limit_is_refused_and_changes_nothing() -> None:
    harness = limited()
    for _ in range(3):
        harness.call("GET", TOKENS)

    refused = harness.create()

    assert (429, "0", "10") == (
        refused.status,
        refused.headers["X-Ratelimit-Remaining"],
        refused.headers["Retry-After"],
    )
    harness.advance(10 * SECOND)
    assert [] == harness.ids()


@pytest.mark.parametrize(
    ("form", "header"), [("seconds", "10"), ("date", "Sun, 01 Mar 2026 12:00:10 GMT"), ("none", None)]
)
def test_retry_after_has_several_forms(form: RetryAfter, header: str | None) -> None:
    harness = limited(form)

    refused = [harness.call("GET", TOKENS) for _ in range(4)][-1]

    assert (429, {"errors": "Rate limit exceeded"}) == (refused.status, refused.json)
    assert header == refused.headers.get("Retry-After")


def test_a_date_to_retry_after_is_never_too_early() -> None:
    harness = limited("date")
    harness.advance(timedelta(milliseconds=500))

    refused = [harness.call("GET", TOKENS) for _ in range(4)][-1]

    assert "Sun, 01 Mar 2026 12:00:11 GMT" == refused.headers["Retry-After"]


def test_the_window_slides() -> None:
    harness = limited()
    harness.call("GET", TOKENS)
    harness.advance(9 * SECOND)
    harness.call("GET", TOKENS)
    harness.call("GET", TOKENS)

    assert 429 == harness.call("GET", TOKENS).status
    harness.advance(SECOND)
    assert [200, 429] == [harness.call("GET", TOKENS).status for _ in range(2)]


def test_refused_calls_do_not_count() -> None:
    harness = limited()
    for _ in range(50):
        harness.call("GET", TOKENS)

    harness.advance(10 * SECOND)

    assert 200 == harness.call("GET", TOKENS).status


def test_each_credential_has_its_own_window() -> None:
    harness = limited()
    other = harness.control("POST", "credentials", {})["token"]
    for _ in range(4):
        harness.call("GET", TOKENS)

    assert [429, 200, 401] == [
        harness.call("GET", TOKENS, credential=credential).status for credential in (ADMIN, other, "wrong")
    ]


def test_calls_without_a_known_credential_are_limited_too() -> None:
    harness = limited()

    statuses = [harness.call("GET", TOKENS, credential="wrong").status for _ in range(4)]

    assert [401, 401, 401, 429] == statuses
