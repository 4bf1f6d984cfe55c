"""When a rollout is finished, and in which words it is not."""

from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import WorkloadKind
from mailtrap_operator.core.workloads import rollout_of, uncounted_of

TOO_LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
PROGRESSING = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
AVAILABLE = {"type": "Available", "status": "True"}


def body(
    spec: dict[str, Any], status: dict[str, Any] | None, *, generation: int = 2, observed: int = 2
) -> dict[str, Any]:
    told = None if status is None else {"observedGeneration": observed, **status}
    return {"metadata": {"generation": generation}, "spec": spec, "status": told}


def deployment(*, total: int = 3, updated: int = 3, available: int = 3, **spec: Any) -> dict[str, Any]:
    conditions, ending = spec.pop("conditions", [AVAILABLE, PROGRESSING]), spec.pop("ending", None)
    status = {
        "replicas": total,
        "updatedReplicas": updated,
        "availableReplicas": available,
        "conditions": conditions,
        "terminatingReplicas": ending,
    }
    return body({"replicas": 3, **spec}, status)


def stateful_set(
    *,
    updated: int = 3,
    available: int = 3,
    current: str = "new",
    strategy: str = "RollingUpdate",
    partition: int | None = None,
) -> dict[str, Any]:
    rolling = {} if partition is None else {"rollingUpdate": {"partition": partition}}
    status = {
        "replicas": 3,
        "updatedReplicas": updated,
        "availableReplicas": available,
        "currentRevision": current,
        "updateRevision": "new",
    }
    return body({"replicas": 3, "updateStrategy": {"type": strategy, **rolling}}, status)


def daemon_set(
    *, wanted: int = 3, updated: int = 3, available: int = 3, strategy: str = "RollingUpdate"
) -> dict[str, Any]:
    status = {
        "desiredNumberScheduled": wanted,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }
    return body({"updateStrategy": {"type": strategy}}, status)


