"""The three processes of a cluster: etcd, kube-apiserver and kube-controller-manager.

They come up in this order and go down in the reverse; nothing else starts or ends them.
"""

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

from local_cluster import components
from local_cluster.certificates import write_private
from local_cluster.errors import ClusterError
from local_cluster.identities import Identities
from local_cluster.processes import PATIENCE, ProcessGroup, stop
from local_cluster.readiness import answers, on_free_port, wait_until

ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"


class ControlPlane:
    """The processes of one cluster, with their programs in the folder `programs`."""

    def __init__(self, programs: Path, layout: components.Layout, identities: Identities) -> None:
        self._programs = programs
        self._layout = layout
        self._identities = identities
        self._running = dict[str, subprocess.Popen[bytes]]()
        self._etcd_port = 0
        self._port = 0
        self.group = ProcessGroup()

    @property
    def url(self) -> str:
        """The API server's address, the same for the cluster's whole life."""
        return f"https://{components.LOOPBACK}:{self._port}"

    def pids(self) -> dict[str, int]:
        """Return the process id of each running component by its name."""
        return {name: process.pid for name, process in self._running.items()}

    def start(self) -> None:
        """Start everything and wait until it serves.

        Raises:
            ClusterError: a component did not start; those before it still run.
        """
        write_private(self._layout.audit_policy, components.AUDIT_POLICY)
        self._etcd_port = on_free_port(self._start_etcd)
        self._port = on_free_port(self._start_api_server)
        user = self._identities.kubeconfig(self.url, components.CONTROLLER_MANAGER_USER)
        write_private(self._layout.controller_manager_kubeconfig, user)
        self._start(CONTROLLER_MANAGER, components.controller_manager(self._layout))
        # The controller manager makes this account: it works once the account is there.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait(
            CONTROLLER_MANAGER, functools.partial(answers, self._port, account, self._identities.admin)
        )

    def start_api_server(self) -> None:
        """Start the API server again where it was, and wait until it serves."""
        self._start_api_server(self._port)

    def stop_api_server(self) -> None:
        """Take the API server away without warning, as an outage does; what it has answered is stored."""
        process = self._running.pop(API_SERVER)
        process.kill()
        process.wait(PATIENCE)

    def stop(self) -> None:
        """Stop everything, politely first."""
        for name in (CONTROLLER_MANAGER, API_SERVER, ETCD):
            if name in self._running:
                stop(self._running.pop(name))
        self.group.kill()

    def leave_running(self) -> None:
        """Let the processes outlive this one; from then on nothing here ends them."""
        self.group.release()
        self._running.clear()

    def _start_etcd(self, port: int) -> None:
        self._start(ETCD, components.etcd(self._layout, port))
        self._wait(ETCD, functools.partial(answers, port, "/health", self._identities.etcd))

    def _start_api_server(self, port: int) -> None:
        self._start(API_SERVER, components.api_server(self._layout, port, self._etcd_port))
        self._wait(API_SERVER, functools.partial(answers, port, "/readyz", self._identities.admin))

    def _start(self, name: str, arguments: list[str]) -> None:
        program = self._programs / name
        try:
            self._running[name] = self.group.start([program, *arguments], log=self._layout.log(name))
        except OSError as error:
            raise ClusterError(f"cannot run {program}: {error.strerror}") from None

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        wait_until(is_ready, process=self._running[name], name=name, log=self._layout.log(name))
