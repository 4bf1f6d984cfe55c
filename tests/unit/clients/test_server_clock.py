"""What the `Date` of an answer is believed: the API's own answers tell the server's time, and nothing else does."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.clocks import ClockDifference
from tests.unit.clients.mailtrap_harness import ISSUES, READS, client_of
from tests.unit.clients.remote import Remote, known_server, server_time
from tests.unit.clients.test_mailtrap_paths import VERSION, client_told
from tests.unit.clock import virtual

HOUR = timedelta(hours=1)
PAST = {"errors": {"base": ["Expiration date must be in the future"]}}


def dated(ahead: timedelta, **headers: str) -> Mapping[str, str]:
    return {"Date": format_datetime(server_time() + ahead, usegmt=True), **headers}


async def learned_from(*answers: httpx.Response) -> ClockDifference:
    """Return what is known after so many lists were answered so."""
    given = iter(answers)
    client = client_told(lambda _: next(given, answers[-1]))
    for _ in answers:
        with suppress(Failure):
            await client.list_tokens()
    return client.clock_difference


def empty_list(headers: Mapping[str, str]) -> httpx.Response:
    return httpx.Response(200, json=[], headers=headers)


@virtual
async def test_a_list_tells_how_far_the_clocks_are_apart() -> None:
    assert ClockDifference(HOUR, HOUR) == await learned_from(empty_list(dated(HOUR)))
    assert ClockDifference(timedelta(), timedelta()) == await learned_from(empty_list(dated(timedelta())))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "soon"},
        {"Date": "0"},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"Date": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"Date": "Sun, 01 Mar 99999999999999999999 12:00:00 GMT"},
        {"Date": "Sun, 01 Mar 2026 14:00:00 +99999999"},
        {"Date": "Sun, 01 Mar 2026 14:00:00 GMT, Sun, 01 Mar 2026 14:00:00 GMT"},
        {"Date": "Sun, 01 Mar 2026 14:00:00 GMT" + " " * 10_000},
        {"Date": "Sun, 01 Mar 2026 14:00:00 GMT", "Age": "7200"},
        {"Date": "Sun, 01 Mar 2026 14:00:00 GMT", "Age": "old"},
    ],
    ids=lambda headers: repr(headers)[:60],
)
@virtual
async def test_what_is_no_time_of_the_server_teaches_nothing(headers: Mapping[str, str]) -> None:
    assert ClockDifference() == await learned_from(empty_list(headers))


@virtual
async def test_what_comes_through_a_cache_again_is_believed() -> None:
    assert HOUR == (await learned_from(empty_list(dated(HOUR, Age="0")))).last


OTHERS = {
    "a page": lambda: httpx.Response(502, text="<html>Bad Gateway</html>", headers=dated(HOUR)),
    "an unsigned list": lambda: empty_list(dated(HOUR)),
    "an unsigned refusal": lambda: httpx.Response(403, json={"errors": "no"}, headers=dated(HOUR)),
    "a limit": lambda: httpx.Response(429, text="slow down", headers=dated(HOUR)),
}


@pytest.mark.parametrize("name", OTHERS)
@virtual
async def test_something_other_than_the_api_is_not_asked_for_the_time(name: str) -> None:
    signed = empty_list(dated(timedelta(), **VERSION))

    assert timedelta() == (await learned_from(signed, OTHERS[name]())).last


@pytest.mark.parametrize("name", ["a page", "a limit"])
@virtual
async def test_nor_is_a_proxy_before_a_server_that_signs_nothing(name: str) -> None:
    assert timedelta() == (await learned_from(empty_list(dated(timedelta())), OTHERS[name]())).last


@virtual
async def test_the_apis_own_refusal_tells_the_time() -> None:
    refusal = httpx.Response(403, json={"errors": "Access forbidden"}, headers=dated(HOUR, **VERSION))

    assert HOUR == (await learned_from(refusal)).last


@pytest.mark.parametrize("call", [READS["list"], *ISSUES.values()], ids=["list", *ISSUES])
@virtual
async def test_a_slow_answer_is_no_difference(call: Any) -> None:
    remote, server = Remote.with_account(), known_server()
    token_id = remote.seed()
    for operation in ("list", "create", "reset"):
        remote.fault(operation, "slow", delay=9)

    await call(client_of(remote, server=server), token_id)

    assert ClockDifference(timedelta(), timedelta()) == server.clock.difference


@virtual
async def test_a_refused_end_comes_with_the_time_that_refuses_it() -> None:
    refusal = httpx.Response(422, json=PAST, headers=dated(72 * HOUR, **VERSION))
    client = client_told(lambda _: refusal)

    with pytest.raises(Failure):
        await ISSUES["create"](client, 5)

    assert 72 * HOUR == client.clock_difference.last
