from datetime import timedelta
from typing import Any

import pytest

from mailtrap_simulator.settings import Settings
from tests.unit.simulator.harness import ACCOUNT, DOMAIN, TOKENS, Harness, after

YEAR = timedelta(days=365)
NO_PERMISSIONS = {"errors": {"base": ["No permissions selected. Please choose at least one."]}}


def test_a_created_token_is_answered_with_its_value_once(harness: Harness) -> None:
    created = harness.create().json

    shown = harness.call("GET", f"{TOKENS}/{created['id']}").json

    assert 32 == len(created["token"])
    assert created["token"][-4:] == shown["last_4_digits"]
    assert "token" not in shown
    assert {**shown, "token": created["token"]} == created


def test_a_token_has_the_fields_that_the_api_shows(harness: Harness) -> None:
    created = harness.create("billing").json

    listed = harness.call("GET", TOKENS).json[-1]

    assert {
        "id": created["id"],
        "name": "billing",
        "last_4_digits": created["token"][-4:],
        "created_by": "credential",
        "expires_at": after(YEAR),
        "resources": [DOMAIN],
    } == listed


def test_two_creates_with_one_name_make_two_tokens(harness: Harness) -> None:
    first, second = harness.create("twin").json, harness.create("twin").json

    assert [first["id"], second["id"]] == harness.ids()
    assert first["token"] != second["token"]


@pytest.mark.parametrize(
    ("settings", "asked", "granted"),
    [
        pytest.param(Settings(default_expiry=None), {}, None, id="no key and no default: never"),
        pytest.param(Settings(), {}, after(YEAR), id="no key: the server's default, a year"),
        pytest.param(Settings(), {"expires_at": None}, None, id="null: never"),
        pytest.param(
            Settings(),
            {"expires_at": "2026-03-02T13:00:00+01:00"},
            after(timedelta(days=1)),
            id="a date-time: that, in UTC",
        ),
        pytest.param(
            Settings(),
            {"expires_at": "2026-03-02T12:00:00.123456Z"},
            "2026-03-02T12:00:00.123Z",
            id="a date-time is cut to milliseconds",
        ),
        pytest.param(
            Settings(), {"expires_at": "2031-03-01T12:00:00Z"}, "2031-03-01T12:00:00.000Z", id="five years"
        ),
        pytest.param(
            Settings(server="old", default_expiry=YEAR),
            {"expires_at": "2026-03-02T12:00:00Z"},
            None,
            id="an old server ignores the key",
        ),
        pytest.param(Settings(server="old"), {"expires_at": "nonsense"}, None, id="whatever it says"),
    ],
)
def test_what_is_granted_for_which_expiry(settings: Settings, asked: dict[str, Any], granted: Any) -> None:
    created = Harness(settings).create(**asked)

    assert (200, granted) == (created.status, created.json["expires_at"])


@pytest.mark.parametrize(
    ("expires_at", "message"),
    [
        ("2031-03-01T12:00:01Z", "must be within 5 years from now"),
        ("9999-12-31T23:59:59-23:00", "is invalid"),
        ("next year", "is invalid"),
        ("2026-04-01", "is invalid"),
        ("2026-04-01T12:00:00", "is invalid"),
        ("", "is invalid"),
        (1775044800, "is invalid"),
        (False, "is invalid"),
    ],
)
def test_an_unacceptable_expiry_is_refused(harness: Harness, expires_at: Any, message: str) -> None:
    refused = harness.create(expires_at=expires_at)

    assert (422, {"errors": {"expires_at": [message]}}) == (refused.status, refused.json)
    assert [] == harness.ids()


PAST = "Expiration date must be in the future"


