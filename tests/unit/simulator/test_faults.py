import json
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_simulator.effects import Delivery
from mailtrap_simulator.settings import Settings
from tests.unit.simulator.harness import ADMIN, DOMAIN, TOKENS, Harness

BODY = {"name": "mailer", "resources": [DOMAIN]}
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("effect", "ending", "is_committed"),
    [
        ({"kind": "status"}, "answer", False),
        ({"kind": "status", "commit": True}, "answer", True),
        ({"kind": "html"}, "answer", False),
        ({"kind": "html", "commit": True}, "answer", True),
        ({"kind": "redirect"}, "answer", False),
        ({"kind": "lost-after-commit"}, "close", True),
        ({"kind": "lost-before-commit"}, "close", False),
        ({"kind": "late-commit"}, "close", False),
        ({"kind": "late-commit", "hang": True}, "hang", False),
        ({"kind": "reset-connection"}, "reset", False),
        ({"kind": "reset-connection", "commit": True}, "reset", True),
        ({"kind": "hang"}, "hang", True),
        ({"kind": "hang", "commit": False}, "hang", False),
        ({"kind": "slow", "delay": 3}, "answer", True),
        ({"kind": "garbage"}, "answer", True),
        ({"kind": "empty"}, "answer", True),
        ({"kind": "truncated"}, "truncate", True),
        ({"kind": "cut-json"}, "answer", True),
        ({"kind": "missing-token"}, "answer", True),
    ],
)
def test_what_each_fault_does_to_a_create(
    harness: Harness, effect: dict[str, Any], ending: str, *, is_committed: bool
) -> None:
    harness.control(
        "POST", "faults", {"effect": {"delay": 5, **effect} if effect["kind"] == "late-commit" else effect}
    )

    delivery = harness.deliver("POST", TOKENS, BODY)

    entry = harness.control("GET", "journal")["entries"][-1]
    assert (ending, is_committed) == (delivery.ending, bool(harness.ids()))
    assert (effect["kind"], is_committed) == (entry["fault"], entry["committed"])


def answered(harness: Harness, kind: str, **effect: Any) -> tuple[int, str, bytes]:
    harness.fault(kind, "create", **effect)
    response = harness.deliver("POST", TOKENS, BODY).response
    assert response is not None
    return response.status, response.content_type, response.body


def test_an_injected_status_has_the_usual_body_and_the_rate_headers(harness: Harness) -> None:
    harness.fault("status", status=401)

    answer = harness.call("GET", TOKENS)

    assert (401, {"error": "Incorrect API token"}) == (answer.status, answer.json)
    assert "149" == answer.headers["X-Ratelimit-Remaining"]
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("version", [None, "v2"])
@pytest.mark.parametrize("commit", [False, True])
def test_an_injected_status_is_signed_by_the_api_only_where_that_is_asked_for(
    harness: Harness, version: str | None, *, commit: bool
) -> None:
    harness.fault("status", status=404, commit=commit, version=version is not None)

    answer = harness.call("GET", TOKENS)

    assert (404, {"error": "Not Found"}, version) == (
        answer.status,
        answer.json,
        answer.headers.get("X-Mailtrap-Version"),
    )


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("html", None),
        ("redirect", None),
        ("garbage", None),
        ("empty", None),
        ("cut-json", "v2"),
        ("truncated", "v2"),
        ("missing-token", "v2"),
        ("short-list", "v2"),
        ("slow", "v2"),
    ],
)
def test_only_what_the_api_itself_said_is_signed(harness: Harness, kind: str, version: str | None) -> None:
    harness.fault(kind)

    response = harness.deliver("GET", TOKENS).response

    assert response is not None
    assert version == response.headers.get("X-Mailtrap-Version")


def test_an_injected_status_may_have_its_own_body_type_and_retry_after(harness: Harness) -> None:
    harness.fault("status", status=503, body="maintenance", content_type="text/plain", retry_after=7)

    response = harness.deliver("GET", TOKENS).response

    assert response is not None
    assert (503, "text/plain", b"maintenance") == (response.status, response.content_type, response.body)
    assert "7" == response.headers["Retry-After"]


