"""Which workloads a target names, what is read of them, and how they are restarted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import RestartTarget, WorkloadKind
from mailtrap_operator.clients.errors import Conflict, Retryable, Terminal, Uncertain
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.workloads import MissingTarget, Workload
from tests.unit.clients.fake_kube import FakeKube

APPS = "/apis/apps/v1/namespaces/team"
RESTARTED = "mailtrap-operator.io/restarted-for"
PATHS: dict[WorkloadKind, str] = {
    "Deployment": f"{APPS}/deployments",
    "StatefulSet": f"{APPS}/statefulsets",
    "DaemonSet": f"{APPS}/daemonsets",
}
BILLING = RestartTarget(kind="Deployment", name="billing")


def workload(
    name: str = "billing",
    annotations: dict[str, str] | None = None,
    kind: WorkloadKind = "Deployment",
    **labels: str,
) -> dict[str, Any]:
    """Return a workload whose controller has nothing to do."""
    template = {"metadata": {"annotations": annotations}} if annotations else {}
    status = {"observedGeneration": 1, "currentRevision": "1", "updateRevision": "1"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": 0, "template": template},
        "status": status,
    }


def selecting(kind: WorkloadKind = "Deployment", **labels: str) -> RestartTarget:
    return RestartTarget.model_validate({"kind": kind, "selector": {"matchLabels": labels}})


class Harness:
    def __init__(self) -> None:
        self.kube = FakeKube()
        self.client = WorkloadClient(self.kube)

    async def read(self, *targets: RestartTarget) -> tuple[Workload | MissingTarget, ...]:
        return await self.client.read("team", targets, RESTARTED)

    async def names(self, *targets: RestartTarget) -> list[str]:
        return [each.name for each in await self.read(*targets) if isinstance(each, Workload)]

    async def billing(self) -> Workload:
        (found,) = await self.read(BILLING)
        assert isinstance(found, Workload)
        return found


async def test_a_workload_is_read_as_it_is() -> None:
    harness = Harness()
    stored = harness.kube.seed(PATHS["Deployment"], workload(annotations={RESTARTED: "7", "other": "8"}))

    assert (
        Workload(
            kind="Deployment",
            name="billing",
            resource_version=stored["metadata"]["resourceVersion"],
            created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
            restarted_for=7,
            rollout=None,
            uncounted=timedelta(seconds=30),
        ),
    ) == await harness.read(BILLING)


async def test_a_rollout_in_progress_is_read_in_words() -> None:
    harness = Harness()
    harness.kube.seed(PATHS["Deployment"], workload())
    harness.kube.edit(f"{PATHS['Deployment']}/billing", lambda body: body["spec"].update(replicas=2))

    assert "its controller has not taken up the latest change" == (await harness.billing()).rollout


@pytest.mark.parametrize(
    "annotations",
    [
        pytest.param(None, id="there is none"),
        pytest.param({"other": "7"}, id="there is another"),
        pytest.param({RESTARTED: ""}, id="it is empty"),
        pytest.param({RESTARTED: "seven"}, id="it is no number"),
        pytest.param({RESTARTED: "-7"}, id="it is no id"),
        pytest.param({RESTARTED: "7" * 20}, id="it is longer than an id"),
    ],
)
async def test_a_workload_that_was_never_restarted_by_us(annotations: dict[str, str] | None) -> None:
    harness = Harness()
    harness.kube.seed(PATHS["Deployment"], workload(annotations=annotations))

    assert None is (await harness.billing()).restarted_for


@pytest.mark.parametrize("kind", PATHS)
async def test_each_kind_is_read_by_name_and_by_labels(kind: WorkloadKind) -> None:
    harness = Harness()
    for each, path in PATHS.items():
        harness.kube.seed(path, workload(kind=each, app="shop"))

    by_name = await harness.read(RestartTarget(kind=kind, name="billing"))
    by_label = await harness.read(selecting(kind, app="shop"))

    assert [(kind, None)] == [(each.kind, each.rollout) for each in by_name if isinstance(each, Workload)]
    assert by_name == by_label


async def test_a_selector_asks_for_all_its_labels_in_one_namespace() -> None:
    harness = Harness()
    for name, tier in (("front", "web"), ("back", "jobs"), ("side", "web")):
        harness.kube.seed(PATHS["Deployment"], workload(name, app="shop", tier=tier))
    harness.kube.seed(PATHS["Deployment"], workload("other", tier="web"))
    harness.kube.seed(
        "/apis/apps/v1/namespaces/elsewhere/deployments", workload("foreign", app="shop", tier="web")
    )

    assert ["front", "side"] == await harness.names(selecting(tier="web", app="shop"))


async def test_a_workload_that_two_targets_name_is_read_once() -> None:
    harness = Harness()
    harness.kube.seed(PATHS["Deployment"], workload(app="shop"))
    harness.kube.seed(PATHS["Deployment"], workload("second", app="shop"))

    assert ["billing", "second"] == await harness.names(BILLING, selecting(app="shop"), BILLING)


async def test_targets_that_name_nothing_are_told_beside_the_others() -> None:
    harness = Harness()
    harness.kube.seed(PATHS["StatefulSet"], workload(kind="StatefulSet"))

    found = await harness.read(
        RestartTarget(kind="StatefulSet", name="billing"),
        BILLING,
        selecting("DaemonSet", app="shop", tier="web"),
    )

    assert isinstance(found[0], Workload)
    assert (
        MissingTarget("Deployment billing does not exist."),
        MissingTarget("No DaemonSet has the labels app=shop,tier=web."),
    ) == found[1:]


async def test_a_selector_fits_a_hundred_workloads_at_most() -> None:
    harness = Harness()
    for number in range(100):
        harness.kube.seed(PATHS["Deployment"], workload(f"w-{number:03}", app="shop"))
    assert 100 == len(await harness.read(selecting(app="shop")))
    harness.kube.seed(PATHS["Deployment"], workload("one-more", app="shop"))

    with pytest.raises(Terminal) as refused:
        await harness.read(selecting(app="shop"))

    assert (
        Reason.SPEC_INVALID,
        "More than 100 Deployments have the labels app=shop; narrow the selector.",
    ) == (refused.value.reason, refused.value.message)


@pytest.mark.parametrize("target", [BILLING, selecting(app="shop")], ids=["by name", "by labels"])
async def test_without_an_answer_nothing_counts_as_missing(target: RestartTarget) -> None:
    harness = Harness()
    harness.kube.fail("GET", "/deployments", 429)
    harness.kube.fail("GET", "/deployments", None)

    with pytest.raises(Retryable):
        await harness.read(target)
    with pytest.raises(Uncertain):
        await harness.read(target)


async def test_an_answer_that_is_no_list_proves_nothing() -> None:
    class NoList(FakeKube):
        async def get(self, *_: Any) -> dict[str, Any]:
            return {"kind": "Table"}

    with pytest.raises(Uncertain):
        await WorkloadClient(NoList()).read("team", [selecting(app="shop")], RESTARTED)


@pytest.mark.parametrize("kind", PATHS)
async def test_a_restart_changes_the_annotation_of_the_pod_template_and_nothing_else(
    kind: WorkloadKind,
) -> None:
    harness = Harness()
    harness.kube.seed(PATHS[kind], workload(annotations={RESTARTED: "7", "other": "8"}, kind=kind))
    before = harness.kube.object(f"{PATHS[kind]}/billing") or {}
    (found,) = await harness.read(RestartTarget(kind=kind, name="billing"))
    assert isinstance(found, Workload)

    await harness.client.restart("team", found, RESTARTED, 9)

    after = harness.kube.object(f"{PATHS[kind]}/billing") or {}
    assert {RESTARTED: "9", "other": "8"} == after["spec"]["template"]["metadata"].pop("annotations")
    before["spec"]["template"]["metadata"].pop("annotations")
    assert before | {"metadata": 0} == after | {"metadata": 0}
    changed = {"resourceVersion": 0, "generation": 0}
    assert before["metadata"] | changed == after["metadata"] | changed


async def test_a_workload_that_changed_or_went_meanwhile_is_looked_at_again() -> None:
    harness = Harness()
    harness.kube.seed(PATHS["Deployment"], workload())
    found = await harness.billing()

    harness.kube.edit(f"{PATHS['Deployment']}/billing", lambda body: body["spec"].update(replicas=2))
    with pytest.raises(Conflict):
        await harness.client.restart("team", found, RESTARTED, 9)
    harness.kube.remove(f"{PATHS['Deployment']}/billing")
    with pytest.raises(Conflict):
        await harness.client.restart("team", found, RESTARTED, 9)
