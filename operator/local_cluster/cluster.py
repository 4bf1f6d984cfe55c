"""A local cluster as its users see it: kubeconfigs, kubectl, the audit log, an outage on demand."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from local_cluster import binaries, build, components
from local_cluster.certificates import write_private
from local_cluster.control_plane import ControlPlane
from local_cluster.errors import ClusterError, KubectlError
from local_cluster.identities import ADMIN, ADMIN_GROUP, Identities
from local_cluster.kubeconfig import token_kubeconfig

KUBECTL_TIMEOUT = 180.0  # seconds; `kubectl wait` and `kubectl delete` are the slow ones


class Cluster:
    """A running cluster; `Cluster.start` makes one.

    `programs` is the folder of etcd, kube-apiserver, kube-controller-manager and kubectl.
    """

    def __init__(
        self, programs: Path, layout: components.Layout, identities: Identities, plane: ControlPlane
    ) -> None:
        self.programs = programs
        self._layout = layout
        self._identities = identities
        self._plane = plane
        write_private(self.kubeconfig, identities.kubeconfig(self.url, ADMIN, [ADMIN_GROUP]))

    @classmethod
    @contextmanager
    def start(cls, directory: Path) -> Iterator["Cluster"]:
        """Start a cluster whose files lie in `directory` (made if absent), and end it at exit.

        The files stay. Programs that the machine lacks are built first, once, in 6 to 15 minutes.

        Raises:
            ClusterError: the folder is in use, the build failed, or a component did not start.
        """
        layout = components.Layout(directory.resolve())
        layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if layout.pki.exists():
            raise ClusterError(f"{directory} holds the files of another cluster; give a new folder")
        programs = binaries.folder()
        identities = Identities(layout)
        plane = ControlPlane(programs, layout, identities)
        try:
            plane.start()
            yield cls(programs, layout, identities, plane)
        finally:
            plane.stop()

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._layout.kubeconfig

    @property
    def url(self) -> str:
        """The API server's address."""
        return self._plane.url

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) of the authority that signed the API server's."""
        return self._layout.pki / "ca.crt"

    @property
    def audit_log(self) -> Path:
        """The API server's audit log at level Metadata, one JSON object a line."""
        return self._layout.audit_log

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each running component by its name."""
        return self._plane.pids()

    @property
    def process_group(self) -> int:
        """The process group that is killed when the cluster ends, or this process does."""
        return self._plane.group.id

    def environment(self) -> dict[str, str]:
        """Return the variables that make a program use this cluster and its kubectl."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            # Ports are used again; what kubectl cached of a former cluster at this address would mislead it.
            "KUBECACHEDIR": str(self._layout.root / "kubectl-cache"),
            "PATH": f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def kubectl(self, *args: str, input: str | None = None) -> str:  # noqa: A002 - the word subprocess.run uses
        """Run kubectl as the administrator and return what it prints.

        Raises:
            KubectlError: it failed, or took longer than a minute.
        """
        try:
            done = subprocess.run(
                [self.programs / "kubectl", *args],
                input=input or "",
                env=os.environ | self.environment(),
                capture_output=True,
                text=True,
                timeout=KUBECTL_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise KubectlError(f"kubectl did not end within {KUBECTL_TIMEOUT:.0f} seconds") from None
        if done.returncode != 0:
            raise KubectlError(done.stderr.strip())
        return done.stdout

    def kubeconfig_for(self, name: str, groups: Sequence[str] = ()) -> Path:
        """Make a kubeconfig for the user `name` in `groups`, who may do what RBAC grants and nothing else."""
        path = self._layout.users / f"{quote(name, safe='')}.kubeconfig"
        write_private(path, self._identities.kubeconfig(self.url, name, groups))
        return path

    def kubeconfig_for_service_account(self, namespace: str, name: str, *, secret: str = "") -> Path:
        """Make a kubeconfig for a ServiceAccount that exists; its token lies in a file of its own beside it.

        Each call puts a new token there, as a kubelet does from time to time. A token that is bound to a `secret` of the
        namespace dies within seconds of that Secret.

        Raises:
            KubectlError: there is no such ServiceAccount, or no such Secret.
        """
        bound = ["--bound-object-kind=Secret", f"--bound-object-name={secret}"] if secret else []
        text = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=1h", *bound)
        user = quote(f"system:serviceaccount:{namespace}:{name}", safe="")
        token, path = self._layout.users / f"{user}.token", self._layout.users / f"{user}.kubeconfig"
        # Anyone who reads it meanwhile must find the former token or the new one.
        fresh = self._layout.users / f"{user}.new"
        write_private(fresh, text.strip().encode())
        fresh.replace(token)
        authority = self.ca_file.read_bytes()
        write_private(path, token_kubeconfig(url=self.url, authority=authority, token=token))
        return path

    def start_nodes(self, *names: str) -> None:
        """Add nodes and start the scheduler, once in a cluster's life: from then on pods get ready, though no container runs.

        Programs that the machine lacks are built first, once, in about two minutes.

        Raises:
            ClusterError: the build failed, or a component did not start.
        """
        scheduler, kwok = build.folder(build.SCHEDULER), build.folder(build.KWOK)
        self._plane.start_scheduler(scheduler / "kube-scheduler")
        for name in names:
            self.kubectl("create", "-f", "-", input=json.dumps(components.node(name)))
            self._plane.start_kubelet(kwok / "kwok", name)

    def pause_kubelet(self, node: str) -> None:
        """Let a node's kubelet hang: pods on it neither get ready nor end. After 50 s the node is taken for lost."""
        self._plane.pause_kubelet(node)

    def resume_kubelet(self, node: str) -> None:
        """Let a node's kubelet continue where it was."""
        self._plane.resume_kubelet(node)

    def stop_apiserver(self) -> None:
        """Take the API server away."""
        self._plane.stop_api_server()

    def renew_certificate(self) -> None:
        """Give the API server another certificate of the same authority; it serves with it after its next start, if not before."""
        self._identities.vouch_for_api_server()

    def start_apiserver(self) -> None:
        """Bring the API server back on the same port, and wait until it serves."""
        self._plane.start_api_server()

    def leave_running(self) -> None:
        """Let the cluster outlive this process; from then on nothing here ends it."""
        self._plane.leave_running()