def test_an_html_error_comes_from_a_proxy_that_knows_no_rate_limit(harness: Harness) -> None:
    harness.fault("html")

    response = harness.deliver("GET", TOKENS).response

    assert response is not None
    assert (502, True) == (response.status, response.content_type.startswith("text/html"))
    assert "X-Ratelimit-Limit" not in response.headers


def test_garbage_is_a_success_that_is_no_json(harness: Harness) -> None:
    status, content_type, body = answered(harness, "garbage")

    assert (200, True) == (status, content_type.startswith("application/json"))
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(body)


def test_cut_json_is_the_first_half_of_the_answer(harness: Harness) -> None:
    status, _, body = answered(harness, "cut-json")

    assert (200, True) == (status, body.startswith(b'{"id": '))
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        json.loads(body)


def test_an_empty_answer_is_a_success_without_a_body(harness: Harness) -> None:
    status, _, body = answered(harness, "empty")

    assert (200, b"") == (status, body)


def test_an_answer_without_the_token_lacks_nothing_else(harness: Harness) -> None:
    status, _, body = answered(harness, "missing-token")

    assert (200, harness.ids()) == (status, [json.loads(body)["id"]])
    assert "token" not in json.loads(body)


def test_a_redirect_points_elsewhere(harness: Harness) -> None:
    harness.fault("redirect", location="http://127.0.0.1:9/")

    response = harness.deliver("POST", TOKENS, BODY).response

    assert response is not None
    assert (302, "http://127.0.0.1:9/") == (response.status, response.headers["Location"])


def test_a_short_list_leaves_out_the_named_tokens_or_all(harness: Harness) -> None:
    first, second = harness.create().json["id"], harness.create().json["id"]
    harness.fault("short-list", "list", without=[first])
    harness.fault("short-list", "list")

    assert [[second], [], [first, second]] == [harness.ids() for _ in range(3)]


def test_a_slow_answer_comes_on_top_of_the_latency() -> None:
    harness = Harness(Settings(latency=timedelta(milliseconds=50)))
    harness.fault("slow", delay=2)

    delays = [harness.deliver("GET", TOKENS).delay for _ in range(2)]

    assert [timedelta(seconds=2, milliseconds=50), timedelta(milliseconds=50)] == delays


def test_a_late_commit_ends_the_call_at_once(harness: Harness) -> None:
    harness.fault("late-commit", "create", delay=30)

    assert Delivery("close") == harness.deliver("POST", TOKENS, BODY)


def test_a_late_commit_happens_when_it_is_due(harness: Harness) -> None:
    harness.fault("late-commit", "create", delay=30)
    harness.deliver("POST", TOKENS, {**BODY, "expires_at": "2026-03-01T12:00:31Z"})

    harness.advance(29 * SECOND)
    assert [] == harness.ids()

    harness.advance(60 * SECOND)
    (token_id,) = harness.ids()
    call, late = (e for e in harness.control("GET", "journal")["entries"] if e["operation"] == "create")
    assert ("late", True, token_id, call["seq"]) == (
        late["outcome"],
        late["committed"],
        late["token_id"],
        late["late_for"],
    )
    assert "2026-03-01T12:00:30.000Z" == late["time"]


def test_late_commits_happen_in_the_order_in_which_they_are_due(harness: Harness) -> None:
    for name, delay in (("second", 20), ("first", 10)):
        harness.fault("late-commit", "create", delay=delay)
        harness.deliver("POST", TOKENS, {**BODY, "name": name})

    harness.advance(60 * SECOND)

    assert ["first", "second"] == [token["name"] for token in harness.call("GET", TOKENS).json[1:]]


