"""Every path has two forms; the plain one takes the account from the credential."""

from typing import Any

import pytest

from mailtrap_simulator.settings import Paths, Settings
from tests.unit.simulator.harness import ACCOUNT, ADMIN, DOMAIN, PLAIN_TOKENS, TOKENS, Harness

FORMS = pytest.mark.parametrize("tokens", [TOKENS, PLAIN_TOKENS], ids=["account", "plain"])
PLAIN_RESOURCES = "/api/permissions/resources"
RESOURCES = f"/api/accounts/{ACCOUNT}/permissions/resources"
OTHER = 4000


@FORMS
def test_a_token_lives_its_life_in_either_form(harness: Harness, tokens: str) -> None:
    created = harness.call("POST", tokens, {"name": "mailer", "resources": [DOMAIN]}).json
    path = f"{tokens}/{created['id']}"
    shown = harness.call("GET", path).json
    assert shown in harness.call("GET", tokens).json
    successor = harness.call("POST", f"{path}/reset").json
    assert f"mailer {successor['id']}" == successor["name"]
    assert [204, 404] == [harness.call("DELETE", path).status for _ in range(2)]


def test_both_forms_show_the_same(harness: Harness) -> None:
    harness.create()

    assert harness.call("GET", TOKENS).json == harness.call("GET", PLAIN_TOKENS).json
    assert harness.call("GET", RESOURCES).json == harness.call("GET", PLAIN_RESOURCES).json


@pytest.mark.parametrize(
    ("paths", "with_account", "plain"), [("both", 200, 200), ("account", 200, 404), ("plain", 404, 200)]
)
def test_a_form_that_is_not_served_is_an_unknown_route(paths: Paths, with_account: int, plain: int) -> None:
    harness = Harness(Settings(paths=paths))

    answers = {path: harness.call("GET", path) for path in (TOKENS, RESOURCES, PLAIN_TOKENS, PLAIN_RESOURCES)}

    assert [with_account, with_account, plain, plain] == [answer.status for answer in answers.values()]
    assert {"text/html; charset=utf-8"} >= {a.content_type for a in answers.values() if a.status == 404}
    assert 200 == harness.call("GET", "/api/accounts").status


@pytest.mark.parametrize("credential", [ADMIN, "unknown"])
def test_a_call_in_a_form_that_is_not_served_changes_nothing(credential: str) -> None:
    harness = Harness(Settings(paths="account"))

    refused = harness.call("POST", PLAIN_TOKENS, {"name": "mailer", "resources": [DOMAIN]}, credential)

    assert (404, []) == (refused.status, harness.ids())


@pytest.mark.parametrize(("credential", "account"), [(ADMIN, ACCOUNT), ("unknown", None)])
def test_the_journal_has_the_account_of_the_credential(
    harness: Harness, credential: str, account: int | None
) -> None:
    harness.call("GET", PLAIN_TOKENS, credential=credential)

    (entry,) = harness.control("GET", "journal")["entries"]
    assert ("list", PLAIN_TOKENS, account) == (entry["operation"], entry["path"], entry["account_id"])


def test_a_call_that_deletes_its_own_credential_is_told_with_its_account(harness: Harness) -> None:
    own = harness.control("POST", "credentials", {})

    harness.call("DELETE", f"{PLAIN_TOKENS}/{own['id']}", credential=own["token"])

    (entry,) = harness.control("GET", "journal")["entries"]
    assert (ACCOUNT, 204) == (entry["account_id"], entry["status"])


@FORMS
def test_a_fault_meets_the_operation_in_either_form(harness: Harness, tokens: str) -> None:
    harness.fault("status", "list", status=500)

    assert [500, 200] == [harness.call("GET", tokens).status for _ in range(2)]


def test_a_fault_of_an_operation_waits_for_a_form_that_is_served() -> None:
    harness = Harness(Settings(paths="account"))
    harness.fault("status", "list", status=500)

    assert [404, 500] == [harness.call("GET", path).status for path in (PLAIN_TOKENS, TOKENS)]


@pytest.mark.parametrize("fault", ["lost-before-commit", "lost-after-commit"])
def test_an_attempt_on_a_foreign_token_is_recorded_in_the_plain_form(harness: Harness, fault: str) -> None:
    harness.create("theirs")
    harness.control("POST", "tripwire", {"names": ["theirs"]})
    (token_id,) = harness.ids()
    harness.fault(fault)

    harness.deliver("DELETE", f"{PLAIN_TOKENS}/{token_id}")

    (attempt,) = harness.control("GET", "tripwire")["attempts"]
    assert ("delete", token_id) == (attempt["operation"], attempt["token_id"])


def organisation(harness: Harness, *accounts: int) -> str:
    harness.control("POST", "accounts", {"id": OTHER, "credential": "k" * 32})
    return str(harness.control("POST", "credentials", {"accounts": list(accounts)})["token"])


def test_an_organisations_credential_sees_all_its_accounts(harness: Harness) -> None:
    credential = organisation(harness, ACCOUNT, OTHER)

    seen = harness.call("GET", "/api/accounts", credential=credential).json

    assert [(ACCOUNT, [100]), (OTHER, [100])] == [(entry["id"], entry["access_levels"]) for entry in seen]
    for account in (ACCOUNT, OTHER):
        created: Any = harness.call(
            "POST", f"/api/accounts/{account}/api_tokens", {"name": "x", "resources": [DOMAIN]}, credential
        )
        assert 200 == created.status
    assert 403 == harness.call("GET", "/api/accounts/1/api_tokens", credential=credential).status


@pytest.mark.parametrize(("first", "second"), [(ACCOUNT, OTHER), (OTHER, ACCOUNT)])
def test_the_plain_form_means_the_first_account_of_an_organisation(
    harness: Harness, first: int, second: int
) -> None:
    credential = organisation(harness, first, second)

    created = harness.call("POST", PLAIN_TOKENS, {"name": "x", "resources": [DOMAIN]}, credential).json

    assert [True, False] == [
        created["id"] in [token["id"] for token in harness.call("GET", path, credential=credential).json]
        for path in (f"/api/accounts/{first}/api_tokens", f"/api/accounts/{second}/api_tokens")
    ]


def test_an_organisations_credential_needs_accounts_that_exist(harness: Harness) -> None:
    assert (404, "there is no account 1") == harness.refused(
        "POST", "credentials", {"accounts": [ACCOUNT, 1]}
    )
