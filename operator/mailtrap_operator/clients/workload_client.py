"""Reads the workloads that use a Secret, and restarts their pods as `kubectl rollout restart` does.

Nothing of a workload is written but one annotation of its pod template, on the very version that was read.
"""

import re
from collections.abc import Iterable, Mapping

from mailtrap_operator.api.objects import Metadata
from mailtrap_operator.api.v1alpha1 import RestartTarget, WorkloadKind
from mailtrap_operator.clients.errors import Conflict, Missing, Terminal, Uncertain
from mailtrap_operator.clients.kube import Body, KubeClient
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.workloads import MissingTarget, Workload, rollout_of, uncounted_of

_MOST = 100
_RESOURCES: Mapping[WorkloadKind, str] = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
}
_TOKEN_ID = re.compile("[1-9][0-9]{0,18}")
"""The annotation's text; what someone else wrote there is none."""


class WorkloadClient:
    """Reads and restarts workloads; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def read(
        self, namespace: str, targets: Iterable[RestartTarget], annotation: str
    ) -> tuple[Workload | MissingTarget, ...]:
        """Return the workloads that the targets name, each once, and the targets that name none.

        `annotation` is the one of the pod template that `restart` writes.

        Raises:
            Terminal: A selector fits more workloads than may be restarted.
        """
        found: dict[tuple[WorkloadKind, str], Workload | MissingTarget] = {}
        for target in targets:
            bodies = await self._bodies(namespace, target)
            workloads = [_parsed(target.kind, body, annotation) for body in bodies]
            found |= {(workload.kind, workload.name): workload for workload in workloads}
            if not workloads:
                message = _missing(target)
                found[target.kind, message] = MissingTarget(message)
        return tuple(found.values())

    async def restart(self, namespace: str, workload: Workload, annotation: str, token_id: int) -> Workload:
        """Have the pods of the very workload that was read replaced, on behalf of a token; return it as stored."""
        patch: Body = {
            "metadata": {"resourceVersion": workload.resource_version},
            "spec": {"template": {"metadata": {"annotations": {annotation: str(token_id)}}}},
        }
        try:
            stored = await self._kube.merge(f"{_path(namespace, workload.kind)}/{workload.name}", patch)
        except Missing:
            said = f"{workload} is gone meanwhile; the targets are looked at again."
            raise Conflict(Reason.KUBERNETES_UNAVAILABLE, said) from None
        return _parsed(workload.kind, stored, annotation)

    async def _bodies(self, namespace: str, target: RestartTarget) -> list[Body]:
        path = _path(namespace, target.kind)
        if target.selector is None:
            try:
                body = await self._kube.get(f"{path}/{target.name}")
            except Missing:
                return []
            # A name that is none leads to something else.
            return [body] if body["metadata"].get("name") == target.name else []
        query = {"labelSelector": _labels(target), "limit": str(_MOST)}
        page = await self._kube.get(path, query)
        if "items" not in page:
            said = f"The answer to a list of {target.kind}s is no list; it is asked for again."
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, said)
        if page["metadata"].get("continue"):
            said = f"More than {_MOST} {target.kind}s have the labels {_labels(target)}; narrow the selector."
            raise Terminal(Reason.SPEC_INVALID, said)
        return page["items"] or []


def _path(namespace: str, kind: WorkloadKind) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{_RESOURCES[kind]}"


def _labels(target: RestartTarget) -> str:
    labels = target.selector.match_labels if target.selector else {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _missing(target: RestartTarget) -> str:
    if target.selector is None:
        return f"{target.kind} {target.name} does not exist."
    return f"No {target.kind} has the labels {_labels(target)}."


def _parsed(kind: WorkloadKind, body: Body, annotation: str) -> Workload:
    meta = Metadata.model_validate(body["metadata"])
    template = body["spec"]["template"].get("metadata") or {}
    return Workload(
        kind=kind,
        name=meta.name,
        resource_version=meta.resource_version,
        created_at=meta.creation_timestamp,
        restarted_for=_token_id((template.get("annotations") or {}).get(annotation, "")),
        rollout=rollout_of(kind, body),
        uncounted=uncounted_of(kind, body),
    )


def _token_id(text: str) -> int | None:
    return int(text) if _TOKEN_ID.fullmatch(text) else None
