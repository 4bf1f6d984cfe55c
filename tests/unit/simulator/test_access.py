from datetime import timedelta
from typing import Any

import pytest

from mailtrap_simulator.messages import Request
from mailtrap_simulator.settings import Settings
from tests.unit.simulator.harness import ACCOUNT, ADMIN, DOMAIN, TOKENS, Answer, Harness, after, answer_of

VIEWER_OF_DOMAIN = {**DOMAIN, "access_level": 10}
OTHER_DOMAIN = {**DOMAIN, "resource_id": 8}
ACCOUNT_ADMIN = {"resource_type": "account", "resource_id": ACCOUNT, "access_level": 100}
ACCOUNT_VIEWER = {**ACCOUNT_ADMIN, "access_level": 10}
INCORRECT = {"error": "Incorrect API token"}


def call_with(harness: Harness, headers: dict[str, str]) -> Answer:
    response = harness.simulator.receive(Request("GET", TOKENS, headers)).response
    assert response is not None
    return answer_of(response)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"api-token": ADMIN}, 200),
        ({"authorization": f"Bearer {ADMIN}"}, 200),
        ({"authorization": f"bearer {ADMIN}"}, 200),
        ({"authorization": f"Basic {ADMIN}"}, 401),
        ({"api-token": ADMIN, "authorization": f"Bearer {ADMIN}"}, 401),
        ({"api-token": "unknown"}, 401),
        ({"api-token": ""}, 401),
        ({}, 401),
    ],
)
def test_one_header_with_a_known_value_is_needed(
    harness: Harness, headers: dict[str, str], status: int
) -> None:
    answer = call_with(harness, headers)

    assert status == answer.status
    assert status == 200 or answer.json == INCORRECT


def test_any_live_token_may_ask_which_accounts_it_sees(harness: Harness) -> None:
    token = harness.create().json

    seen = harness.call("GET", "/api/accounts", credential=token["token"])

    assert (200, [{"id": ACCOUNT, "name": f"Account {ACCOUNT}", "access_levels": []}]) == (
        seen.status,
        seen.json,
    )


@pytest.mark.parametrize(("grant", "levels"), [(ACCOUNT_ADMIN, [100]), (ACCOUNT_VIEWER, [10]), (DOMAIN, [])])
def test_access_levels_are_those_on_the_account(harness: Harness, grant: Any, levels: list[int]) -> None:
    token = harness.create(resources=[grant]).json

    assert levels == harness.call("GET", "/api/accounts", credential=token["token"]).json[0]["access_levels"]


def test_an_expired_token_is_listed_but_dead(harness: Harness) -> None:
    token = harness.create(expires_at=after(timedelta(hours=1))).json
    harness.advance(timedelta(hours=1))

    refused = harness.call("GET", "/api/accounts", credential=token["token"])

    assert (401, INCORRECT) == (refused.status, refused.json)
    assert [token["id"]] == harness.ids()


def test_an_expired_token_leaves_the_list_after_ninety_days(harness: Harness) -> None:
    token = harness.create(expires_at=after(timedelta(hours=1))).json

    harness.advance(timedelta(days=90))
    assert [token["id"]] == harness.ids()

    harness.advance(timedelta(hours=1))
    assert [] == harness.ids()


def test_a_deleted_token_is_dead_at_once_and_then_unknown(harness: Harness) -> None:
    token = harness.create().json
    path = f"{TOKENS}/{token['id']}"

    deleted = harness.call("DELETE", path)

    assert (204, None) == (deleted.status, deleted.json)
    assert not harness.works(token["token"])
    assert [404, 404] == [harness.call("DELETE", path).status, harness.call("GET", path).status]


def test_the_account_of_others_is_forbidden(harness: Harness) -> None:
    harness.control("POST", "accounts", {"id": 1, "credential": "k" * 32})

    for path in (
        "/api/accounts/1/api_tokens",
        "/api/accounts/2/api_tokens",
        "/api/accounts/1/permissions/resources",
    ):
        refused = harness.call("GET", path)
        assert (403, {"errors": "Account access forbidden"}) == (refused.status, refused.json)
    assert 200 == harness.call("GET", "/api/accounts/1/api_tokens", credential="k" * 32).status


