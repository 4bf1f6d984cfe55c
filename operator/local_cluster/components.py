"""The command lines of a cluster's programs, and where in the cluster's folder everything lies.

Whatever is not said here keeps Kubernetes' own default, so that the cluster behaves as others do.
"""

from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
SERVICE_RANGE = "10.0.0.0/24"
API_SERVER_HOSTS = (
    LOOPBACK,
    "::1",
    "localhost",
    "10.0.0.1",  # the first address of the service range is the API server's own
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
)
CONTROLLER_MANAGER_USER = "system:kube-controller-manager"
SCHEDULER_USER = "system:kube-scheduler"
STAGES = Path(__file__).parent / "kwok" / "stages.yaml"

# Metadata only, so that no Secret's content gets into the log. The cluster's own requests are left out.
AUDIT_POLICY = b"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
  - level: None
    userGroups: ["system:serviceaccounts:kube-system", "system:nodes"]
  - level: Metadata
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of one cluster under its folder `root`."""

    root: Path

    @property
    def pki(self) -> Path:
        """Folder of the certificates and keys."""
        return self.root / "pki"

    @property
    def users(self) -> Path:
        """Folder of the kubeconfigs of users other than the administrator."""
        return self.root / "users"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def audit_policy(self) -> Path:
        """What the API server writes into the audit log."""
        return self.root / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        """One JSON object a line for each request, without bodies."""
        return self.root / "audit.log"

    def kubeconfig_of(self, component: str) -> Path:
        """Return the path of a component's kubeconfig."""
        return self.pki / f"{component}.kubeconfig"

    def log(self, component: str) -> Path:
        """Return the path of a component's log since its last start."""
        return self.root / f"{component}.log"


def etcd(layout: Layout, port: int) -> list[str]:
    """Return etcd's arguments; it holds every Secret, so that even on loopback it asks for a certificate."""
    url = f"https://{LOOPBACK}:{port}"
    pki = layout.pki
    return [
        f"--data-dir={layout.root / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=https://{LOOPBACK}:0",  # without peers no one needs to know the port
        "--client-cert-auth",
        f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
        f"--cert-file={pki / 'etcd.crt'}",
        f"--key-file={pki / 'etcd.key'}",
        "--peer-client-cert-auth",
        f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
        f"--peer-cert-file={pki / 'etcd.crt'}",
        f"--peer-key-file={pki / 'etcd.key'}",
        "--unsafe-no-fsync",  # the data need not survive the machine
    ]


def api_server(layout: Layout, port: int, etcd_port: int) -> list[str]:
    """Return kube-apiserver's arguments."""
    pki = layout.pki
    return [
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
        f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--etcd-servers=https://{LOOPBACK}:{etcd_port}",
        f"--etcd-cafile={pki / 'etcd-ca.crt'}",
        f"--etcd-certfile={pki / 'etcd.crt'}",
        f"--etcd-keyfile={pki / 'etcd.key'}",
        "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-account.crt'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--endpoint-reconciler-type=none",  # a loopback address is refused as an endpoint
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-maxsize=0",  # one file: anyone who counts requests must find all of them
    ]


def controller_manager(layout: Layout) -> list[str]:
    """Return kube-controller-manager's arguments."""
    return [
        f"--kubeconfig={layout.kubeconfig_of('kube-controller-manager')}",
        "--secure-port=0",  # no one asks it anything
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--root-ca-file={layout.pki / 'ca.crt'}",
        f"--service-account-private-key-file={layout.pki / 'service-account.key'}",
        "--kube-api-qps=200",  # the default of 20 lets thousands of objects wait for their collection
        "--kube-api-burst=400",
        "--node-monitor-grace-period=1h",  # a kubelet that stands still for a while is no lost node
    ]


def scheduler(layout: Layout) -> list[str]:
    """Return kube-scheduler's arguments."""
    return [
        f"--kubeconfig={layout.kubeconfig_of('kube-scheduler')}",
        "--secure-port=0",  # no one asks it anything
        "--leader-elect=false",
    ]


def kubelet(layout: Layout, node: str) -> list[str]:
    """Return kwok's arguments as the kubelet of one node; it listens nowhere."""
    return [
        f"--kubeconfig={layout.kubeconfig_of(kubelet_name(node))}",
        f"--config={STAGES}",
        f"--manage-single-node={node}",
        "--node-lease-duration-seconds=40",  # as of a real kubelet
        "--node-port=0",
        "--server-address=",
    ]


def kubelet_name(node: str) -> str:
    """Return the name of a node's kubelet among the components."""
    return f"kubelet-{node}"


def node(name: str) -> dict[str, object]:
    """Return a node as a kubelet registers it."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
    }
