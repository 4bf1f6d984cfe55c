"""An API server that has too much to do says when it is to be asked again; no one waits for it without a bound."""

import json
import ssl
from datetime import timedelta

import pytest

from mailtrap_operator.clients.errors import Failure, Retryable, Uncertain
from mailtrap_operator.clients.watch_session import watch_session
from tests.unit.clients.raw_server import answer, raw_server
from tests.unit.clients.test_kube import failure_of


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Retryable), (500, Uncertain), (503, Uncertain)], ids=["429", "500", "503"]
)
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        pytest.param(None, None, id="it names no time"),
        pytest.param("0", 0, id="at once"),
        pytest.param("7", 7, id="some seconds"),
        pytest.param("86400", 60, id="a day: it is asked again before"),
        pytest.param("soon", None, id="no time at all"),
        pytest.param("Fri, 01 Jan 2100 00:00:00 GMT", 60, id="a date"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"busy", json.dumps({"kind": "Status", "message": "too many requests"}).encode()]
)
async def test_an_api_server_that_is_busy_says_when_it_is_asked_again(
    body: bytes, asked: str | None, seconds: int | None, status: int, kind: type[Failure]
) -> None:
    busy = answer(status, body)
    if asked is not None:
        busy = busy.replace(b"\r\n", f"\r\nRetry-After: {asked}\r\n".encode(), 1)

    failure = await failure_of(lambda kube: kube.get("/api"), busy)

    pause = None if seconds is None else timedelta(seconds=seconds)
    assert (kind, pause) == (type(failure), failure.retry_after)


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, "0"), ("7", "7"), ("0.2", "1"), ("86400", "60"), ("soon", "0")]
)
async def test_a_watch_is_reported_a_pause_that_it_can_wait_for(asked: str | None, seconds: str) -> None:
    busy = answer(429, {})
    if asked is not None:
        busy = busy.replace(b"\r\n", f"\r\nretry-after: {asked}\r\n".encode(), 1)

    async with raw_server(busy) as server, watch_session({}, ssl.create_default_context(), None) as session:
        response = await session.get(f"{server.url}/apis")
        response.close()

    assert seconds == response.headers.get("Retry-After")
