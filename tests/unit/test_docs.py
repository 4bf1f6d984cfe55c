"""What the documents point at is there: files, folders, and tests by their names."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailtrap_operator.api.v1alpha1 import ApiTokenSpec
from mailtrap_operator.core.reasons import Reason

Body = dict[str, Any]

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
_CODE = re.compile(r"`[^`\n]*`")
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = set(_LINK.findall(_CODE.sub("", document.read_text())))

    assert set() == {link for link in links if not (document.parent / link).exists()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = set(_TEST.findall(document.read_text()))

    assert set() == {(path, name) for path, name in named if not _exists(ROOT / path, name)}


def test_every_reason_is_explained() -> None:
    explained = re.findall(r"`(\w+)`", (ROOT / "docs" / "status.md").read_text())

    assert set() == set(Reason) - set(explained)


def test_each_control_is_shown_by_tests_that_are_named() -> None:
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    rows = [line for line in lines if re.fullmatch(r"\|(?! what could)[^|]+\|[^|]+\|[^|]+\|", line)]
    shown = {row: _TEST.findall(row.rpartition(" | ")[2]) for row in rows if "---" not in row}

    assert shown
    assert [] == [row for row, tests in shown.items() if not tests or "" in {name for _, name in tests}]


def _given_to_kubectl(document: Path) -> Iterator[Body]:
    """Yield the objects of a manifest, or those that a document tells the reader to apply."""
    text = document.read_text()
    found = re.findall(r"<<'YAML'\n(.*?)\n *YAML", text, re.DOTALL) if document.suffix == ".md" else [text]
    for part in found:
        yield from yaml.safe_load_all(textwrap.dedent(part))


_EXAMPLES = [ROOT / "README.md", *ROOT.glob("deploy/samples/*.yaml"), *ROOT.glob("deploy/examples/**/*.yaml")]
_ACCOUNTS = [
    pytest.param(body["spec"]["policy"], id=str(path.relative_to(ROOT)))
    for path in sorted(_EXAMPLES)
    for body in _given_to_kubectl(path)
    if body["kind"] == "ClusterMailtrapAccount"
]


_OF_THE_OPERATOR = "deploy/samples/credential.yaml"
_GIVEN_TO_USERS = [policy for policy in _ACCOUNTS if policy.id != _OF_THE_OPERATOR]


@pytest.mark.parametrize("policy", _GIVEN_TO_USERS)
def test_an_example_of_an_account_names_what_it_gives_and_gives_nobody_the_account(policy: Body) -> None:
    assert policy["allowedNamespaces"]["names"]
    assert "*" not in policy["allowedNamespaces"]["names"]
    assert policy["allowedResources"]
    assert "account" not in {resource["type"] for resource in policy["allowedResources"]}
    assert {"maxAccessLevel", "maxLifetime"} <= policy.keys()


def test_there_are_such_examples() -> None:
    assert len(_GIVEN_TO_USERS) == 4


def test_only_the_operators_own_namespace_is_given_the_account() -> None:
    account, api_token = yaml.safe_load_all((ROOT / _OF_THE_OPERATOR).read_text())

    assert "allowedNamespaces" not in account["spec"]["policy"]
    assert account["metadata"]["name"] == api_token["spec"]["accountRef"]["name"]
    assert account["spec"]["credentialsSecretRef"]["name"] == api_token["spec"]["secretName"]


def _shown(document: Path) -> Iterator[Body]:
    """Yield the objects of a manifest, or all that a document shows, be it to read or to apply."""
    text, is_document = document.read_text(), document.suffix == ".md"
    parts = re.findall(r"```yaml\n(.*?)```|<<'\w+'\n(.*?)\n *(?:YAML|EOF)\n", text, re.DOTALL)
    for part in ["".join(each) for each in parts] if is_document else [text]:
        yield from filter(None, yaml.safe_load_all(textwrap.dedent(part)))


_API_TOKENS = [
    pytest.param(body, id=f"{path.relative_to(ROOT)} {number}")
    for path in sorted({*_EXAMPLES, *DOCUMENTS})
    for number, body in enumerate(_shown(path))
    if body.get("kind") == "ApiToken"
]


@pytest.mark.parametrize("body", _API_TOKENS)
def test_an_example_of_an_api_token_can_be_read_and_says_when_the_token_expires(body: Body) -> None:
    spec = ApiTokenSpec.model_validate(body["spec"], by_alias=True, by_name=False)

    assert "policy" in body["spec"]["expiration"]
    ids = {resource.id for resource in spec.resources if resource.type != "account"}
    assert not ids & {3229}, "the id of the example's account"


def test_no_document_shows_a_fragment_of_an_api_token() -> None:
    assert _API_TOKENS
    assert [] == [path.name for path in DOCUMENTS for body in _shown(path) if {"spec"} == body.keys()]


def _exists(path: Path, name: str) -> bool:
    return path.exists() and re.search(rf"\bdef {name}\b" if name else "", path.read_text()) is not None
