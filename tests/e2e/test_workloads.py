"""Workloads on the real scheduler and controllers: they roll out, and the operator's client judges them rightly."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.aio import config

from local_cluster import Cluster
from mailtrap_operator.api.v1alpha1 import RestartTarget
from mailtrap_operator.clients.errors import Conflict
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core import workloads as seen
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.kube import Kube
from tests.e2e.patience import PATIENCE
from tests.e2e.workloads import KINDS, NODES, Kind, Workload, held
from tests.e2e.world import CREDENTIAL, World

RESTARTED = "mailtrap-operator.io/restarted-for"
ON_DELETE = {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}
PARTITION = {"updateStrategy": {"rollingUpdate": {"partition": 1}}}

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, nodes: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Provide one world without an operator for all tests of this file; each has workloads of its own."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        yield World(cluster, kube, simulator, tmp_path_factory.mktemp("workloads"))


@pytest.fixture
async def store(world: World) -> AsyncIterator[WorkloadClient]:
    """Provide the operator's client, as the administrator."""
    api = await config.new_client_from_config(str(world.cluster.kubeconfig))
    client = KubeClient(api, timedelta(seconds=10))
    yield WorkloadClient(client)
    await client.close()


def a_workload(world: World, kind: Kind, name: str, **more: Any) -> Workload:
    """Return a workload that is rolled out."""
    workload = Workload(world, kind, f"{name}-{kind.lower()}", secret="billing", **more)
    workload.is_rolled_out()
    return workload


async def read(store: WorkloadClient, world: World, workload: Workload) -> seen.Workload:
    (found,) = await store.read(
        world.namespace, [RestartTarget(kind=workload.kind, name=workload.name)], RESTARTED
    )
    assert isinstance(found, seen.Workload)
    return found


async def says(store: WorkloadClient, world: World, workload: Workload, words: str | None) -> None:
    """Wait until the rollout of a workload is judged with these words; the time only bounds a failure."""
    deadline = time.monotonic() + PATIENCE
    while (found := (await read(store, world, workload)).rollout) != words:
        assert time.monotonic() < deadline, f"not {words!r} but {found!r}"
        await asyncio.sleep(0.05)


def uids(workload: Workload) -> set[str]:
    return {pod["metadata"]["uid"] for pod in workload.pods()}


@each_kind
def test_pods_get_ready_and_a_new_template_replaces_them_all(world: World, kind: Kind) -> None:
    workload = a_workload(world, kind, "plain")
    before = uids(workload)

    workload.restart("once")
    workload.is_rolled_out()

    pods = workload.pods()
    assert not before & uids(workload)
    assert ["once"] * len(pods) == [pod["metadata"]["annotations"]["restarted"] for pod in pods]
    assert {NODES[0]} == {pod["spec"]["nodeName"] for pod in pods}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Deployment", "1 of 2 pods are updated"),
        ("StatefulSet", "0 of 2 pods are updated"),
        ("DaemonSet", "0 of 1 pods are updated"),
    ],
)
async def test_a_rollout_that_is_held_waits_while_another_continues_and_finishes_later(
    world: World, store: WorkloadClient, kind: Kind, words: str
) -> None:
    workload = a_workload(world, kind, "held")
    before = uids(workload)

    with held(world.cluster):
        workload.restart("once")
        workload.begins_to_roll_out()
        a_workload(world, kind, "free", node=NODES[1]).delete()
        await says(store, world, workload, words)
        assert before & uids(workload)

    workload.is_rolled_out()
    await says(store, world, workload, None)
    assert not before & uids(workload)


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        pytest.param(
            "Deployment",
            {"paused": True},
            "0 of 2 pods are updated; the rollout is paused: resume it",
            id="a paused Deployment",
        ),
        pytest.param(
            "StatefulSet",
            PARTITION,
            "1 of 2 pods are updated; the partition 1 of its update strategy holds former pods back",
            id="a StatefulSet with a partition",
        ),
        pytest.param(
            "StatefulSet",
            ON_DELETE,
            "0 of 2 pods are updated; the update strategy is OnDelete: delete the former pods",
            id="a StatefulSet with OnDelete",
        ),
        pytest.param(
            "DaemonSet",
            ON_DELETE,
            "0 of 1 pods are updated; the update strategy is OnDelete: delete the former pods",
            id="a DaemonSet with OnDelete",
        ),
    ],
)
async def test_blocked_rollout_names_its_cause(
    world: World, store: WorkloadClient, kind: Kind, change: dict[str, Any], words: str
) -> None:
    workload = a_workload(world, kind, f"kept-{len(str(change))}")
    world.kube.merge(workload.path, {"spec": change})
    workload.restart("once")

    await says(store, world, workload, words)


async def test_new_pods_that_do_not_get_ready_in_time_are_said(world: World, store: WorkloadClient) -> None:
    workload = a_workload(world, "Deployment", "late")
    world.kube.merge(workload.path, {"spec": {"progressDeadlineSeconds": 1}})

    with held(world.cluster):
        workload.restart("once")
        late = "the progress deadline is exceeded: see why its new pods do not get ready"
        await says(store, world, workload, f"1 of 2 pods are updated; {late}")

    await says(store, world, workload, None)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
async def test_with_on_delete_a_rollout_is_finished_when_the_pods_were_deleted(
    world: World, store: WorkloadClient, kind: Kind
) -> None:
    workload = a_workload(world, kind, "by-hand")
    world.kube.merge(workload.path, {"spec": ON_DELETE})
    workload.restart("once")

    world.cluster.kubectl("--namespace", world.namespace, "delete", "pods", "-l", f"app={workload.name}")

    await says(store, world, workload, None)


@each_kind
async def test_the_operators_restart_replaces_all_pods_and_a_stale_one_does_nothing(
    world: World, store: WorkloadClient, kind: Kind
) -> None:
    workload = a_workload(world, kind, "ours")
    before, stale = uids(workload), await read(store, world, workload)

    await store.restart(world.namespace, stale, RESTARTED, 7)

    workload.is_rolled_out()
    await says(store, world, workload, None)
    assert 7 == (await read(store, world, workload)).restarted_for
    assert not before & uids(workload)
    with pytest.raises(Conflict):
        await store.restart(world.namespace, stale, RESTARTED, 8)
    assert {RESTARTED: "7"} == workload.annotations()


async def test_targets_are_found_by_name_and_by_labels(world: World, store: WorkloadClient) -> None:
    labels = {"example.com/team": "shop", "tier": "web"}
    for name in ("one", "two"):
        Workload(world, "Deployment", name, secret="billing", labels=labels)
    Workload(world, "Deployment", "three", secret="billing", labels={"tier": "web"})
    target = {"kind": "Deployment", "selector": {"matchLabels": labels}}

    found = await store.read(
        world.namespace,
        [RestartTarget.model_validate(target), RestartTarget(kind="DaemonSet", name="one")],
        RESTARTED,
    )

    assert ["one", "two"] == [each.name for each in found if isinstance(each, seen.Workload)]
    assert seen.MissingTarget("DaemonSet one does not exist.") == found[-1]
