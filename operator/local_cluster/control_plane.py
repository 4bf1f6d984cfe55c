"""The processes of a cluster: etcd, kube-apiserver and kube-controller-manager; with nodes, kube-scheduler and kubelets.

They come up in this order and go down in the reverse; nothing else starts or ends them.
"""

import functools
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from local_cluster import components
from local_cluster.certificates import write_private
from local_cluster.errors import ClusterError
from local_cluster.identities import ADMIN_GROUP, Identities
from local_cluster.processes import PATIENCE, ProcessGroup, stop
from local_cluster.readiness import answers, on_free_port, wait_until

ETCD, API_SERVER, CONTROLLER_MANAGER = "etcd", "kube-apiserver", "kube-controller-manager"
SCHEDULER = "kube-scheduler"


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
        self._vouch(CONTROLLER_MANAGER, components.CONTROLLER_MANAGER_USER)
        self._start(CONTROLLER_MANAGER, components.controller_manager(self._layout))
        # The controller manager makes this account: it works once the account is there.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        self._wait(
            CONTROLLER_MANAGER, functools.partial(answers, self._port, account, self._identities.admin)
        )

    def start_scheduler(self, program: Path) -> None:
        """Start the scheduler; it tells no one when it is ready, a pod just waits for it."""
        self._vouch(SCHEDULER, components.SCHEDULER_USER)
        self._start(SCHEDULER, components.scheduler(self._layout), program)

    def start_kubelet(self, program: Path, node: str) -> None:
        """Start the kubelet of a node that exists, and wait until it is at work.

        Raises:
            ClusterError: it did not start.
        """
        name = components.kubelet_name(node)
        # kwok looks at all nodes before it takes one, which a node's own user may not.
        self._vouch(name, name, [ADMIN_GROUP, "system:nodes"])
        self._start(name, components.kubelet(self._layout, node), program)
        lease = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}"
        self._wait(name, functools.partial(answers, self._port, lease, self._identities.admin))

    def pause_kubelet(self, node: str) -> None:
        """Let the kubelet of a node hang."""
        self._running[components.kubelet_name(node)].send_signal(signal.SIGSTOP)

    def resume_kubelet(self, node: str) -> None:
        """Let the kubelet of a node continue."""
        self._running[components.kubelet_name(node)].send_signal(signal.SIGCONT)

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
        base = (ETCD, API_SERVER, CONTROLLER_MANAGER)
        order = [*base, *(name for name in self._running if name not in base)]
        for name in reversed(order):
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

    def _vouch(self, component: str, user: str, groups: Sequence[str] = ()) -> None:
        write_private(
            self._layout.kubeconfig_of(component), self._identities.kubeconfig(self.url, user, groups)
        )

    def _start(self, name: str, arguments: list[str], program: Path | None = None) -> None:
        program = program or self._programs / name
        try:
            self._running[name] = self.group.start([program, *arguments], log=self._layout.log(name))
        except OSError as error:
            raise ClusterError(f"cannot run {program}: {error.strerror}") from None

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        wait_until(is_ready, process=self._running[name], name=name, log=self._layout.log(name))
