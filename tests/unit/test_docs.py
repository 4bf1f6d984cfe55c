"""What the documents point at is there: files, folders, and tests by their names."""

import re
from pathlib import Path
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiTokenSpec
from mailtrap_operator.core.reasons import Reason
from tests.documents import DOCUMENTS, PAGES, ROOT, Body, manifests, name_of

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
_CODE = re.compile(r"`[^`\n]*`")
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = set(_LINK.findall(_CODE.sub("", document.read_text())))

    assert set() == {link for link in links if not (document.parent / link).exists()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_anchor_is_a_heading(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", _CODE.sub("", document.read_text()))
    pages = {(document.parent / path if path else document, anchor) for path, anchor in links}

    assert set() == {(path.name, anchor) for path, anchor in pages if anchor not in _anchors(path)}


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = set(_TEST.findall(document.read_text()))

    assert set() == {(path, name) for path, name in named if not _exists(ROOT / path, name)}


def test_every_page_is_on_the_landing_page() -> None:
    landing = ROOT / "docs" / "README.md"
    linked = {(landing.parent / link).resolve() for link in _LINK.findall(landing.read_text())}

    assert set() == set(PAGES) - linked - {landing}


def test_every_reason_is_explained() -> None:
    explained = re.findall(r"`(\w+)`", (ROOT / "docs" / "status.md").read_text())

    assert set() == set(Reason) - set(explained)


def test_the_reasons_of_the_page_for_symptoms_are_those_of_the_operator() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    part = page[page.index("## READY is False") : page.index("## READY is True")]
    named = set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))

    assert {"AccountNotFound", "CredentialRefused"} <= named
    assert set() == named - set(Reason)


def test_each_control_is_shown_by_tests_that_are_named() -> None:
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    rows = [line for line in lines if re.fullmatch(r"\|(?! what could)[^|]+\|[^|]+\|[^|]+\|", line)]
    shown = {row: _TEST.findall(row.rpartition(" | ")[2]) for row in rows if "---" not in row}

    assert shown
    assert [] == [row for row, tests in shown.items() if not tests or "" in {name for _, name in tests}]


_SAMPLES = sorted([*ROOT.glob("deploy/samples/*.yaml"), *ROOT.glob("deploy/examples/**/*.yaml")])
_SHOWN = [
    (f"{name_of(path)} {number}", path, body)
    for path in [*DOCUMENTS, *_SAMPLES]
    for number, body in enumerate(manifests(path))
]

_OF_THE_OPERATOR = "deploy/samples/credential.yaml"
_GIVEN_TO_USERS = [
    pytest.param(body["spec"]["policy"], id=name)
    for name, path, body in _SHOWN
    if body.get("kind") == "ClusterMailtrapAccount" and name_of(path) != _OF_THE_OPERATOR
]


@pytest.mark.parametrize("policy", _GIVEN_TO_USERS)
def test_an_example_of_an_account_names_what_it_gives_and_gives_no_one_the_account(policy: Body) -> None:
    namespaces = policy["allowedNamespaces"]
    assert namespaces.get("names") or namespaces["selector"]["matchLabels"]
    assert "*" not in namespaces.get("names", ())
    assert policy["allowedResources"]
    assert "account" not in {resource["type"] for resource in policy["allowedResources"]}
    assert {"maxAccessLevel", "maxLifetime"} <= policy.keys()


def test_there_are_such_examples_for_those_who_begin() -> None:
    names = {str(policy.id).rpartition(" ")[0] for policy in _GIVEN_TO_USERS}

    assert {"README.md", "deploy/samples/account.yaml", "docs/accounts.md"} <= names


def test_only_the_operators_own_namespace_is_given_the_account() -> None:
    account, api_token = manifests(ROOT / _OF_THE_OPERATOR)

    assert "allowedNamespaces" not in account["spec"]["policy"]
    assert account["metadata"]["name"] == api_token["spec"]["accountRef"]["name"]
    assert account["spec"]["credentialsSecretRef"]["name"] == api_token["spec"]["secretName"]


_API_TOKENS = [
    pytest.param(body["spec"], id=name) for name, _, body in _SHOWN if body.get("kind") == "ApiToken"
]


@pytest.mark.parametrize("spec", _API_TOKENS)
def test_an_example_of_an_api_token_can_be_read_and_says_when_the_token_expires(spec: Body) -> None:
    ApiTokenSpec.model_validate(spec, by_alias=True, by_name=False)

    assert "policy" in spec["expiration"]


def test_no_document_shows_a_fragment_of_an_object() -> None:
    whole = {"apiVersion", "kind", "metadata", "spec"}

    assert [] == [name for name, _, body in _SHOWN if body.keys() & whole and not _is_whole(body)]


def test_no_number_of_the_examples_stands_for_two_things() -> None:
    named = [
        *(
            (body["spec"]["accountId"], "account")
            for _, _, body in _SHOWN
            if "accountId" in body.get("spec", {})
        ),
        *((each["id"], each["type"]) for spec in _API_TOKENS for each in _resources(spec) if "id" in each),
    ]
    meanings: dict[int, set[str]] = {}
    for number, meaning in named:
        meanings.setdefault(number, set()).add(meaning)

    assert {3229: {"account"}, 435: {"domain"}, 4711: {"sandbox"}}.items() <= meanings.items()
    assert {} == {number: words for number, words in meanings.items() if len(words) > 1}


def _resources(spec: Any) -> list[Body]:
    resources: list[Body] = spec.values[0]["resources"]
    return resources


def _is_whole(body: Body) -> bool:
    parts = (
        {"apiVersion", "kind"} if body.get("kind") == "Kustomization" else {"apiVersion", "kind", "metadata"}
    )
    return parts <= body.keys()


def _exists(path: Path, name: str) -> bool:
    return path.exists() and re.search(rf"\bdef {name}\b" if name else "", path.read_text()) is not None
