"""The operator in networks as clusters have them: behind a proxy, by IPv6 alone, before an API server that is busy."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from aiohttp import web
from anyio.from_thread import start_blocking_portal

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.forward_proxy import PASSWORD, forwarding, relayed
from tests.e2e.kube import Kube, identity
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.reverse_proxy import ReverseProxy, kubeconfig_through
from tests.e2e.world import CREDENTIAL, FAST, INSTALLATION, OPERATOR_NAMESPACE, World, eventually

MAILTRAP = "https://mailtrap.test"
EXCEPTED = "127.0.0.0/8,10.0.0.0/8,.svc,.cluster.local"


def operator_of(
    world: World, kubeconfig: Path | None = None, url: str = "", **environment: str
) -> OperatorProcess:
    """Return an operator, not started, of this world's namespace alone."""
    return OperatorProcess(
        kubeconfig or world.cluster.kubeconfig_for("operator", ["system:masters"]),
        url or world.simulator.url,
        world.folder / "networks.log",
        *FAST,
        environment={
            "MAILTRAP_OPERATOR_WATCH_NAMESPACES": world.namespace,
            "MAILTRAP_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
            "MAILTRAP_OPERATOR_INSTALLATION": INSTALLATION,
            **environment,
        },
    )


def test_behind_a_proxy_mailtrap_is_called_through_it_and_nothing_else(
    cluster: Cluster, kube: Kube, tmp_path: Path
) -> None:
    with SimulatorProcess(CREDENTIAL, tls=True) as simulator:
        world = World(cluster, kube, simulator, tmp_path)
        world.put_account(baseUrl=MAILTRAP)
        routes = {"mailtrap.test:443": urlsplit(simulator.url).port or 0}
        with (
            forwarding(routes) as proxy,
            operator_of(
                world,
                url=MAILTRAP,
                HTTPS_PROXY=proxy.url,
                HTTP_PROXY=proxy.url,
                NO_PROXY=EXCEPTED,
                SSL_CERT_FILE=str(simulator.ca_file),
            ) as operator,
        ):
            world.put_api_token("behind")
            eventually(lambda: world.condition("behind").get("status") == "True", "it has a value")

        assert {"CONNECT mailtrap.test:443 HTTP/1.1"} == set(proxy.asked)
        for secret in (CREDENTIAL, world.value("behind") or "no value"):
            assert secret.encode() not in proxy.passed
        assert PASSWORD not in operator.log.read_text()


def test_a_proxy_that_stands_in_the_way_is_named_in_the_status(
    cluster: Cluster, kube: Kube, tmp_path: Path
) -> None:
    with SimulatorProcess(CREDENTIAL, tls=True) as simulator:
        world = World(cluster, kube, simulator, tmp_path)
        world.put_account(baseUrl=MAILTRAP)
        with (
            forwarding({}) as proxy,
            operator_of(world, url=MAILTRAP, HTTPS_PROXY=f"http://robot:{PASSWORD}-wrong@{proxy.name}"),
        ):
            world.put_api_token("hindered")

            said = world.becomes("hindered", "RemoteUnavailable")["message"]

        assert f'the proxy {proxy.name} (HTTPS_PROXY) answered "407 Proxy Authentication Required"' in said
        assert PASSWORD not in said


@contextmanager
def by_ipv6(cluster: Cluster) -> Iterator[Path]:
    """Yield a kubeconfig that leads to the API server at an IPv6 address."""
    there = urlsplit(cluster.url).port or 0
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(relayed("::1", there)) as port:
        kubeconfig = cluster.kubeconfig_for("operator", ["system:masters"])
        told = yaml.safe_load(kubeconfig.read_text())
        told["clusters"][0]["cluster"]["server"] = f"https://[::1]:{port}"
        path = kubeconfig.with_suffix(".ipv6")
        path.write_text(yaml.safe_dump(told))
        yield path


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")
def test_by_ipv6_alone_a_token_is_made_rotated_and_deleted(
    cluster: Cluster, kube: Kube, tmp_path: Path
) -> None:
    with SimulatorProcess(CREDENTIAL, arguments=("--host", "::1")) as simulator:
        world = World(cluster, kube, simulator, tmp_path)
        with by_ipv6(cluster) as kubeconfig, operator_of(world, kubeconfig):
            world.put_api_token("far", rotation={"strategy": "Replace", "overlap": "1s"})
            former = world.becomes_ready("far")
            world.request_rotation("far", "now")
            eventually(lambda: world.value("far") != former and not world.works(former), "it is rotated")
            world.delete_api_token("far")
            world.is_gone("far")

        assert simulator.url.startswith("http://[::1]:")
        assert [] == world.living()


def test_a_busy_api_server_is_asked_again_when_it_says_and_nothing_is_lost(
    cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    world = World(cluster, kube, simulator, tmp_path)
    kubeconfig = cluster.kubeconfig_for("operator", ["system:masters"])
    proxy = ReverseProxy(cluster.url, identity(kubeconfig))
    calls = Counter[str]()

    async def busy(request: web.Request) -> web.StreamResponse:
        """Refuse the first call of each kind, in the words of priority and fairness."""
        kind = f"{request.method} {request.path}"
        calls[kind] += 1
        if calls[kind] == 1:
            text = "Too many requests, please try again later.\n"
            return web.Response(status=429, text=text, headers={"Retry-After": "1"})
        return await proxy.pass_on(request)

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(proxy.open(busy)) as url,
        operator_of(world, kubeconfig_through(url, kubeconfig)),
    ):
        world.put_api_token("patient")
        world.becomes_ready("patient")
        world.delete_api_token("patient")
        world.is_gone("patient")

    assert ["create", "delete"] == [entry["operation"] for entry in world.mutations()]
    assert calls.total() < 500
