"""A resource type has two spellings; a server may know both or one, and answers with its own."""

from typing import Any

import pytest

from mailtrap_simulator.settings import Settings, Types
from tests.unit.simulator.harness import ADMIN, Answer, Harness

ID = 4000
CREDENTIAL = "k" * 32
TREE = [
    {
        "id": 4,
        "name": "shop",
        "type": "project",
        "resources": [{"id": 5, "name": "main", "type": "inbox"}],
    },
    {"id": 6, "name": "shop.example", "type": "domain"},
]
NOT_INCLUDED = {"errors": {"resource_type": ["is not included in the list"]}}


def harness_of(types: Types) -> Harness:
    """The bench with one more account, whose resources are known."""
    harness = Harness(Settings(types=types))
    harness.control("POST", "accounts", {"id": ID, "credential": CREDENTIAL, "resources": TREE})
    return harness


def create(harness: Harness, kind: str, id_: int, credential: str = CREDENTIAL) -> Answer:
    resource = {"resource_type": kind, "resource_id": id_, "access_level": 100}
    return harness.call("POST", "/api/api_tokens", {"name": "x", "resources": [resource]}, credential)


def types_of(nodes: Any) -> list[str]:
    return [type_ for node in nodes for type_ in (node["type"], *types_of(node["resources"]))]


@pytest.mark.parametrize(
    ("types", "answered"),
    [
        ("both", ["account", "project", "inbox", "domain"]),
        ("new", ["account", "project", "sandbox", "domain"]),
        ("old", ["account", "project", "inbox", "sending_domain"]),
    ],
)
def test_the_tree_has_the_servers_spelling(types: Types, answered: list[str]) -> None:
    tree = harness_of(types).call("GET", "/api/permissions/resources", credential=CREDENTIAL).json

    assert answered == types_of(tree)


@pytest.mark.parametrize(
    ("types", "kind", "id_", "status"),
    [
        *(("both", kind, id_, 200) for kind, id_ in [("inbox", 5), ("sandbox", 5), ("domain", 6)]),
        ("both", "sending_domain", 6, 200),
        ("new", "sandbox", 5, 200),
        ("new", "domain", 6, 200),
        ("new", "project", 4, 200),
        ("new", "account", ID, 200),
        ("old", "inbox", 5, 200),
        ("old", "sending_domain", 6, 200),
        ("old", "project", 4, 200),
        ("old", "account", ID, 200),
        *(("new", kind, id_, 422) for kind, id_ in [("inbox", 5), ("sending_domain", 6), ("billing", 1)]),
        *(("old", kind, id_, 422) for kind, id_ in [("sandbox", 5), ("domain", 6), ("billing", 1)]),
    ],
)
def test_a_server_of_one_spelling_refuses_the_other(types: Types, kind: str, id_: int, status: int) -> None:
    harness = harness_of(types)

    created = create(harness, kind, id_)

    assert status == created.status
    if status == 422:
        assert NOT_INCLUDED == created.json
    else:
        shown = harness.call("GET", f"/api/api_tokens/{created.json['id']}", credential=CREDENTIAL).json
        assert [kind] == [entry["resource_type"] for entry in shown["resources"]]


@pytest.mark.parametrize(("types", "answered"), [("both", "inbox"), ("new", "sandbox"), ("old", "inbox")])
def test_tokens_of_the_other_spelling_are_answered_in_the_servers_own(types: Types, answered: str) -> None:
    harness = Harness()
    token = create(harness, "inbox", 5, ADMIN).json
    harness.control("POST", "settings", {"types": types})

    for shown in (
        harness.call("GET", f"/api/api_tokens/{token['id']}").json,
        harness.call("GET", "/api/api_tokens").json[-1],
        harness.reset(token["id"]).json,
    ):
        assert [answered] == [entry["resource_type"] for entry in shown["resources"]]


def test_a_credential_has_its_permissions_in_either_spelling() -> None:
    harness = Harness(Settings(unprivileged_list="short"))
    token = create(harness, "inbox", 5, ADMIN).json
    own = {"resource_type": "sandbox", "resource_id": 5, "access_level": 100}
    credential = harness.control("POST", "credentials", {"resources": [own]})

    assert {token["id"], credential["id"]} == set(harness.ids(credential["token"]))
