"""The main line: a Secret appears, follows the spec, and is cleaned up, with nothing remote done in vain."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess

SANDBOX = [{"type": "sandbox", "id": 7, "accessLevel": "Viewer"}]


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("lifecycle")) as world:
        yield world


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def lifetime(policy: str, after: str | None = None) -> Body:
    return {"policy": policy} | ({"after": after} if after else {})


def test_an_api_token_becomes_a_secret_with_a_working_token(world: World) -> None:
    before = world.last_call()
    world.put_api_token("created")

    value = world.becomes_ready("created")

    assert world.works(value)
    assert ["create"] == world.operations(before)
    assert [] == world.strays("created")


def test_a_restart_writes_nothing(
    cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    world = World(cluster, kube, simulator, tmp_path)
    with world.operator():
        world.put_api_token("plain")
        world.put_api_token("dated", expiration=lifetime("After", "2h"))
        world.put_api_token("rotated")
        for name in ("plain", "dated", "rotated"):
            world.becomes_ready(name)
        world.put_api_token("rotated", expiration=lifetime("Never"))
        world.becomes_ready("rotated")
    before = world.last_call()

    with world.operator(user="second"):
        eventually(lambda: world.last_call() > before, "the account is listed")
        world.put_api_token("marker")
        world.becomes_ready("marker")

    assert ["create"] == world.operations(before)
    assert {"marker"} == {about(write) for write in world.writes("second")}


def about(write: Body) -> str:
    """Return the name of the object that a write is about; Events and created Secrets do not tell it."""
    reference = write["objectRef"]
    return str(reference.get("name", "marker")).partition(".")[0]


FORMS = {
    "a key is renamed": {"data": {"MAILTRAP_API_TOKEN": "${token}"}},
    "a key is added": {"data": {"token": "${token}", "url": "smtp://api:${token}@live.smtp.mailtrap.io"}},
    "labels come and go": {"metadata": {"labels": {"team": "billing"}}},
    "annotations come and go": {"metadata": {"annotations": {"note": "hello"}}},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_same_value_takes_a_new_form(world: World, form: Body, request: pytest.FixtureRequest) -> None:
    name = f"form-{list(FORMS.values()).index(form)}"
    world.put_api_token(name, secretTemplate={"metadata": {"labels": {"old": "yes"}, "annotations": {"was": "here"}}})
    value = world.becomes_ready(name)
    before = world.last_call()
    theirs = {"labels": {"their": "label"}, "annotations": {"their": "annotation"}}
    world.kube.merge(world.secret_path(name), {"data": {"their": "a2V5"}, "metadata": theirs})

    world.put_api_token(name, secretTemplate=form)

    template = {"data": {"token": "${token}"}, "metadata": {}} | form
    wanted = {key: text.replace("${token}", value) for key, text in template["data"].items()} | {"their": "key"}
    eventually(lambda: wanted == data(world, name), "the Secret has the new form")
    world.becomes_ready(name)
    metadata = (world.secret(name) or {})["metadata"]
    managed = {"app.kubernetes.io/managed-by": "mailtrap-operator"}
    assert template["metadata"].get("labels", {}) | theirs["labels"] | managed == metadata["labels"]
    foreign = {key: text for key, text in metadata["annotations"].items() if "mailtrap-operator.io/" not in key}
    assert template["metadata"].get("annotations", {}) | theirs["annotations"] == foreign
    assert [] == world.operations(before)
