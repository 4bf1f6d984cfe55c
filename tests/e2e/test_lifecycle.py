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
NEVER = {"policy": "Never"}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("lifecycle")) as world:
        yield world


def after(duration: str) -> Body:
    return {"policy": "After", "after": duration}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def texts(secret: Body | None) -> dict[str, str]:
    data = (secret or {}).get("data") or {}
    return {key: base64.b64decode(text).decode() for key, text in data.items()}


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
        world.put_api_token("dated", expiration=after("2h"))
        world.put_api_token("rotated")
        for name in ("plain", "dated", "rotated"):
            world.becomes_ready(name)
        world.put_api_token("rotated", expiration=NEVER)
        world.becomes_ready("rotated")
    before = world.last_call()

    with world.operator(user="second"):
        eventually(lambda: world.last_call() > before, "the account is listed")
        world.put_api_token("marker")
        world.becomes_ready("marker")

    assert ["create"] == world.operations(before)
    # A created Event or Secret has no name in the audit log; those can only be the marker's.
    assert {"marker"} == {write["objectRef"].get("name", "marker") for write in world.writes("second")}
    assert ["FirstToken"] == [event["reason"] for event in world.events("plain")]


FORMS = {
    "a key is renamed": {"data": {"MAILTRAP_API_TOKEN": "${token}"}},
    "a key is added": {"data": {"token": "${token}", "url": "smtp://api:${token}@live.smtp.mailtrap.io"}},
    "a label comes": {"metadata": {"labels": {"team": "billing", "old": "yes"}}},
    "a label goes": {"metadata": {"labels": {}}},
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

    wanted = {"token": "${token}"} if "data" not in form else form["data"]
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


def test_labels_and_annotations_of_the_api_token_change_nothing_at_all(world: World) -> None:
    world.put_api_token("labelled")
    world.becomes_ready("labelled")
    before, writes = world.last_call(), len(world.writes())

    metadata = {"labels": {"team": "billing"}, "annotations": {"note": "hello"}}
    world.kube.merge(world.api_token_path("labelled"), {"metadata": metadata})
    world.put_api_token("later")
    world.becomes_ready("later")

    assert ["create"] == world.operations(before)
    later = {write["objectRef"].get("name", "later") for write in world.writes()[writes:]}
    assert {"later"} == later


def test_a_changed_expiration_leads_to_one_reset_and_the_old_value_still_works(world: World) -> None:
    world.put_api_token("dated")
    old = world.becomes_ready("dated")
    before = world.last_call()

    world.put_api_token("dated", expiration=after("720h"))

    new = world.becomes_ready("dated")
    assert ["reset"] == world.operations(before)
    assert old != new
    assert world.works(old)
    assert world.works(new)
    assert [] == world.strays("dated")


def test_changed_permissions_lead_to_one_replacement_and_the_old_token_goes_after_its_overlap(
    world: World,
) -> None:
    world.put_api_token("granted", rotation={"overlap": "3s"})
    old = world.becomes_ready("granted")
    before = world.last_call()

    world.put_api_token("granted", rotation={"overlap": "3s"}, resources=SANDBOX)

    eventually(lambda: not world.works(old), "the old token is dead")
    assert ["create", "delete"] == world.operations(before)
    assert world.works(world.becomes_ready("granted"))
    assert [] == world.strays("granted")
    (probe,) = [call for call in world.calls("accounts") if before < call["seq"] and call["status"] == 200]
    (delete,) = [call for call in world.calls("delete") if before < call["seq"]]
    # The new value is published after it was probed; only from then on does the overlap count.
    assert moment(probe["time"]) + timedelta(seconds=3) <= moment(delete["time"])


def test_the_old_token_is_on_record_during_its_overlap(world: World) -> None:
    world.put_api_token("overlapping")
    old = world.becomes_ready("overlapping")
    (token,) = world.tokens_of("overlapping")

    world.put_api_token("overlapping", resources=SANDBOX)

    world.becomes_ready("overlapping")
    assert [token["id"]] == [previous["id"] for previous in world.status("overlapping")["previous"]]
    assert world.works(old)


def test_a_token_is_renewed_before_it_expires(world: World) -> None:
    before = world.last_call()
    world.put_api_token("renewed", expiration=after("1m"), rotation={"renewBefore": "55s"})
    old = world.becomes_ready("renewed")

    new = eventually(lambda: (v := world.value("renewed")) != old and v, "the token is renewed")

    assert ["create", "reset"] == world.operations(before)[:2]
    assert world.works(old)
    assert world.works(new)
    world.delete_api_token("renewed")
    world.is_gone("renewed")
    assert [] == world.tokens_of("renewed")


def test_a_token_that_is_gone_or_expired_remotely_is_issued_anew(world: World) -> None:
    old, ids = {}, {}
    for name in ("vanished", "expired"):
        world.put_api_token(name)
        old[name] = world.becomes_ready(name)
        (ids[name],) = [token["id"] for token in world.tokens_of(name)]
    before = world.last_call()

    world.simulator.control("DELETE", f"tokens/{ids['vanished']}")
    world.simulator.control("POST", f"tokens/{ids['expired']}/expire")

    for name, value in old.items():
        eventually(lambda: world.value(name) != value, f"{name} has a new value")  # noqa: B023 - called at once
        assert world.works(world.becomes_ready(name))
        assert [] == world.strays(name)
    assert ["create", "create"] == world.operations(before)


def test_a_server_that_knows_no_expiry_works_too(world: World) -> None:
    world.put_api_token("aged", expiration=after("2h"))
    world.becomes_ready("aged")
    assert "expiresAt" in world.status("aged")["current"]
    before = world.last_call()
    world.simulator.control("POST", "settings", {"server": "old"})

    # Such a server refuses to reset a token that has an expiry.
    world.put_api_token("aged", expiration=after("3h"))
    assert world.works(world.becomes_ready("aged"))
    world.put_api_token("aged", expiration=after("4h"))
    assert world.works(world.becomes_ready("aged"))

    world.simulator.control("POST", "settings", {"server": "new"})
    assert ["reset", "create", "reset"] == world.operations(before)
    assert "expiresAt" not in world.status("aged")["current"]
    assert [] == world.strays("aged")


def test_an_expiry_that_the_server_decides_on_is_renewed_in_time(world: World) -> None:
    world.simulator.control("POST", "settings", {"default_expiry": "365d"})
    world.put_api_token("default")
    world.becomes_ready("default")
    world.simulator.control("POST", "settings", {"default_expiry": "none"})

    status = world.status("default")
    issued, renewal = moment(status["current"]["issuedAt"]), moment(status["renewalTime"])
    assert issued < renewal < moment(status["current"]["expiresAt"])
    assert timedelta(days=365) <= moment(status["current"]["expiresAt"]) - issued + timedelta(minutes=1)


def test_a_suspended_api_token_is_left_alone_and_catches_up_later(world: World) -> None:
    world.put_api_token("paused")
    old = world.becomes_ready("paused")
    before = world.last_call()

    world.put_api_token("paused", suspend=True, expiration=after("720h"))
    world.becomes("paused", "Suspended")
    world.kube.delete(world.secret_path("paused"))
    world.put_api_token("meanwhile")
    world.becomes_ready("meanwhile")

    assert ["create"] == world.operations(before)
    assert world.secret("paused") is None
    world.put_api_token("paused", expiration=after("720h"))
    assert world.becomes_ready("paused") not in {None, old}
    assert ["create", "reset"] == world.operations(before)


def test_a_suspended_api_token_can_be_deleted(world: World) -> None:
    world.put_api_token("halted")
    value = world.becomes_ready("halted")
    world.put_api_token("halted", suspend=True)
    world.becomes("halted", "Suspended")

    world.delete_api_token("halted")

    world.is_gone("halted")
    assert not world.works(value)


def test_deletion_policy_retain_leaves_the_token_alive(world: World) -> None:
    world.put_api_token("retained", deletionPolicy="Retain")
    value = world.becomes_ready("retained")
    (token,) = world.tokens_of("retained")

    world.delete_api_token("retained")

    world.is_gone("retained")
    assert world.works(value)
    (event,) = [event for event in world.events("retained") if event["reason"] == "Retained"]
    assert str(token["id"]) in event["message"]


def test_creation_policy_orphan_leaves_the_secret(world: World) -> None:
    world.put_api_token("orphan", creationPolicy="Orphan")
    value = world.becomes_ready("orphan")

    world.delete_api_token("orphan")

    world.is_gone("orphan")
    assert value == world.value("orphan")
    assert not world.works(value)
    assert "ownerReferences" not in (world.secret("orphan") or {})["metadata"]


def test_a_deleted_api_token_leaves_nothing_behind(world: World) -> None:
    world.put_api_token("deleted")
    old = world.becomes_ready("deleted")
    world.put_api_token("deleted", expiration=NEVER)
    new = world.becomes_ready("deleted")

    world.delete_api_token("deleted")

    world.is_gone("deleted")
    assert not world.works(old)
    assert not world.works(new)
    assert [] == world.tokens_of("deleted")
    eventually(lambda: world.secret("deleted") is None, "the Secret is collected", seconds=90)
