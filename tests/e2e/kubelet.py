"""The kubelet of one node, whose pods are real processes: each container runs as `containers` says.

A pod is Ready while its probes are answered, its containers are started again when they end, and a deleted pod goes
when its process has ended. Only the scheduler sends pods here: name the node in a `nodeSelector`. A Service leads to a
pod of this node that is Ready when the caller's pod starts.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from local_cluster import Cluster
from tests.e2e import sandbox
from tests.e2e.containers import Container, account_token
from tests.e2e.kube import Body, Kube, RefusedError

_INTERVAL = 0.1
_HEARTBEAT = 10.0
_BACKOFF = 1.0
_ROOM = {"cpu": "8", "memory": "32Gi", "pods": "110"}


@dataclass(slots=True)
class _Pod:
    body: Body
    container: Container
    is_ready: bool = False
    is_ending: bool = False
    restarts: int = 0
    ended_at: float = 0
    last_exit: int = 0


class Kubelet:
    """A node that works until the block ends; its pods' logs go to `folder`, and they may call the URLs in `reaches`.

    `exits` are the exit statuses of the containers that have ended.
    """

    def __init__(
        self,
        cluster: Cluster,
        node: str,
        folder: Path,
        reaches: Sequence[str],
        *,
        in_sandbox: bool | None = None,
    ) -> None:
        self.node = node
        self.exits: list[int] = []
        self._in_sandbox = sandbox.is_possible() if in_sandbox is None else in_sandbox
        self._cluster = cluster
        self._kube = Kube(cluster.kubeconfig_for(f"kubelet-{node}", ["system:masters", "system:nodes"]))
        self._folder = folder
        self._reaches = reaches
        self._pods = dict[str, _Pod]()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"kubelet-{node}")
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        name = {"name": self.node, "labels": {"kubernetes.io/hostname": self.node}}
        self._kube.create("/api/v1/nodes", {"metadata": name})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        for pod in self._pods.values():
            pod.container.close()
        self._kube.delete(f"/api/v1/nodes/{self.node}")
        self._kube.close()
        if self._error:
            raise self._error

    def _run(self) -> None:
        beats = 0.0
        try:
            while not self._is_over.wait(_INTERVAL):
                if time.monotonic() > beats + _HEARTBEAT:
                    beats = time.monotonic()
                    self._beat()
                self._look()
        except Exception as error:  # noqa: BLE001 - it is raised where the test sees it
            self._error = error

    def _beat(self) -> None:
        ready = _condition("Ready", is_true=True) | {"reason": "KubeletReady", "lastHeartbeatTime": _now()}
        status = {"conditions": [ready], "capacity": _ROOM, "allocatable": _ROOM}
        self._kube.merge(f"/api/v1/nodes/{self.node}/status", {"status": status})

    def _look(self) -> None:
        found = self._kube.get("/api/v1/pods", fieldSelector=f"spec.nodeName={self.node}") or {}
        present = {body["metadata"]["uid"]: body for body in found["items"]}
        for uid in self._pods.keys() - present.keys():
            self._pods.pop(uid).container.close()
        for uid, body in present.items():
            if uid in self._pods:
                self._tend(self._pods[uid], is_deleted="deletionTimestamp" in body["metadata"])
            elif "deletionTimestamp" in body["metadata"]:
                self._remove(body)
            elif body["status"].get("phase") == "Pending":
                self._pods[uid] = _Pod(body, self._start(body))
                self._tell(self._pods[uid])

    def _start(self, body: Body) -> Container:
        (container,) = body["spec"]["containers"]
        meta = body["metadata"]
        token = account_token(self._kube, body)
        log = self._folder / f"{meta['name']}.log"
        return Container(
            self._cluster,
            body,
            container,
            token,
            log=log,
            reaches=self._reaches,
            services=self._services() if self._in_sandbox else {},
            in_sandbox=self._in_sandbox,
        )

    def _services(self) -> dict[str, str]:
        """Return the Services that lead to pods here, by name and port, each with the socket of one that is Ready."""
        found = self._kube.get("/api/v1/services") or {}
        return {
            f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{port['port']}": (
                pod.container.entrance(port["targetPort"])
            )
            for service in found["items"]
            for pod in self._pods.values()
            if pod.is_ready and _selects(service, pod.body)
            for port in service["spec"]["ports"]
        }

    def _tend(self, pod: _Pod, *, is_deleted: bool) -> None:
        if is_deleted and not pod.is_ending:
            pod.is_ending = True
            pod.container.ask_to_end()
        status = pod.container.exit_status()
        if status is not None:
            self._after_the_end(pod, status)
            return
        (container,) = pod.body["spec"]["containers"]
        probes = [container[name] for name in ("livenessProbe", "readinessProbe") if name in container]
        is_ready = not pod.is_ending and all(pod.container.answers(probe) for probe in probes)
        if is_ready != pod.is_ready:
            pod.is_ready = is_ready
            self._tell(pod)

    def _after_the_end(self, pod: _Pod, status: int) -> None:
        if not pod.ended_at:
            pod.ended_at = time.monotonic()
            pod.last_exit = status
            self.exits.append(status)
            pod.is_ready = False
            self._tell(pod)
        if pod.is_ending:
            self._remove(pod.body)
        elif pod.body["spec"]["restartPolicy"] == "Always" and time.monotonic() > pod.ended_at + _BACKOFF:
            pod.container.close()
            pod.container = self._start(pod.body)
            pod.restarts, pod.ended_at = pod.restarts + 1, 0

    def _remove(self, body: Body) -> None:
        name, uid = body["metadata"]["name"], body["metadata"]["uid"]
        path = f"/api/v1/namespaces/{body['metadata']['namespace']}/pods/{name}"
        self._kube.delete(path, gracePeriodSeconds=0, preconditions={"uid": uid})

    def _tell(self, pod: _Pod) -> None:
        (container,) = pod.body["spec"]["containers"]
        ended = pod.last_exit if pod.ended_at else None
        is_over = ended is not None and pod.body["spec"]["restartPolicy"] == "Never"
        state: Body = {"running": {"startedAt": _now()}, "terminated": None}
        if ended is not None:
            state = {"running": None, "terminated": {"exitCode": ended, "reason": "Ended"}}
        shown = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": pod.is_ready,
            "restartCount": pod.restarts,
            "state": state,
        }
        types = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        truths = (True, True, pod.is_ready, pod.is_ready)
        status = {
            "phase": ("Failed" if ended else "Succeeded") if is_over else "Running",
            "startTime": pod.body["metadata"]["creationTimestamp"],
            "conditions": [_condition(t, is_true=truth) for t, truth in zip(types, truths, strict=True)],
            "containerStatuses": [shown],
        }
        meta = pod.body["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        try:
            self._kube.merge(path, {"status": status})
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:  # it has been removed by force
                raise


def _selects(service: Body, pod: Body) -> bool:
    selector = service["spec"].get("selector", {})
    is_near = service["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return is_near and bool(selector) and selector.items() <= pod["metadata"].get("labels", {}).items()


def _condition(type_: str, *, is_true: bool) -> Body:
    return {"type": type_, "status": "True" if is_true else "False", "lastTransitionTime": _now()}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
