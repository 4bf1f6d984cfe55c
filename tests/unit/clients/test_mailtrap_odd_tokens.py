"""A LIST in which tokens of others are odd: what is ours is read, and what cannot be told stays untold."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.clients.mailtrap_harness import NAME, READS, UNREADABLE, client_of, failure_of, kind_of
from tests.unit.clients.remote import Remote
from tests.unit.clock import virtual

OURS = {"id": 5, "name": NAME, "last_4_digits": "cafe", "expires_at": "2027-01-31T12:00:00Z"}
THEIRS = {"id": 6, "name": "theirs", "last_4_digits": "beef", "expires_at": None}

READABLE: dict[str, dict[str, Any]] = {
    "no name": {"name": None},
    "no last characters": {"last_4_digits": None},
    "a date without a time": {"expires_at": "2027-01-31"},
    "permissions in another form": {"resources": "all"},
}
LEFT_OUT: dict[str, dict[str, Any]] = {
    "a number as name": {"name": 7},
    "words in place of a date": {"expires_at": "in a while"},
    "an object as last characters": {"last_4_digits": {}},
}


@pytest.mark.parametrize("oddity", READABLE)
@virtual
async def test_an_odd_token_of_others_is_listed_with_ours(oddity: str) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[THEIRS | READABLE[oddity], OURS])

    assert [6, 5] == [token.id for token in await client_of(remote).list_tokens()]


@pytest.mark.parametrize("oddity", LEFT_OUT)
@virtual
async def test_a_token_of_others_that_cannot_be_read_hides_none_of_ours(oddity: str) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[THEIRS | LEFT_OUT[oddity], OURS])

    assert [5] == [token.id for token in await client_of(remote).list_tokens()]


@pytest.mark.parametrize("oddity", ["words in place of a date", "an object as last characters"])
@virtual
async def test_a_list_in_which_ours_cannot_be_read_is_asked_for_again(oddity: str) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[THEIRS, OURS | LEFT_OUT[oddity]])

    assert UNREADABLE == kind_of(await failure_of(READS["list"], remote, 0))


@virtual
async def test_a_date_without_a_time_is_the_begin_of_that_day() -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[THEIRS | READABLE["a date without a time"]])

    (token,) = await client_of(remote).list_tokens()

    assert datetime(2027, 1, 31, tzinfo=UTC) == token.expires_at


@pytest.mark.parametrize(
    "body",
    [
        ["Rate limit exceeded"],
        [{"id": 3229, "name": "Acme", "access_levels": [100]}],
        [{"error": "no"}],
        [[]],
    ],
    ids=["words", "accounts", "errors", "lists"],
)
@virtual
async def test_a_list_of_other_things_is_no_list_without_tokens(body: Any) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=body)

    assert UNREADABLE == kind_of(await failure_of(READS["list"], remote, 0))
