"""A container of a real pod as a local process: its own command, arguments and environment, and the pod's account.

Where the machine allows it the process is in a sandbox, and logs in and listens as in any pod. Elsewhere it has a
kubeconfig with the same token, and a free port. Not covered: the image, users, volumes and limits.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local_cluster import Cluster
from local_cluster.readiness import free_port
from tests.e2e import sandbox
from tests.e2e.kube import Body, Kube
from tests.e2e.sandbox import LOOPBACK, Sandbox

ROOT = Path(__file__).parents[2]
# What the image runs where the pod does not say it, as in its Dockerfile.
ENTRYPOINT = ["python3", "-m", "mailtrap_operator"]
_WELL = b"HTTP/1.0 200"


def account_token(kube: Kube, pod: Body) -> str:
    """Have a token of a pod's service account made, bound to the pod, as a kubelet does; empty where it wants none."""
    if pod["spec"].get("automountServiceAccountToken") is False:
        return ""
    meta = pod["metadata"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{pod['spec']['serviceAccountName']}/token"
    spec = {"expirationSeconds": 3607, "boundObjectRef": bound}
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(kube.create(path, request)["status"]["token"])


def command_of(container: Body) -> list[str]:
    """Return what a container runs, with the program of this project's own environment."""
    program, *rest = container.get("command") or ENTRYPOINT
    return [str(Path(sys.executable).parent / program), *rest, *container.get("args", [])]


def environment_of(container: Body, pod: Body) -> dict[str, str]:
    """Return a container's variables, those that report the pod too."""
    return {variable["name"]: _value(variable, pod) for variable in container.get("env", [])}


def _value(variable: Body, pod: Body) -> str:
    match variable:
        case {"value": str(text)}:
            return text
        case {"valueFrom": {"fieldRef": {"fieldPath": str(path)}}}:
            found = pod
            for part in path.split("."):
                found = found[part]
            return str(found)
    raise AssertionError(f"nothing here gives a container its variable {variable}")


class Container:
    """A container that runs; `log` takes what it prints, and `reaches` are the URLs of this machine that it may call.

    Only in a sandbox it reaches `services`, those of the cluster as `Sandbox` has them, and none of them at a port that
    it listens at itself.
    """

    def __init__(
        self,
        cluster: Cluster,
        pod: Body,
        container: Body,
        token: str,
        *,
        log: Path,
        reaches: Sequence[str],
        services: Mapping[str, str],
        in_sandbox: bool,
    ) -> None:
        self._pod = pod
        self._services = services
        self._command = command_of(container)
        self._environment = environment_of(container, pod)
        ports = container.get("ports", [])
        self._ports = {port["name"]: port["containerPort"] for port in ports}
        # Paths of sockets must be short.
        self._folder = tempfile.TemporaryDirectory(prefix="pod-")
        start = self._in_sandbox if in_sandbox else self._on_host
        self._doors, command, environment = start(cluster, token, reaches)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=cluster.process_group,
            )

    def answers(self, probe: Body) -> bool:
        """Whether the container answers a probe as a kubelet asks it."""
        asked = probe["httpGet"]
        family, address = self._doors[self._ports.get(asked["port"], asked["port"])]
        with socket.socket(family) as door:
            door.settimeout(2)
            try:
                door.connect(address)
                door.sendall(f"GET {asked['path']} HTTP/1.0\r\n\r\n".encode())
                return door.recv(len(_WELL)).startswith(_WELL)
            except OSError:
                return False

    def entrance(self, port: str | int) -> str:
        """Return the Unix socket that leads to one of its ports; there is one in a sandbox only."""
        _, address = self._doors[self._ports.get(port, port)]
        return str(address)

    def ask_to_end(self) -> None:
        """Send SIGTERM, as is done when the pod is deleted."""
        self._process.terminate()

    def exit_status(self) -> int | None:
        """Return the exit status of a container that has ended, else None."""
        return self._process.poll()

    def close(self) -> None:
        """End what is left, and remove its files."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _in_sandbox(self, cluster: Cluster, token: str, reaches: Sequence[str]) -> "_Start":
        account = Path(self._folder.name, "account")
        account.mkdir()
        (account / "token").write_text(token)
        (account / "ca.crt").write_bytes(cluster.ca_file.read_bytes())
        (account / "namespace").write_text(self._pod["metadata"]["namespace"])
        address = {"KUBERNETES_SERVICE_HOST": LOOPBACK, "KUBERNETES_SERVICE_PORT": str(sandbox.API_PORT)}
        box = Sandbox(
            folder=self._folder.name,
            host_name=self._pod["metadata"]["name"],
            account=str(account),
            api_server=urlsplit(cluster.url).port or 0,
            reaches=[urlsplit(url).port or 0 for url in reaches],
            serves=list(self._ports.values()),
            services={name: way for name, way in self._services.items() if not self._listens_at(name)},
            command=self._command,
            environment=address | self._environment,
        )
        doors: _Doors = {port: (socket.AF_UNIX, box.entrance(port)) for port in self._ports.values()}
        return doors, box.process(), None

    def _listens_at(self, service: str) -> bool:
        """Whether it takes the port of a service for itself, at every address."""
        return int(service.partition(":")[2]) in self._ports.values()

    def _on_host(self, cluster: Cluster, token: str, _reaches: Sequence[str]) -> "_Start":
        kubeconfig = Path(self._folder.name, "kubeconfig")
        kubeconfig.write_text(json.dumps(kubeconfig_with(cluster, token)))
        given = {name: free_port() for name in self._ports}
        doors: _Doors = {
            self._ports[name]: (socket.AF_INET, (LOOPBACK, port)) for name, port in given.items()
        }
        own = {"KUBECONFIG": str(kubeconfig), "MAILTRAP_OPERATOR_PORT": str(given["http"])}
        return doors, self._command, self._environment | own


_Doors = dict[int, tuple[socket.AddressFamily, Any]]
_Start = tuple[_Doors, list[str], dict[str, str] | None]


def kubeconfig_with(cluster: Cluster, token: str) -> Body:
    """Return a kubeconfig for a service account's token."""
    config: Body = json.loads(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    return config
