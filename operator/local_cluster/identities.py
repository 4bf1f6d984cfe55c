"""Who may talk to whom: the cluster's two authorities and everyone they vouch for.

etcd has an authority of its own. With one for both, every user of the API could go to etcd
directly, past RBAC.
"""

import ssl
from collections.abc import Sequence
from pathlib import Path

from local_cluster.certificates import Authority, signing_key, write_private
from local_cluster.components import API_SERVER_HOSTS, LOOPBACK, Layout
from local_cluster.kubeconfig import kubeconfig

ADMIN, ADMIN_GROUP = "admin", "system:masters"


class Identities:
    """Writes the keys and certificates of a new cluster, and vouches for its users."""

    def __init__(self, layout: Layout) -> None:
        self._pki = pki = layout.pki
        pki.mkdir(mode=0o700)
        layout.users.mkdir(mode=0o700)
        self._authority = Authority("local-cluster")
        etcd_authority = Authority("local-cluster-etcd")
        write_private(pki / "ca.crt", self._authority.certificate)
        write_private(pki / "etcd-ca.crt", etcd_authority.certificate)
        etcd_authority.issue("etcd", hosts=[LOOPBACK]).write(pki, "etcd")
        self.vouch_for_api_server()
        self._authority.issue(ADMIN, groups=[ADMIN_GROUP]).write(pki, "admin")
        signing_key().write(pki, "service-account")
        self.admin = _client_context(pki, authority="ca", user="admin")
        self.etcd = _client_context(pki, authority="etcd-ca", user="etcd")

    def vouch_for_api_server(self) -> None:
        """Issue the certificate that the API server serves with, again if there is one."""
        self._authority.issue("kube-apiserver", hosts=API_SERVER_HOSTS).write(self._pki, "kube-apiserver")

    def kubeconfig(self, url: str, name: str, groups: Sequence[str] = ()) -> bytes:
        """Return a kubeconfig with a new certificate for the user `name` in `groups`."""
        user = self._authority.issue(name, groups=groups)
        return kubeconfig(url=url, authority=self._authority.certificate, user=user)


def _client_context(pki: Path, *, authority: str, user: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(pki / f"{authority}.crt"))
    context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")
    return context