@pytest.mark.parametrize(
    ("own", "visible"),
    [
        ([ACCOUNT_ADMIN], ["viewer", "admin", "other", "both"]),
        ([DOMAIN], ["viewer", "admin"]),
        ([VIEWER_OF_DOMAIN], ["viewer"]),
        ([OTHER_DOMAIN], ["other"]),
        ([DOMAIN, OTHER_DOMAIN], ["viewer", "admin", "other", "both"]),
        ([ACCOUNT_VIEWER], []),
    ],
)
def test_a_credential_sees_the_tokens_that_its_permissions_cover(own: Any, visible: list[str]) -> None:
    harness = Harness(Settings(unprivileged_list="short"))
    ids = {
        harness.create(name, resources=resources).json["id"]: name
        for name, resources in {
            "viewer": [VIEWER_OF_DOMAIN],
            "admin": [DOMAIN],
            "other": [OTHER_DOMAIN],
            "both": [DOMAIN, OTHER_DOMAIN],
        }.items()
    }
    credential = harness.control("POST", "credentials", {"resources": own})["token"]

    listed = [ids[token_id] for token_id in harness.ids(credential) if token_id in ids]
    readable = [
        n for i, n in ids.items() if harness.call("GET", f"{TOKENS}/{i}", credential=credential).status == 200
    ]

    assert visible == listed
    assert visible == readable


@pytest.mark.parametrize("own", [DOMAIN, ACCOUNT_VIEWER])
def test_a_list_without_admin_rights_is_forbidden_and_single_tokens_are_shown(
    harness: Harness, own: Any
) -> None:
    token = harness.create().json
    credential = harness.control("POST", "credentials", {"resources": [own]})["token"]

    refused = harness.call("GET", TOKENS, credential=credential)

    assert (403, {"errors": "Access forbidden"}) == (refused.status, refused.json)
    shown = harness.call("GET", f"{TOKENS}/{token['id']}", credential=credential).status
    assert (200 if own == DOMAIN else 404) == shown


@pytest.mark.parametrize("own", [DOMAIN, ACCOUNT_VIEWER])
def test_only_an_admin_of_the_account_may_change_tokens(harness: Harness, own: Any) -> None:
    token = harness.create().json
    credential = harness.control("POST", "credentials", {"resources": [own]})["token"]
    path = f"{TOKENS}/{token['id']}"

    for method, target in (("POST", TOKENS), ("POST", f"{path}/reset"), ("DELETE", path)):
        refused = harness.call(method, target, {"name": "x", "resources": [DOMAIN]}, credential)
        assert (403, {"errors": "Access forbidden"}) == (refused.status, refused.json)
    assert harness.works(token["token"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api/accounts/"),
        ("PUT", TOKENS),
        ("PATCH", f"{TOKENS}/1"),
        ("GET", f"{TOKENS}/abc"),
        ("GET", f"{TOKENS}/1/reset"),
        ("GET", "/api/accounts/abc/api_tokens"),
        ("GET", "/api/accounts/3229"),
        ("GET", "/api/api_tokens/"),
    ],
)
def test_an_unknown_route_answers_with_a_page(harness: Harness, method: str, path: str) -> None:
    answer = harness.call(method, path)

    assert (404, "text/html; charset=utf-8") == (answer.status, answer.content_type)


def test_the_tree_shows_what_the_credential_administers(harness: Harness) -> None:
    sandboxes = [{"id": 5, "name": "one", "type": "sandbox"}, {"id": 6, "name": "two", "type": "sandbox"}]
    tree = [{"id": 4, "name": "shop", "type": "project", "resources": sandboxes}]
    harness.control("POST", "accounts", {"id": 1, "name": "ACME", "credential": "k" * 32, "resources": tree})

    def holder_of(kind: str, target: int) -> str:
        grant = {"resource_type": kind, "resource_id": target, "access_level": 100}
        return str(harness.control("POST", "credentials", {"account_id": 1, "resources": [grant]})["token"])

    def shown(credential: str) -> Any:
        return harness.call("GET", "/api/accounts/1/permissions/resources", credential=credential).json

    leaf = {"id": 6, "name": "two", "type": "sandbox", "access_level": 100, "resources": []}
    assert [leaf] == shown(holder_of("sandbox", 6))
    (project,) = shown(holder_of("project", 4))
    assert ("shop", leaf) == (project["name"], project["resources"][1])
    (top,) = shown("k" * 32)
    assert (1, "ACME", "account", 100) == (top["id"], top["name"], top["type"], top["access_level"])
    assert leaf == top["resources"][0]["resources"][1]
