import json
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPSConnection,
    IncompleteRead,
    RemoteDisconnected,
)
from typing import Any
from urllib.parse import urlsplit

import pytest

from mailtrap_simulator.process import SimulatorProcess

ADMIN = "2e" * 14 + "beef"
TOKENS = "/api/accounts/3229/api_tokens"
BODY = {"name": "mailer", "resources": [{"resource_type": "domain", "resource_id": 435, "access_level": 100}]}
PATIENCE = 20.0  # a bound for what never takes long


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(ADMIN) as simulator:
        yield simulator


@pytest.fixture
def simulator(process: SimulatorProcess) -> SimulatorProcess:
    """The one process, without what the test before left behind."""
    process.control("DELETE", "faults")
    process.control("DELETE", "journal")
    process.control("POST", "clock", {"advance": 10})
    return process


def call(
    url: str, method: str, path: str, body: Any = None, patience: float = PATIENCE
) -> tuple[int, Any, bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=patience)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Api-Token": ADMIN, "User-Agent": "raw"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def listed(simulator: SimulatorProcess) -> set[int]:
    return {token["id"] for token in simulator.control("GET", "state")["accounts"][0]["tokens"]}


def spoil(simulator: SimulatorProcess, kind: str, **effect: Any) -> None:
    simulator.control("POST", "faults", {"effect": {"kind": kind, **effect}})


@pytest.mark.parametrize("moved", [0, 72 * 3600, -72 * 3600])
def test_every_answer_is_dated_by_the_servers_clock(simulator: SimulatorProcess, moved: int) -> None:
    before = simulator.control("GET", "clock")["offset"]
    simulator.control("POST", "clock", {"offset": before + moved})
    spoil(simulator, "html")

    dates = [call(simulator.url, "GET", "/api/accounts")[1]["Date"] for _ in range(2)]

    now = datetime.fromisoformat(simulator.control("GET", "clock")["now"])
    simulator.control("POST", "clock", {"offset": before})
    patience = timedelta(seconds=PATIENCE)
    assert all(now - patience < parsedate_to_datetime(date) <= now for date in dates)


def test_a_token_is_created_used_reset_and_deleted(simulator: SimulatorProcess) -> None:
    status, headers, body = call(simulator.url, "POST", TOKENS, BODY)
    token = json.loads(body)
    assert (200, "application/json; charset=utf-8", "150") == (
        status,
        headers["Content-Type"],
        headers["X-Ratelimit-Limit"],
    )

    status, _, body = call(simulator.url, "POST", f"{TOKENS}/{token['id']}/reset")
    assert (200, f"mailer {json.loads(body)['id']}") == (status, json.loads(body)["name"])

    status, headers, body = call(simulator.url, "DELETE", f"{TOKENS}/{token['id']}")
    assert (204, b"", None) == (status, body, headers["Content-Type"])
    assert 404 == call(simulator.url, "GET", f"{TOKENS}/{token['id']}")[0]
    assert {"raw"} == {entry["user_agent"] for entry in simulator.control("GET", "journal")["entries"]}


@pytest.mark.parametrize(
    ("effect", "error", "created"),
    [
        ({"kind": "lost-after-commit"}, RemoteDisconnected, 1),
        ({"kind": "lost-before-commit"}, RemoteDisconnected, 0),
        ({"kind": "reset-connection"}, ConnectionResetError, 0),
        ({"kind": "truncated"}, IncompleteRead, 1),
        ({"kind": "late-commit", "delay": 3600}, RemoteDisconnected, 0),
    ],
)
def test_a_connection_that_ends_early_leaves_what_was_committed(
    simulator: SimulatorProcess, effect: Any, error: type[Exception], created: int
) -> None:
    before = listed(simulator)
    simulator.control("POST", "faults", {"effect": effect})

    with pytest.raises((HTTPException, ConnectionError)) as raised:
        call(simulator.url, "POST", TOKENS, BODY)

    assert error is raised.type
    assert created == len(listed(simulator) - before)


