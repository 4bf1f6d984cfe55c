"""How far the pods of a workload are on their way to its present template.

Judged as `kubectl rollout status` does, and stricter where that one stops looking: no pod of a former template may be
left, whatever the update strategy, because such a pod still uses the former value, also while it is ending. The counts
of a StatefulSet and of a DaemonSet contain such pods. Of a Deployment they are counted apart, from Kubernetes 1.35 on;
where they are not, they get the time that their template gives them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, assert_never

from mailtrap_operator.api.v1alpha1 import WorkloadKind

Part = Mapping[str, Any]
"""A part of a workload as Kubernetes prints it."""

_FEWEST_COUNTED = 2
"""With a smaller revisionHistoryLimit a Deployment may drop a ReplicaSet whose pods are ending, and their count with it."""

_DEFAULT_GRACE, _LONGEST_GRACE = 30, 10**8
"""In seconds. No overlap is as long as the longest one."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet as far as it matters here.

    `restarted_for` is the id of the token for which its pods were last restarted by us. `rollout` says what its
    rollout waits for, as the rest of a sentence that begins with the workload's name; None: it is finished.
    `uncounted` is how long pods that it replaced may continue after that; None: `rollout` reports them.
    """

    kind: WorkloadKind
    name: str
    resource_version: str
    created_at: datetime
    restarted_for: int | None
    rollout: str | None
    uncounted: timedelta | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class MissingTarget:
    """A target that fits no workload, and what is missing, as a sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class _Pods:
    wanted: int
    updated: int
    former: int
    available: int


def rollout_of(kind: WorkloadKind, body: Part) -> str | None:
    """Return what a workload's rollout waits for, or None when it is finished."""
    spec, status = body["spec"], body.get("status") or {}
    if status.get("observedGeneration", 0) < body["metadata"]["generation"]:
        return "its controller has not taken up the latest change"
    match kind:
        case "Deployment":
            missing, blocker = _missing(_replicas(spec, status)), _blocker_of_deployment(spec, status)
        case "StatefulSet":
            missing = _missing(_replicas(spec, status)) or _unfinished_revision(spec, status)
            blocker = _blocker_of_strategy(spec)
        case "DaemonSet":
            missing, blocker = _missing(_scheduled(status)), _blocker_of_strategy(spec)
        case _:
            assert_never(kind)
    return f"{missing}; {blocker}" if missing and blocker else missing or _ending(status)


def uncounted_of(kind: WorkloadKind, body: Part) -> timedelta | None:
    """Return how long pods that end may continue without being counted; None: they are counted."""
    spec, status = body["spec"], body.get("status") or {}
    match kind:
        case "Deployment":
            is_counted = (
                status.get("terminatingReplicas") is not None
                and spec.get("revisionHistoryLimit", _FEWEST_COUNTED) >= _FEWEST_COUNTED
            )
        case "StatefulSet":
            is_counted = True
        case "DaemonSet":
            # Of nodes that it is not for, no count tells which template their pods have.
            is_counted = not status.get("numberMisscheduled")
        case _:
            assert_never(kind)
    grace = spec["template"].get("spec", {}).get("terminationGracePeriodSeconds", _DEFAULT_GRACE)
    return None if is_counted else timedelta(seconds=min(grace, _LONGEST_GRACE))


def _ending(status: Part) -> str | None:
    ending = status.get("terminatingReplicas") or 0
    return f"former pods still terminating: {ending}" if ending else None


def _replicas(spec: Part, status: Part) -> _Pods:
    updated = status.get("updatedReplicas", 0)
    return _Pods(
        wanted=spec.get("replicas", 1),
        updated=updated,
        former=status.get("replicas", 0) - updated,
        available=status.get("availableReplicas", 0),
    )


def _scheduled(status: Part) -> _Pods:
    return _Pods(
        wanted=status.get("desiredNumberScheduled", 0),
        updated=status.get("updatedNumberScheduled", 0),
        former=0,
        available=status.get("numberAvailable", 0),
    )


def _missing(pods: _Pods) -> str | None:
    if pods.updated < pods.wanted:
        return f"{pods.updated} of {pods.wanted} pods are updated"
    if pods.former > 0:
        return f"former pods still running: {pods.former}"
    if pods.available < pods.wanted:
        return f"{pods.available} of {pods.wanted} pods are available"
    return None


def _unfinished_revision(spec: Part, status: Part) -> str | None:
    # With OnDelete the controller never makes the revision of its pods the current one.
    if _strategy(spec) == "OnDelete" or status.get("currentRevision") == status.get("updateRevision"):
        return None
    return "its controller has not finished the rollout"


def _blocker_of_deployment(spec: Part, status: Part) -> str | None:
    if spec.get("paused"):
        return "the rollout is paused: resume it"
    for condition in status.get("conditions") or ():
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return "the progress deadline is exceeded: see why its new pods do not get ready"
    return None


def _blocker_of_strategy(spec: Part) -> str | None:
    if _strategy(spec) == "OnDelete":
        return "the update strategy is OnDelete: delete the former pods"
    partition = ((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition", 0)
    return f"the partition {partition} of its update strategy holds former pods back" if partition else None


def _strategy(spec: Part) -> str | None:
    strategy: str | None = (spec.get("updateStrategy") or {}).get("type")
    return strategy
