"""A pod and its API server: by either family, past any proxy, and while the server's certificate changes."""

import os
import random
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from local_cluster.certificates import Authority
from mailtrap_operator.clients.cluster_access import ClusterAccess
from mailtrap_operator.clients.errors import Retryable
from mailtrap_operator.clients.kube import KubeClient, connect
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.handlers import connection_of, session_of

LOOPBACK = "127.0.0.1"
PATH = "/api/v1/namespaces/team"
COMPLAINT = "The authority that the API server's certificate is checked by was replaced; this process knows the former one."


class Cluster:
    """An API server that answers anything, always at the same port."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        self.folder = folder
        self.host = host
        self.port = 0

    @asynccontextmanager
    async def serving(self, authority: Authority) -> AsyncIterator[None]:
        """Serve with a certificate that an authority has just signed."""
        authority.issue("kube-apiserver", hosts=[self.host]).write(self.folder, "server")
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.folder / "server.crt", self.folder / "server.key")
        app = web.Application()
        app.router.add_get("/{path:.*}", _answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port, ssl_context=tls).start()
            self.port = runner.addresses[0][1]
            yield
        finally:
            await runner.cleanup()


async def _answer(_request: web.Request) -> web.Response:
    return web.json_response({"kind": "Namespace"})


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


async def client_of(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> tuple[KubeClient, ClusterAccess]:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", cluster.host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(cluster.port))
    (cluster.folder / "token").write_text("token")
    access = ClusterAccess(random.Random(7), Proxies(os.environ), cluster.folder)
    return await connect(timedelta(seconds=10), access), access


@pytest.mark.parametrize("host", [LOOPBACK, "::1"])
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_pod_calls_its_api_server_past_any_proxy(
    variable: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    cluster, authority = Cluster(tmp_path, host), Authority("cluster")
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    monkeypatch.setenv(variable, "http://127.0.0.1:1")

    async with cluster.serving(authority):
        kube, access = await client_of(cluster, monkeypatch)
        watches = session_of(connection_of(await access.login()))
        calls = await kube.get(PATH)
        async with watches.aiohttp_session as session, session.get(f"{watches.server}{PATH}") as answer:
            watched = await answer.json()
        await kube.close()

    assert ({"kind": "Namespace"},) * 2 == (calls, watched)


async def test_another_certificate_of_the_same_authority_is_trusted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority("cluster")
    (cluster.folder / "ca.crt").write_bytes(authority.certificate)
    async with cluster.serving(authority):
        kube, access = await client_of(cluster, monkeypatch)
        await kube.get(PATH)
    async with cluster.serving(authority):
        await kube.get(PATH)
    await kube.close()

    assert None is access.unhealthy_reason()


async def test_a_certificate_of_another_authority_is_trusted_by_none_but_a_new_process(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, present = Authority("cluster"), Authority("cluster")
    (cluster.folder / "ca.crt").write_bytes(former.certificate)
    async with cluster.serving(former):
        kube, access = await client_of(cluster, monkeypatch)
        await kube.get(PATH)
    async with cluster.serving(present):
        with pytest.raises(Retryable):
            await kube.get(PATH)
        assert None is access.unhealthy_reason(), "it may be anyone"

        (cluster.folder / "ca.crt").write_bytes(present.certificate)
        with pytest.raises(Retryable):
            await kube.get(PATH)
        assert COMPLAINT == access.unhealthy_reason()
        await kube.close()

        again, access = await client_of(cluster, monkeypatch)
        await again.get(PATH)
        await again.close()

    assert None is access.unhealthy_reason()
