"""The main line: a Secret appears, follows the spec, and is cleaned up, with nothing remote done in vain."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.aging import moment
from tests.e2e.kube import Body, Kube
from tests.e2e.modes import Mode
from tests.e2e.world import World, eventually, served

SANDBOX = [{"type": "sandbox", "id": 7, "accessLevel": "Viewer"}]
NEVER = {"policy": "Never"}


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("lifecycle"), mode) as world:
        yield world


def after(duration: str) -> Body:
    return {"policy": "After", "after": duration}


def test_an_api_token_becomes_a_secret_with_a_working_token(world: World) -> None:
    before = world.last_call()
    world.put_api_token("created")

    value = world.becomes_ready("created")

    assert world.works(value)
    assert ["create"] == world.operations(before)
    assert [] == world.strays("created")


def test_labels_and_annotations_of_the_api_token_change_nothing_at_all(world: World) -> None:
    world.put_api_token("labelled")
    world.becomes_ready("labelled")
    before, writes = world.last_call(), len(world.writes())

    metadata = {"labels": {"team": "billing"}, "annotations": {"note": "hello"}}
    world.kube.merge(world.api_token_path("labelled"), {"metadata": metadata})
    world.put_api_token("later")
    world.becomes_ready("later")

    assert ["create"] == world.operations(before)
    assert {"later"} == world.written(world.writes()[writes:])


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
    ours = [c for c in world.calls() if before < c["seq"] and c["user_agent"].startswith("mailtrap-operator")]
    (probe,) = [call for call in ours if call["operation"] == "accounts"]
    (delete,) = [call for call in ours if call["operation"] == "delete"]
    # The new value is published after it was probed; only from then on does the overlap count.
    assert moment(probe["time"]) + timedelta(seconds=3) <= moment(delete["time"])


def test_the_old_token_is_on_record_during_its_overlap(world: World) -> None:
    world.put_api_token("overlapping")
    old = world.becomes_ready("overlapping")
    (token,) = world.tokens_of("overlapping")

    world.put_api_token("overlapping", resources=SANDBOX)

    world.becomes_ready("overlapping")
    status = world.status("overlapping")
    (previous,) = status["previous"]
    assert token["id"] == previous["id"]
    assert timedelta(hours=12) <= moment(previous["deleteAfter"]) - moment(status["current"]["issuedAt"])
    assert world.works(old)


def test_a_token_is_renewed_before_it_expires(world: World) -> None:
    before = world.last_call()
    world.put_api_token("renewed", expiration=after("1m"), rotation={"renewBeforePercentage": 90})
    old = world.becomes_ready("renewed")

    eventually(lambda: world.value("renewed") != old, "the token is renewed")

    assert ["create", "reset"] == world.operations(before)[:2]
    assert world.works(old)
    assert world.works(world.value("renewed"))
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
    told = world.becomes("aged", "ExpirationNotGranted", "ExpirationDiffers")["message"]
    assert "which never expires. Set spec.rotation.every to have it replaced all the same." in told
    assert "TokenPublished" == world.condition("aged")["reason"]

    world.simulator.control("POST", "settings", {"server": "new"})
    assert ["reset", "create", "reset"] == world.operations(before)
    assert "expiresAt" not in world.status("aged")["current"]
    assert [] == world.strays("aged")


def test_an_expiry_that_the_server_decides_on_is_renewed_in_time(world: World) -> None:
    world.put_api_token("default")
    world.becomes_ready("default")

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
    world.put_api_token("going-on")
    world.becomes_ready("going-on")

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
    (event,) = eventually(lambda: world.events("retained", "Retained"), "an Event tells it")
    assert str(token["id"]) in event["message"]


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
    eventually(lambda: world.secret("deleted") is None, "the Secret is collected")
