"""The Secret takes the form that the spec gives it, with the same value, and nothing remote is done for it."""

import base64
from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("form")) as world:
        yield world


def texts(secret: Body | None) -> dict[str, str]:
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(text).decode() for key, text in data.items()}


FORMS: dict[str, Body] = {
    "a key is renamed": {"data": {"MAILTRAP_API_TOKEN": "${token}"}},
    "a key is added": {"data": {"token": "${token}", "url": "smtp://api:${token}@live.smtp.mailtrap.io"}},
    "a label comes": {"metadata": {"labels": {"team": "billing", "old": "yes"}}},
    "a label goes": {"data": {"token": "${token}"}},
    "an annotation changes": {"metadata": {"labels": {"old": "yes"}, "annotations": {"note": "hello"}}},
}


@pytest.mark.parametrize("name", FORMS)
def test_the_same_value_takes_a_new_form_and_what_others_added_survives(world: World, name: str) -> None:
    form, name = FORMS[name], name.replace(" ", "-")
    world.put_api_token(name, secretTemplate={"metadata": {"labels": {"old": "yes"}}})
    value = world.becomes_ready(name)
    theirs = {"labels": {"their": "label"}, "annotations": {"their": "annotation"}}
    world.kube.merge(world.secret_path(name), {"data": {"their": "a2V5"}, "metadata": theirs})
    before = world.last_call()

    world.put_api_token(name, secretTemplate=form)

    wanted = form.get("data", {"token": "${token}"})
    filled = {key: text.replace("${token}", value) for key, text in wanted.items()}
    metadata = form.get("metadata", {})
    labels = {"app.kubernetes.io/managed-by": "mailtrap-operator", "their": "label"}
    annotations = {"their": "annotation"} | metadata.get("annotations", {})

    def is_as_wanted() -> bool:
        secret = world.secret(name) or {}
        shown = secret["metadata"]["annotations"].items()
        return (
            texts(secret) == filled | {"their": "key"}
            and secret["metadata"]["labels"] == labels | metadata.get("labels", {})
            and {key: text for key, text in shown if "mailtrap-operator.io/" not in key} == annotations
        )

    eventually(is_as_wanted, f"the Secret has the new form: {form}")
    assert [] == world.operations(before)


def test_the_same_value_moves_to_a_renamed_secret(world: World) -> None:
    world.put_api_token("moving")
    value = world.becomes_ready("moving")
    before = world.last_call()

    world.put_api_token("moving", secretName="moved")

    eventually(lambda: world.secret("moving") is None, "the former Secret is gone")
    assert value == world.becomes_ready("moving")
    assert value == world.value("moved")
    assert [] == world.operations(before)


def test_the_creation_policy_decides_on_the_owner_reference_at_any_time(world: World) -> None:
    def owners() -> list[str]:
        references = (world.secret("owned") or {})["metadata"].get("ownerReferences", [])
        return [reference["name"] for reference in references]

    world.put_api_token("owned")
    value = world.becomes_ready("owned")
    before = world.last_call()
    assert ["owned"] == owners()

    world.put_api_token("owned", creationPolicy="Orphan")
    eventually(lambda: owners() == [], "the Secret is orphaned")
    world.put_api_token("owned", creationPolicy="Owner")
    eventually(lambda: owners() == ["owned"], "the Secret is owned again")

    assert value == world.becomes_ready("owned")
    assert [] == world.operations(before)


def test_creation_policy_orphan_leaves_the_secret(world: World) -> None:
    world.put_api_token("orphan", creationPolicy="Orphan")
    value = world.becomes_ready("orphan")

    world.delete_api_token("orphan")

    world.is_gone("orphan")
    assert value == world.value("orphan")
    assert not world.works(value)
    assert "ownerReferences" not in (world.secret("orphan") or {})["metadata"]
