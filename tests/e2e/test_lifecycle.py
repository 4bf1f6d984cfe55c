"""The main line: a Secret appears, follows the spec, and is cleaned up, with nothing remote done in vain."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, Account, is_free, is_held
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


def test_a_secret_that_is_deleted_comes_back_with_another_value(world: World) -> None:
    world.put_api_token("lost")
    old = world.becomes_ready("lost")
    before = world.last_call()

    world.kube.delete(world.secret_path("lost"))

    eventually(lambda: world.value("lost") not in {None, old}, "there is a new value")
    assert world.works(world.becomes_ready("lost"))
    assert ["reset"] == world.operations(before)
    assert world.works(old)
    assert [] == world.strays("lost")


def test_an_account_is_held_from_its_first_token_to_its_last(world: World) -> None:
    account = Account(world, "used")
    account.put()
    held = {account.path: ACCOUNT_FINALIZER, account.secret_path: CREDENTIAL_FINALIZER}
    world.put_api_token("user", accountRef=world.account_ref(account.name))
    world.becomes_ready("user")
    for path, finalizer in held.items():
        is_held(world, path, finalizer)

    world.delete_api_token("user")

    world.is_gone("user")
    for path in held:
        is_free(world, path)


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
