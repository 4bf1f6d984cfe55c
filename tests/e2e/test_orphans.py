"""Tokens whose ApiToken is gone: reported, deleted only where that is asked for, and nothing else is ever touched."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import account_path, condition_of, force_delete, look_at, status_of
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.kube import Body, Kube
from tests.e2e.world import INSTALLATION, World, eventually


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
        eventually(lambda: "an orphan for 1d" in found(world)["message"], "it says what will happen")
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