@pytest.mark.parametrize(
    ("match", "spoilt"),
    [
        ({}, ["list", "create", "get", "reset", "delete"]),
        ({"operation": "reset"}, ["reset"]),
        ({"method": "POST"}, ["create", "reset"]),
        ({"path": "*/api_tokens"}, ["list", "create"]),
        ({"path": "/api/accounts/*/reset"}, ["reset"]),
        ({"token_id": 7}, ["get", "reset", "delete"]),
        ({"credential": ADMIN[-4:], "operation": "get"}, ["get"]),
        ({"credential": "none"}, []),
        ({"operation": "accounts"}, []),
    ],
)
def test_a_fault_meets_the_calls_that_match(harness: Harness, match: Any, spoilt: list[str]) -> None:
    fault = {"match": match, "effect": {"kind": "status", "status": 599}, "times": "forever"}
    harness.control("POST", "faults", fault)
    calls = {
        "list": ("GET", TOKENS),
        "create": ("POST", TOKENS),
        "get": ("GET", f"{TOKENS}/7"),
        "reset": ("POST", f"{TOKENS}/7/reset"),
        "delete": ("DELETE", f"{TOKENS}/7"),
    }

    assert spoilt == [
        name for name, (method, path) in calls.items() if harness.call(method, path).status == 599
    ]


@pytest.mark.parametrize(
    ("times", "skip", "statuses"),
    [
        (1, 0, [599, 200, 200, 200]),
        (2, 1, [200, 599, 599, 200]),
        ("forever", 2, [200, 200, 599, 599]),
    ],
)
def test_a_fault_skips_some_calls_and_spoils_some(
    harness: Harness, times: Any, skip: int, statuses: list[int]
) -> None:
    fault = {"effect": {"kind": "status", "status": 599}, "times": times, "skip": skip}
    harness.control("POST", "faults", fault)

    assert statuses == [harness.call("GET", TOKENS).status for _ in range(4)]


def test_the_first_fault_wins_until_it_is_spent(harness: Harness) -> None:
    for status in (501, 503):
        harness.fault("status", status=status)

    assert [501, 503, 200] == [harness.call("GET", TOKENS).status for _ in range(3)]
    used = [(fault["used"], fault["spent"]) for fault in harness.control("GET", "faults")["faults"]]
    assert [(1, True), (1, True)] == used


def test_faults_can_be_taken_back(harness: Harness) -> None:
    harness.fault("html")
    second = harness.control("POST", "faults", {"effect": {"kind": "status", "status": 503}})["id"]

    harness.control("DELETE", f"faults/{second}")
    assert ["html"] == [fault["kind"] for fault in harness.control("GET", "faults")["faults"]]

    harness.control("DELETE", "faults")
    assert 200 == harness.call("GET", TOKENS).status
    assert 404 == harness.refused("DELETE", f"faults/{second}")[0]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({}, "effect must be a JSON object"),
        ([], "fault must be a JSON object"),
        ({"effect": {"kind": "flood"}}, "kind must be one of status, html"),
        ({"effect": {}}, "kind must be one of status, html"),
        ({"effect": {"kind": "none"}}, "kind must be one of status, html"),
        ({"effect": {"kind": "garbage", "commit": False}}, "effect has unknown keys: commit"),
        ({"effect": {"kind": "status", "status": 99}}, "status must be between 200 and 599"),
        ({"effect": {"kind": "slow", "delay": "1s"}}, "delay must be a number of seconds"),
        ({"effect": {"kind": "hang", "commit": 1}}, "commit must be true or false"),
        ({"effect": {"kind": "short-list", "without": ["7"]}}, "without must be a list of int"),
        ({"effect": {"kind": "html"}, "time": 3}, "fault has unknown keys: time"),
        ({"effect": {"kind": "html"}, "times": 0}, "times must be a whole number above zero"),
        ({"effect": {"kind": "html"}, "skip": -1}, "skip must be a whole number, not negative"),
        ({"effect": {"kind": "html"}, "match": {"operation": "update"}}, "operation must be one of list"),
        ({"effect": {"kind": "html"}, "match": {"verb": "GET"}}, "match has unknown keys: verb"),
    ],
)
def test_a_fault_that_cannot_be_understood_is_refused(harness: Harness, fault: Any, reason: str) -> None:
    status, error = harness.refused("POST", "faults", fault)

    assert (422, True) == (status, reason in error), error
    assert [] == harness.control("GET", "faults")["faults"]
