"""Workloads whose pods read a Secret when they start, on nodes where pods get placed, get ready and end.

The scheduler and the controllers are real. No container runs: which value a pod would have read follows from when it
was made. A rollout is kept from finishing with `held`, and finishes after it. A test that uses any of this asks for the
fixture `nodes`, which is what adds the nodes to the cluster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from local_cluster import Cluster
from tests.e2e.kube import Body
from tests.e2e.patience import PATIENCE
from tests.e2e.world import World, eventually

Kind = Literal["Deployment", "StatefulSet", "DaemonSet"]
KINDS: tuple[Kind, ...] = ("Deployment", "StatefulSet", "DaemonSet")

NODES = ("node-a", "node-b")
"""Two, so that the rollout of one workload can be held while that of another finishes."""


@contextmanager
def held(cluster: Cluster, node: str = NODES[0]) -> Iterator[None]:
    """Keep rollouts on a node from finishing: until the block ends no new pod gets ready there, and no old one ends.

    The block must end before the control plane takes the node for lost, which it does after an hour.
    """
    cluster.pause_kubelet(node)
    try:
        yield
    finally:
        cluster.resume_kubelet(node)


class Workload:
    """A workload whose pods take their environment from a Secret and run on one node, as its owner sees it.

    To make one is to apply it. It has 2 pods; a DaemonSet has the one of its node. `labels` are the workload's own, and
    `spec` overrides fields of its spec. The Secret need not exist: without containers no one misses it.
    """

    def __init__(
        self,
        world: World,
        kind: Kind,
        name: str,
        *,
        secret: str,
        node: str = NODES[0],
        labels: dict[str, str] | None = None,
        **spec: Any,
    ) -> None:
        self._world = world
        self.kind = kind
        self.name = name
        self.path = f"/apis/apps/v1/namespaces/{world.namespace}/{kind.lower()}s/{name}"
        container = {"name": "main", "image": "consumer", "envFrom": [{"secretRef": {"name": secret}}]}
        pod = {"nodeSelector": {"kubernetes.io/hostname": node}, "containers": [container]}
        full: Body = {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        }
        full |= {} if kind == "DaemonSet" else {"replicas": 2}
        full |= {"serviceName": name} if kind == "StatefulSet" else {}
        metadata = {"name": name, "labels": labels or {}}
        world.kube.apply(
            self.path, {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": full | spec}
        )

    def body(self) -> Body:
        """Return the workload as it is now."""
        body = self._world.kube.get(self.path)
        assert body is not None, f"{self.kind} {self.name} is gone"
        return body

    def annotations(self) -> dict[str, str]:
        """Return the annotations of its pod template."""
        return _annotations(self.body()["spec"]["template"])

    def pods(self) -> list[Body]:
        """Return its pods, those that are ending too."""
        found = self._world.kube.get(
            f"/api/v1/namespaces/{self._world.namespace}/pods", labelSelector=f"app={self.name}"
        )
        return list((found or {})["items"])

    def restart(self, mark: str) -> None:
        """Restart its pods as a user does: by another annotation of the pod template."""
        self._world.kube.merge(
            self.path, {"spec": {"template": {"metadata": {"annotations": {"restarted": mark}}}}}
        )

    def moves_to(self, node: str) -> None:
        """Have its pods run on another node, and wait until `kubectl rollout status` says that they do."""
        selector = {"kubernetes.io/hostname": node}
        self._world.kube.merge(self.path, {"spec": {"template": {"spec": {"nodeSelector": selector}}}})
        status = ("rollout", "status", f"{self.kind}/{self.name}", f"--timeout={PATIENCE}s")
        self._world.cluster.kubectl("--namespace", self._world.namespace, *status)

    def delete(self) -> None:
        """Delete it; its pods follow."""
        self._world.kube.delete(self.path)

    def begins_to_roll_out(self) -> None:
        """Wait until its controller has made the first pod of the present template, or makes room for it."""

        def look() -> bool:
            template, pods = self.annotations().items(), self.pods()
            is_new = [template <= _annotations(pod).items() for pod in pods]
            is_ending = ["deletionTimestamp" in pod["metadata"] for pod in pods]
            return any(is_new) or any(is_ending)

        eventually(look, f"{self.kind} {self.name} begins to roll out")

    def is_rolled_out(self) -> None:
        """Wait until `kubectl rollout status` says that it is, and it has all its pods and no others."""
        status = ("rollout", "status", f"{self.kind}/{self.name}", f"--timeout={PATIENCE}s")
        self._world.cluster.kubectl("--namespace", self._world.namespace, *status)
        wanted = 1 if self.kind == "DaemonSet" else self.body()["spec"]["replicas"]
        eventually(lambda: wanted == len(self.pods()), f"{self.name} has {wanted} pods")


def _annotations(body: Body) -> dict[str, str]:
    return body["metadata"].get("annotations") or {}
