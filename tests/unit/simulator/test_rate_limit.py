from datetime import timedelta

import pytest

from mailtrap_simulator.settings import RateLimit, RetryAfter, Settings
from tests.unit.simulator.bench import ADMIN, TOKENS, Bench

SECOND = timedelta(seconds=1)
LIMIT = RateLimit(3, 10 * SECOND)


def limited(retry_after: RetryAfter = "seconds") -> Bench:
    return Bench(Settings(rate_limit=LIMIT, retry_after=retry_after))


def test_every_answer_says_what_remains() -> None:
    bench = limited()

    answers = [bench.call("GET", path) for path in (TOKENS, f"{TOKENS}/1", "/nowhere")]

    assert [200, 404, 404] == [answer.status for answer in answers]
    assert ["3", "3", "3"] == [answer.headers["X-Ratelimit-Limit"] for answer in answers]
    assert ["2", "1", "0"] == [answer.headers["X-Ratelimit-Remaining"] for answer in answers]


def test_the_limit_is_150_in_ten_seconds_by_default(bench: Bench) -> None:
    statuses = [bench.call("GET", TOKENS).status for _ in range(151)]

    assert [200] * 150 + [429] == statuses


def test_a_call_over_the_limit_is_refused_and_changes_nothing() -> None:
    bench = limited()
    for _ in range(3):
        bench.call("GET", TOKENS)

    refused = bench.create()

    assert (429, "0", "10") == (
        refused.status,
        refused.headers["X-Ratelimit-Remaining"],
        refused.headers["Retry-After"],
    )
    bench.advance(10 * SECOND)
    assert [] == bench.ids()


@pytest.mark.parametrize(
    ("form", "header"), [("seconds", "10"), ("date", "Sun, 01 Mar 2026 12:00:10 GMT"), ("none", None)]
)
def test_retry_after_has_several_forms(form: RetryAfter, header: str | None) -> None:
    bench = limited(form)

    refused = [bench.call("GET", TOKENS) for _ in range(4)][-1]

    assert (429, {"errors": "Rate limit exceeded"}) == (refused.status, refused.json)
    assert header == refused.headers.get("Retry-After")


def test_a_date_to_retry_after_is_never_too_early() -> None:
    bench = limited("date")
    bench.advance(timedelta(milliseconds=500))

    refused = [bench.call("GET", TOKENS) for _ in range(4)][-1]

    assert "Sun, 01 Mar 2026 12:00:11 GMT" == refused.headers["Retry-After"]


def test_the_window_slides() -> None:
    bench = limited()
    bench.call("GET", TOKENS)
    bench.advance(9 * SECOND)
    bench.call("GET", TOKENS)
    bench.call("GET", TOKENS)

    assert 429 == bench.call("GET", TOKENS).status
    bench.advance(SECOND)
    assert [200, 429] == [bench.call("GET", TOKENS).status for _ in range(2)]


def test_refused_calls_do_not_count() -> None:
    bench = limited()
    for _ in range(50):
        bench.call("GET", TOKENS)

    bench.advance(10 * SECOND)

    assert 200 == bench.call("GET", TOKENS).status


def test_each_credential_has_its_own_window() -> None:
    bench = limited()
    other = bench.control("POST", "credentials", {})["token"]
    for _ in range(4):
        bench.call("GET", TOKENS)

    assert [429, 200, 401] == [
        bench.call("GET", TOKENS, credential=credential).status for credential in (ADMIN, other, "wrong")
    ]


def test_calls_without_a_known_credential_are_limited_too() -> None:
    bench = limited()

    statuses = [bench.call("GET", TOKENS, credential="wrong").status for _ in range(4)]

    assert [401, 401, 401, 429] == statuses
