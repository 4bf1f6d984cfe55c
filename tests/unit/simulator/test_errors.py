"""The bodies of errors have several forms, and the API signs what it says itself."""

from typing import Any

import pytest

from mailtrap_simulator.settings import Errors, RateLimit, Settings
from tests.unit.simulator.harness import DOMAIN, TOKENS, Answer, Harness

BLANK = {"name": " ", "resources": [{**DOMAIN, "access_level": 50}]}


def refusals_of(harness: Harness) -> dict[int, Answer]:
    """One refusal of each kind, by status."""
    answers = [
        harness.call("GET", TOKENS, credential="unknown"),
        harness.call("GET", "/api/accounts/1/api_tokens"),
        harness.call("GET", f"{TOKENS}/1"),
        harness.call("POST", TOKENS, BLANK),
    ]
    harness.control("POST", "settings", {"rate_limit": "1/10s"})
    return {answer.status: answer for answer in [*answers, harness.call("GET", TOKENS)]}


FORMS: dict[Errors, dict[int, Any]] = {
    "usual": {
        401: {"error": "Incorrect API token"},
        403: {"errors": "Account access forbidden"},
        404: {"error": "Not Found"},
        422: {"errors": {"name": ["can't be blank"], "access_level": ["is not included in the list"]}},
        429: {"errors": "Rate limit exceeded"},
    },
    "string": {
        401: {"errors": "Incorrect API token"},
        403: {"errors": "Account access forbidden"},
        404: {"errors": "Not Found"},
        422: {"errors": "Name can't be blank. Access level is not included in the list"},
        429: {"errors": "Rate limit exceeded"},
    },
    "list": {
        401: {"errors": ["Incorrect API token"]},
        403: {"errors": ["Account access forbidden"]},
        404: {"errors": ["Not Found"]},
        422: {"errors": ["Name can't be blank", "Access level is not included in the list"]},
        429: {"errors": ["Rate limit exceeded"]},
    },
    "object": {
        401: {"errors": {"base": ["Incorrect API token"]}},
        403: {"errors": {"base": ["Account access forbidden"]}},
        404: {"errors": {"base": ["Not Found"]}},
        422: {"errors": {"name": ["can't be blank"], "access_level": ["is not included in the list"]}},
        429: {"errors": {"base": ["Rate limit exceeded"]}},
    },
    "null-beside": {
        401: {"error": None, "errors": "Incorrect API token"},
        403: {"error": None, "errors": "Account access forbidden"},
        404: {"error": None, "errors": "Not Found"},
        422: {
            "error": None,
            "errors": {"name": ["can't be blank"], "access_level": ["is not included in the list"]},
        },
        429: {"error": None, "errors": "Rate limit exceeded"},
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_error_body_has_the_form_that_is_set(form: Errors) -> None:
    told = refusals_of(Harness(Settings(errors=form)))

    assert FORMS[form] == {status: answer.json for status, answer in told.items()}


@pytest.mark.parametrize("form", FORMS)
def test_a_base_message_stands_without_an_attribute(form: Errors) -> None:
    refused = Harness(Settings(errors=form)).create(resources=[]).json

    message = "No permissions selected. Please choose at least one."
    errors = {"string": message, "list": [message]}.get(form, {"base": [message]})
    assert errors == refused["errors"]


def test_an_injected_status_has_the_form_that_is_set() -> None:
    harness = Harness(Settings(errors="list"))
    harness.fault("status", status=500)

    assert {"errors": ["Internal Server Error"]} == harness.call("GET", TOKENS).json


def test_what_is_no_error_of_the_api_has_no_form() -> None:
    harness = Harness(Settings(errors="list"))

    assert (200, "create") == (harness.create().status, "create")
    assert "text/html; charset=utf-8" == harness.call("GET", "/nowhere").content_type
    assert (400, None) == (harness.call("POST", TOKENS, {}).status, harness.call("POST", TOKENS, {}).json)


def test_every_json_answer_is_signed_and_nothing_else(harness: Harness) -> None:
    token = harness.create()
    signed = [
        token,
        harness.call("GET", TOKENS),
        harness.call("GET", "/api/accounts"),
        harness.reset(token.json["id"]),
    ]
    unsigned = [
        harness.call("DELETE", f"{TOKENS}/{token.json['id']}"),
        harness.call("GET", "/nowhere"),
        harness.call("POST", TOKENS, {}),
    ]
    signed += refusals_of(harness).values()

    assert ["v2"] * 9 == [answer.headers.get("X-Mailtrap-Version") for answer in signed]
    assert [204, 404, 400] == [answer.status for answer in unsigned]
    assert [None] * 3 == [answer.headers.get("X-Mailtrap-Version") for answer in unsigned]


def test_only_a_401_names_the_realm(harness: Harness) -> None:
    told = refusals_of(harness)

    assert {401: 'Token realm="Application"'} == {
        status: answer.headers["Www-Authenticate"]
        for status, answer in told.items()
        if "Www-Authenticate" in answer.headers
    }


def test_an_error_carries_the_rate_headers_too() -> None:
    told = refusals_of(Harness(Settings(rate_limit=RateLimit(100))))

    assert [True] * 5 == ["X-Ratelimit-Remaining" in answer.headers for answer in told.values()]
