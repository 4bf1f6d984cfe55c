"""Workloads move to a new value before the old token goes: real rollouts, with pods placed by the real scheduler."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Kube
from tests.e2e.workloads import KINDS, NODES, Kind, Workload, held
from tests.e2e.world import World, eventually, served

ROTATION = {"strategy": "Replace", "overlap": "1s"}


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, nodes: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("consumers")) as world:
        yield world


def put(world: World, name: str, *targets: dict[str, Any], **more: Any) -> str:
    """Apply an ApiToken with workloads to restart and wait for its value."""
    world.put_api_token(name, **{"rotation": ROTATION, "rolloutRestartTargets": list(targets), **more})
    return world.becomes_ready(name)


def a_consumer(world: World, kind: Kind, name: str, **more: Any) -> Workload:
    """Return a workload that is rolled out."""
    workload = Workload(world, kind, name, secret=name, **more)
    workload.is_rolled_out()
    return workload


def restarted_for(workload: Workload) -> list[str]:
    """Return the ids of the tokens that the pod template names."""
    marks = workload.annotations().items()
    return [id_ for name, id_ in marks if name.startswith("mailtrap-operator.io/token-of-")]


def rotate(world: World, name: str, request: str) -> str:
    """Ask for a rotation; return the id of the new token."""
    world.request_rotation(name, request)
    eventually(lambda: world.status(name).get("lastHandledRotateRequest") == request, "it is rotated")
    return str(world.status(name)["tokenId"])


def waits_for(world: World, name: str) -> list[str]:
    return [previous["waitsFor"] for previous in world.status(name).get("previous", [])]


@pytest.mark.parametrize("kind", KINDS)
def test_the_old_token_goes_after_the_workload_has_moved(world: World, kind: Kind) -> None:
    name = f"moves-{kind.lower()}"
    consumer = a_consumer(world, kind, name)
    old = put(world, name, {"kind": kind, "name": name})
    assert [] == restarted_for(consumer), "the first value restarts nothing"

    with held(world.cluster):
        token_id = rotate(world, name, "now")
        eventually(lambda: [token_id] == restarted_for(consumer), "the workload is restarted")
        consumer.begins_to_roll_out()
        message = world.becomes(name, "Restarting", "RolloutRestart")["message"]
        assert f"{kind} {name}" in message
        assert "True" == world.condition(name)["status"]
        assert ["Consumers"] == waits_for(world, name)
        assert world.works(old)

    consumer.is_rolled_out()
    eventually(lambda: not world.works(old), "the old token is deleted")
    eventually(lambda: not world.condition(name, "RolloutRestart"), "the condition goes")
    assert world.works(world.value(name))
    assert [] == world.strays(name)


def test_the_old_token_stays_while_a_pod_that_is_ending_may_use_it(world: World) -> None:
    consumer = a_consumer(world, "Deployment", "lingers")
    old = put(world, "lingers", {"kind": "Deployment", "name": "lingers"})

    with held(world.cluster):
        token_id = rotate(world, "lingers", "now")
        eventually(lambda: [token_id] == restarted_for(consumer), "the workload is restarted")
        consumer.moves_to(NODES[1])
        eventually(lambda: consumer.body()["status"]["replicas"] == 2, "its counts contain no former pod")
        world.kube.merge(world.api_token_path("lingers"), {"metadata": {"labels": {"look": "again"}}})
        eventually(
            lambda: (
                "former pods still terminating" in world.condition("lingers", "RolloutRestart")["message"]
            ),
            "the condition reports the pods that are ending",
        )
        assert ["Consumers"] == waits_for(world, "lingers")
        assert world.works(old)

    eventually(lambda: not world.works(old), "the old token is deleted")


def test_two_rotations_in_a_row_end_on_the_newest_value(world: World) -> None:
    consumer = a_consumer(world, "Deployment", "twice")
    put(world, "twice", {"kind": "Deployment", "selector": {"matchLabels": {"uses": "twice"}}})
    world.kube.merge(consumer.path, {"metadata": {"labels": {"uses": "twice"}}})

    rotate(world, "twice", "one")
    newest = rotate(world, "twice", "two")

    eventually(lambda: [newest] == restarted_for(consumer), "the newest value is restarted for")
    consumer.is_rolled_out()
    eventually(lambda: not world.status("twice").get("previous"), "all old tokens are deleted")


def test_a_paused_rollout_is_said_and_keeps_the_old_token(world: World) -> None:
    consumer = a_consumer(world, "Deployment", "paused")
    put(world, "paused", {"kind": "Deployment", "name": "paused"})
    world.kube.merge(consumer.path, {"spec": {"paused": True}})

    token_id = rotate(world, "paused", "now")

    eventually(lambda: [token_id] == restarted_for(consumer), "the workload is restarted")
    eventually(
        lambda: "paused" in world.condition("paused", "RolloutRestart").get("message", "").partition(":")[2],
        "the condition says that it is paused",
    )
    assert ["Consumers"] == waits_for(world, "paused")
    world.kube.merge(consumer.path, {"spec": {"paused": False}})
    eventually(lambda: not world.status("paused").get("previous"), "the old token is deleted")
