"""Tokens whose ApiToken is gone: reported, deleted only where that is asked for, and nothing else is ever touched."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import account_path, condition_of, force_delete, look_at, status_of
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.kube import Body, Kube
from tests.e2e.world import FAST, INSTALLATION, World, eventually

TAG = f"[k8s:{INSTALLATION}-nobodyaaaa-abcdefgh]"
RESOURCES = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]


# The operators here see all namespaces, so nothing of other tests may be there.
@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_with_crds(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kube(cluster: Cluster) -> Iterator[Kube]:
    kube = Kube(cluster.kubeconfig)
    yield kube
    kube.close()


def put_orphan(world: World, name: str = f"lost {TAG}") -> int:
    """Have a token that belongs to nobody; return its id."""
    made = world.simulator.control("POST", "tokens", {"name": name, "resources": RESOURCES})
    return int(made["id"])


def set_policy(world: World, policy: str) -> None:
    world.kube.merge(account_path(world), {"spec": {"orphanPolicy": policy}})


def make_old(world: World, *ids: int) -> None:
    """Have it on record that tokens have been orphans for more than a day."""
    seen_at = (datetime.now(UTC) - timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%SZ")
    record = [{"id": id_, "lastFour": "0000", "seenAt": seen_at} for id_ in ids]
    world.kube.merge(f"{account_path(world)}/status", {"status": {"orphans": record}})


def found(world: World) -> Body:
    return condition_of(world, "OrphansFound")


def orphans(world: World) -> list[int]:
    return [orphan["id"] for orphan in status_of(world).get("orphans", [])]


def living(world: World) -> set[int]:
    return {token["id"] for token in world.living()}


def test_a_token_whose_object_is_gone_is_reported_and_deleted_when_its_day_is_over(world: World) -> None:
    with world.operator(sees_all=True):
        for name in ("kept", "lost"):
            world.put_api_token(name)
            world.becomes_ready(name)
    lost, kept = (world.status(name)["current"]["id"] for name in ("lost", "kept"))
    force_delete(world.kube, world.api_token_path("lost"))
    world.put_foreign_token("laptop")
    world.put_foreign_token("mailer [k8s:elsewh-nobodyaaaa-abcdefgh]")

    with world.operator(sees_all=True):
        condition = eventually(lambda: found(world), "the orphan is reported")
        assert ("True", "Orphaned") == (condition["status"], condition["reason"])
        assert f"belong to no ApiToken: {lost}. " in condition["message"]
        (orphan,) = status_of(world)["orphans"]
        assert lost == orphan["id"]
        assert orphan["name"].startswith(f"{world.namespace}/lost [k8s:{INSTALLATION}-")
        assert timedelta(minutes=2) > datetime.now(UTC) - datetime.fromisoformat(orphan["seenAt"])

        set_policy(world, "Delete")
        eventually(lambda: "seen so for 1d" in found(world)["message"], "it says what will happen")
        look_at(world)
        assert {lost, kept} == living(world)

        make_old(world, lost, kept)
        look_at(world)
        eventually(lambda: living(world) == {kept}, "the orphan is deleted")
        eventually(lambda: (orphans(world), found(world)) == ([], {}), "nothing is reported any more")
        assert ["delete"] == world.operations(0)[-1:]
        about = f"involvedObject.kind=ClusterMailtrapAccount,involvedObject.name={world.account}"
        events = (world.kube.get("/api/v1/namespaces/default/events", fieldSelector=about) or {})["items"]
        assert 1 == sum(f"Token {lost} (…" in event["message"] for event in events)

    assert [] == world.tripped()
    assert world.works(world.value("kept"))


def test_a_restart_takes_nobody_for_an_orphan_and_writes_nothing(world: World) -> None:
    with world.operator(sees_all=True):
        for number in range(5):
            world.put_api_token(f"served-{number}")
        for number in range(5):
            world.becomes_ready(f"served-{number}")
        look_at(world)

    before = len(world.calls("list"))
    with world.operator(sees_all=True, user="second"):
        eventually(lambda: len(world.calls("list")) > before + 1, "the account is listed twice")

    assert [] == world.writes("second")


def test_an_operator_that_sees_only_some_namespaces_neither_reports_nor_deletes(world: World) -> None:
    set_policy(world, "Delete")
    orphan = put_orphan(world)
    make_old(world, orphan)

    with world.operator():
        eventually(lambda: orphans(world) == [], "what others have reported is not known here")
        look_at(world)

    assert {} == found(world)
    assert {orphan} == living(world)


def test_an_operator_that_only_plans_reports_and_deletes_nothing(world: World) -> None:
    set_policy(world, "Delete")
    orphan = put_orphan(world)
    make_old(world, orphan)

    with world.operator("--dry-run", "true", *FAST, sees_all=True):
        eventually(lambda: "only plans (DRY_RUN)" in found(world).get("message", ""), "it says so")
        look_at(world)

    assert [] == world.operations(0)
    assert {orphan} == living(world)


def test_a_refusal_is_told_and_tried_again(world: World) -> None:
    set_policy(world, "Delete")
    first, second = put_orphan(world), put_orphan(world)
    make_old(world, first, second)
    world.fault("delete", "status", status=403)

    with world.operator(sees_all=True):
        eventually(lambda: found(world).get("reason") == "DeletionRefused", "the refusal is told")
        assert f"Token {first} may not be deleted." in found(world)["message"]
        assert {first} == living(world)
        eventually(lambda: living(world) == set(), "the next pass deletes it")
        eventually(lambda: found(world) == {}, "nothing is reported any more")


def test_tokens_that_are_retained_are_no_orphans(world: World) -> None:
    with world.operator(sees_all=True):
        world.put_api_token("retained", deletionPolicy="Retain")
        value = world.becomes_ready("retained")
        (token,) = living(world)
        set_policy(world, "Delete")
        world.delete_api_token("retained")
        world.is_gone("retained")
        make_old(world, token)
        look_at(world)
        eventually(lambda: orphans(world) == [], "the record is dropped")

    assert {} == found(world)
    assert world.works(value)
    assert 1 == len(status_of(world)["retained"])


def test_an_object_that_is_being_deleted_still_owns_its_tokens(world: World) -> None:
    with world.operator(sees_all=True):
        world.put_api_token("leaving")
        value = world.becomes_ready("leaving")
        (token,) = living(world)
        set_policy(world, "Delete")
        world.fault("delete", "status", times="forever", status=403)
        world.delete_api_token("leaving")
        world.becomes("leaving", "DeletionRefused")
        make_old(world, token)
        look_at(world)
        eventually(lambda: orphans(world) == [], "the record is dropped")

        assert {} == found(world)
        assert world.works(value)
        world.clear_faults()
        world.is_gone("leaving")