def test_a_late_commit_happens_after_the_clock_has_moved(simulator: SimulatorProcess) -> None:
    before = listed(simulator)
    spoil(simulator, "late-commit", delay=3000)
    with pytest.raises(RemoteDisconnected):
        call(simulator.url, "POST", TOKENS, BODY)

    simulator.control("POST", "clock", {"advance": 3000})

    assert 1 == len(listed(simulator) - before)


@pytest.mark.parametrize(("commit", "created"), [(True, 1), (False, 0)])
def test_a_hanging_call_answers_nothing_until_the_client_leaves(
    simulator: SimulatorProcess, *, commit: bool, created: int
) -> None:
    before = listed(simulator)
    spoil(simulator, "hang", commit=commit)

    with pytest.raises(TimeoutError):
        call(simulator.url, "POST", TOKENS, BODY, patience=0.2)

    assert created == len(listed(simulator) - before)
    assert "hung" == simulator.control("GET", "journal")["entries"][-1]["outcome"]


def test_a_slow_answer_arrives(simulator: SimulatorProcess) -> None:
    spoil(simulator, "slow", delay=0.05)

    assert 200 == call(simulator.url, "GET", TOKENS)[0]


@pytest.mark.parametrize("kind", ["garbage", "cut-json"])
def test_a_damaged_answer_is_whole_for_http(simulator: SimulatorProcess, kind: str) -> None:
    spoil(simulator, kind)

    status, headers, body = call(simulator.url, "GET", TOKENS)

    assert (200, str(len(body))) == (status, headers["Content-Length"])
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        json.loads(body)


def test_a_redirect_and_an_html_page_arrive_as_such(simulator: SimulatorProcess) -> None:
    spoil(simulator, "redirect", location="/there")
    spoil(simulator, "html", status=503)

    redirect, page = call(simulator.url, "GET", TOKENS), call(simulator.url, "GET", TOKENS)

    assert (302, "/there") == (redirect[0], redirect[1]["Location"])
    assert (503, "text/html; charset=utf-8", True) == (page[0], page[1]["Content-Type"], b"<html>" in page[2])


def test_two_credentials_at_once_are_refused(simulator: SimulatorProcess) -> None:
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=PATIENCE)
    connection.request("GET", TOKENS, headers={"Api-Token": ADMIN, "Authorization": f"Bearer {ADMIN}"})

    assert 401 == connection.getresponse().status
    connection.close()


def test_a_control_body_that_is_no_json_is_refused(simulator: SimulatorProcess) -> None:
    for path in ("clock", "outage"):
        connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=PATIENCE)
        connection.request("POST", f"/_simulator/{path}", "{")
        answer = connection.getresponse()
        assert (422, b"the body must be JSON") == (answer.status, json.loads(answer.read())["error"].encode())
        connection.close()


def test_a_refused_control_call_says_why(simulator: SimulatorProcess) -> None:
    with pytest.raises(RuntimeError, match=r"422.*seconds must be above zero and at most 600"):
        simulator.control("POST", "outage", {"seconds": 0})
    with pytest.raises(RuntimeError, match=r"404.*there is no token 1"):
        simulator.control("DELETE", "tokens/1")


def test_an_outage_refuses_connections_and_loses_nothing(simulator: SimulatorProcess) -> None:
    before = listed(simulator)
    simulator.control("POST", "outage", {"seconds": 1})

    refusals = 0
    while True:  # bounded by the outage itself
        try:
            call(simulator.url, "GET", TOKENS)
        except ConnectionError:
            refusals += 1
        else:
            if refusals:
                break

    assert before == listed(simulator)


def test_tls_is_served_under_an_authority_of_its_own() -> None:
    with SimulatorProcess(ADMIN, tls=True) as simulator:
        trusting = ssl.create_default_context(cafile=simulator.ca_file)
        connection = HTTPSConnection(urlsplit(simulator.url).netloc, timeout=PATIENCE, context=trusting)
        connection.request("GET", TOKENS, headers={"Api-Token": ADMIN})
        assert 200 == connection.getresponse().status
        connection.close()

        stranger = HTTPSConnection(
            urlsplit(simulator.url).netloc, timeout=PATIENCE, context=ssl.create_default_context()
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", TOKENS)
        stranger.close()