@pytest.mark.parametrize("expires_at", ["2026-03-01T12:00:00Z", "1999-01-01T00:00:00Z"])
def test_an_expiry_in_the_past_is_refused(harness: Harness, expires_at: str) -> None:
    refused = harness.create(expires_at=expires_at)

    assert (422, {"errors": {"base": [PAST]}}) == (refused.status, refused.json)
    assert [] == harness.ids()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": "x"}, NO_PERMISSIONS["errors"]),
        ({"name": "x", "resources": []}, NO_PERMISSIONS["errors"]),
        ({"name": "x", "resources": {}}, NO_PERMISSIONS["errors"]),
        ({"name": None, "resources": [DOMAIN]}, {"name": ["can't be blank"]}),
        ({"name": "", "resources": [DOMAIN]}, {"name": ["can't be blank"]}),
        ({"name": " ", "resources": [DOMAIN]}, {"name": ["can't be blank"]}),
        ({"name": 3, "resources": [DOMAIN]}, {"name": ["can't be blank"]}),
        ({"name": ""}, {"name": ["can't be blank"], **NO_PERMISSIONS["errors"]}),
        (
            {"name": "x", "expires_at": "1999-01-01T00:00:00Z"},
            {"base": [*NO_PERMISSIONS["errors"]["base"], PAST]},
        ),
        ({"name": "x", "resources": ["domain"]}, {"resource_type": ["can't be blank"]}),
    ],
)
def test_a_body_without_the_essentials_is_refused(harness: Harness, body: Any, errors: Any) -> None:
    refused = harness.call("POST", TOKENS, body)

    assert (422, {"errors": errors}) == (refused.status, refused.json)


NAMELESS = b'{"resources": [{"resource_type": "domain", "resource_id": 7, "access_level": 100}]}'


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"{}", NAMELESS])
def test_a_body_without_a_name_is_refused_without_a_word(harness: Harness, body: bytes) -> None:
    response = harness.deliver("POST", TOKENS, body).response

    assert response is not None
    assert (400, b"", {}) == (response.status, response.body, response.headers)
    assert [] == harness.ids()


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"resource_type": ""}, "resource_type"),
        ({"resource_type": 5}, "resource_type"),
        ({"resource_id": None}, "resource_id"),
        ({"resource_id": True}, "resource_id"),
        ({"resource_id": ""}, "resource_id"),
        ({"access_level": 50}, "access_level"),
        ({"access_level": "100"}, "access_level"),
        ({"access_level": 100.0}, "access_level"),
        ({"access_level": None}, "access_level"),
    ],
)
def test_a_malformed_permission_is_refused(harness: Harness, change: dict[str, Any], attribute: str) -> None:
    refused = harness.create(resources=[DOMAIN, {**DOMAIN, **change}])

    assert (422, [attribute]) == (refused.status, list(refused.json["errors"]))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"resource_type": "sending_domain", "resource_id": 7, "access_level": 10}, 7),
        ({"resource_type": "billing", "resource_id": "7", "access_level": 100}, 7),
        ({"resource_type": "something_new", "resource_id": "a-b", "access_level": 10}, "a-b"),
    ],
)
def test_any_resource_type_is_granted_and_ids_may_be_text(harness: Harness, sent: Any, shown: Any) -> None:
    assert [{**sent, "resource_id": shown}] == harness.create(resources=[sent]).json["resources"]


def test_an_account_with_a_catalogue_refuses_what_is_not_in_it(harness: Harness) -> None:
    sandbox = {"id": 5, "name": "inbox", "type": "sandbox"}
    tree = [{"id": 4, "name": "shop", "type": "project", "resources": [sandbox]}]
    harness.control("POST", "accounts", {"id": 1, "credential": "k" * 32, "resources": tree})

    def status(kind: str, target: int) -> int:
        grant = {"resource_type": kind, "resource_id": target, "access_level": 10}
        body = {"name": "x", "resources": [grant]}
        return harness.call("POST", "/api/accounts/1/api_tokens", body, credential="k" * 32).status

    assert [200, 200, 200] == [status("account", 1), status("project", 4), status("sandbox", 5)]
    assert [422, 422, 422] == [status("account", ACCOUNT), status("project", 5), status("domain", 4)]