@pytest.mark.parametrize(
    ("kind", "workload"),
    [
        pytest.param("Deployment", deployment(), id="all pods of a Deployment are new and available"),
        pytest.param(
            "Deployment", deployment(paused=True), id="a paused Deployment has nothing left to roll out"
        ),
        pytest.param(
            "Deployment",
            deployment(conditions=[TOO_LATE]),
            id="the deadline passed, and yet it came to an end",
        ),
        pytest.param("Deployment", deployment(conditions=None), id="a Deployment reports no conditions"),
        pytest.param(
            "Deployment",
            body({}, {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
            id="a Deployment that does not say how many pods wants one",
        ),
        pytest.param("Deployment", body({"replicas": 0}, {}), id="a Deployment wants no pods"),
        pytest.param("Deployment", deployment(available=4, total=4, updated=4), id="more pods than wanted"),
        pytest.param("Deployment", deployment(ending=0), id="no pod of a Deployment is ending"),
        pytest.param(
            "Deployment",
            body(
                {"replicas": 1},
                {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
                generation=2,
                observed=3,
            ),
            id="the status is of a later generation",
        ),
        pytest.param("StatefulSet", stateful_set(), id="all pods of a StatefulSet are new and available"),
        pytest.param("StatefulSet", stateful_set(partition=0), id="a partition of 0 holds nothing back"),
        pytest.param("StatefulSet", stateful_set(partition=2), id="all pods are new in spite of a partition"),
        pytest.param(
            "StatefulSet",
            stateful_set(strategy="OnDelete", current="old"),
            id="OnDelete, and all pods were deleted: the current revision never follows",
        ),
        pytest.param(
            "StatefulSet",
            body({"replicas": 0}, {"currentRevision": "new", "updateRevision": "new"}),
            id="a StatefulSet wants no pods",
        ),
        pytest.param("DaemonSet", daemon_set(), id="all pods of a DaemonSet are new and available"),
        pytest.param("DaemonSet", daemon_set(strategy="OnDelete"), id="OnDelete, and all pods were deleted"),
        pytest.param("DaemonSet", body({}, {}), id="no node wants a pod"),
    ],
)
def test_a_finished_rollout(kind: WorkloadKind, workload: dict[str, Any]) -> None:
    assert None is rollout_of(kind, workload)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize(
    "workload",
    [
        pytest.param(body({}, {"replicas": 1}, observed=1), id="the status is of an earlier generation"),
        pytest.param(body({}, {}, observed=0), id="the status is of no generation"),
        pytest.param(body({}, None), id="there is no status yet"),
    ],
)
def test_a_change_that_the_controller_has_not_seen(kind: WorkloadKind, workload: dict[str, Any]) -> None:
    assert "its controller has not taken up the latest change" == rollout_of(kind, workload)


@pytest.mark.parametrize(
    ("kind", "workload", "words"),
    [
        pytest.param(
            "Deployment", deployment(updated=1), "1 of 3 pods are updated", id="a Deployment begins"
        ),
        pytest.param(
            "Deployment", body({"replicas": 3}, {}), "0 of 3 pods are updated", id="a Deployment is new"
        ),
        pytest.param("Deployment", body({}, {}), "0 of 1 pods are updated", id="it is new and wants one pod"),
        pytest.param("Deployment", deployment(total=5), "former pods still running: 2", id="old pods remain"),
        pytest.param(
            "Deployment",
            body({"replicas": 0}, {"replicas": 1}),
            "former pods still running: 1",
            id="the last pods of one that wants none",
        ),
        pytest.param(
            "Deployment", deployment(available=2), "2 of 3 pods are available", id="a new pod is not ready"
        ),
        pytest.param(
            "Deployment", deployment(ending=2), "former pods still terminating: 2", id="pods are still ending"
        ),
        pytest.param(
            "Deployment",
            deployment(updated=0, paused=True),
            "0 of 3 pods are updated; the rollout is paused: resume it",
            id="a paused Deployment",
        ),
        pytest.param(
            "Deployment",
            deployment(updated=1, conditions=[AVAILABLE, TOO_LATE]),
            "1 of 3 pods are updated; the progress deadline is exceeded: see why its new pods do not get ready",
            id="a Deployment whose new pods do not get ready in time",
        ),
        pytest.param(
            "StatefulSet", stateful_set(updated=1), "1 of 3 pods are updated", id="a StatefulSet begins"
        ),
        pytest.param(
            "StatefulSet",
            stateful_set(available=2),
            "2 of 3 pods are available",
            id="its last pod is not ready",
        ),
        pytest.param(
            "StatefulSet",
            stateful_set(current="old"),
            "its controller has not finished the rollout",
            id="the revision of its pods is not the current one yet",
        ),
        pytest.param(
            "StatefulSet",
            stateful_set(updated=1, partition=2),
            "1 of 3 pods are updated; the partition 2 of its update strategy holds former pods back",
            id="a StatefulSet with a partition",
        ),
        pytest.param(
            "StatefulSet",
            stateful_set(updated=1, partition=0),
            "1 of 3 pods are updated",
            id="a partition of 0 is no hindrance",
        ),
        pytest.param(
            "StatefulSet",
            stateful_set(updated=1, strategy="OnDelete"),
            "1 of 3 pods are updated; the update strategy is OnDelete: delete the former pods",
            id="a StatefulSet with OnDelete",
        ),
        pytest.param("DaemonSet", daemon_set(updated=2), "2 of 3 pods are updated", id="a DaemonSet begins"),
        pytest.param(
            "DaemonSet", daemon_set(available=2), "2 of 3 pods are available", id="a node's pod is not ready"
        ),
        pytest.param(
            "DaemonSet",
            daemon_set(updated=2, strategy="OnDelete"),
            "2 of 3 pods are updated; the update strategy is OnDelete: delete the former pods",
            id="a DaemonSet with OnDelete",
        ),
    ],
)
def test_rollout_names_what_it_waits_for(kind: WorkloadKind, workload: dict[str, Any], words: str) -> None:
    assert words == rollout_of(kind, workload)


def template(**spec: Any) -> dict[str, Any]:
    return {"template": {"spec": spec}}


@pytest.mark.parametrize(
    ("kind", "workload", "seconds"),
    [
        pytest.param("Deployment", deployment(**template()), 30, id="no one counts, and the default holds"),
        pytest.param(
            "Deployment",
            deployment(**template(terminationGracePeriodSeconds=90)),
            90,
            id="no one counts: what the template gives",
        ),
        pytest.param("Deployment", deployment(template={}), 30, id="a template without a spec"),
        pytest.param("Deployment", body(template(), None), 30, id="a Deployment without a status"),
        pytest.param(
            "Deployment", deployment(ending=0, **template()), None, id="they are counted: none is left"
        ),
        pytest.param(
            "Deployment", deployment(ending=2, **template()), None, id="they are counted: two are left"
        ),
        pytest.param(
            "Deployment",
            deployment(ending=0, revisionHistoryLimit=1, **template()),
            30,
            id="a count of ReplicaSets that may be gone",
        ),
        pytest.param(
            "Deployment",
            deployment(ending=0, revisionHistoryLimit=2, **template()),
            None,
            id="a count of ReplicaSets that stay",
        ),
        pytest.param(
            "Deployment",
            deployment(**template(terminationGracePeriodSeconds=2**62)),
            10**8,
            id="a time that is longer than any overlap",
        ),
        pytest.param("StatefulSet", stateful_set(), None, id="a pod of the same name waits for the former"),
        pytest.param("DaemonSet", daemon_set(), None, id="of each node the oldest pod counts"),
        pytest.param(
            "DaemonSet",
            body(template(), {"numberMisscheduled": 1}),
            30,
            id="a pod on a node that the DaemonSet is not for",
        ),
    ],
)
def test_how_long_pods_that_end_may_continue_uncounted(
    kind: WorkloadKind, workload: dict[str, Any], seconds: int | None
) -> None:
    assert (None if seconds is None else timedelta(seconds=seconds)) == uncounted_of(
        kind, {**workload, "spec": {"template": {}, **workload["spec"]}}
    )
