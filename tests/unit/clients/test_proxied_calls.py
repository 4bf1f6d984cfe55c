"""Calls through a real forward proxy, and past it."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from local_cluster.certificates import Authority
from local_cluster.readiness import free_port
from mailtrap_operator.api.v1alpha1 import AccountRef
from mailtrap_operator.clients.cluster_access import ClusterAccess
from mailtrap_operator.clients.errors import Failure, Retryable, Uncertain
from mailtrap_operator.clients.kube import connect
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.mailtrap_http import Answer, http_clients
from mailtrap_operator.clients.mailtrap_refusals import failure_of as failure_read_from
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.core.redaction import Redaction
from mailtrap_operator.handlers import connection_of
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.forward_proxy import PASSWORD, forward_proxy
from tests.unit.clients.raw_server import answer, raw_server
from tests.unit.clients.remote import known_server

CREDENTIAL = "c0ffee00" * 3 + "operator"
PATIENCE = timedelta(seconds=120)
MAILTRAP = "https://mailtrap.test"


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(CREDENTIAL, tls=True) as simulator:
        yield simulator


@pytest.fixture
def routes(simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Provide the proxy's way to the simulator, whose authority the product trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(simulator.ca_file))
    return {"mailtrap.test:443": urlsplit(simulator.url).port or 0}


@asynccontextmanager
async def client_of(url: str, **environment: str) -> AsyncIterator[MailtrapClient]:
    async with http_clients(Proxies(environment))() as http:
        yield MailtrapClient(
            http,
            account=AccountRef(name="default"),
            server=known_server(url),
            credential=SecretStr(CREDENTIAL),
            pacer=Pacer(10, timedelta(seconds=1)),
            request_timeout=PATIENCE,
        )


async def failure_of(client: MailtrapClient) -> Failure:
    with pytest.raises(Failure) as caught:
        await client.list_tokens()
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_mailtrap_is_called_through_the_proxy_which_reads_nothing(routes: dict[str, int]) -> None:
    async with forward_proxy(routes) as proxy, client_of(MAILTRAP, HTTPS_PROXY=proxy.url) as client:
        await client.list_tokens()

    assert ["CONNECT mailtrap.test:443 HTTP/1.1"] == proxy.asked
    assert proxy.passed
    assert CREDENTIAL.encode() not in proxy.passed


async def test_a_proxy_that_refuses_is_named_with_its_words(routes: dict[str, int]) -> None:
    async with forward_proxy(routes) as proxy, client_of(MAILTRAP, https_proxy=proxy.name) as client:
        failure = await failure_of(client)

    assert Retryable is type(failure), "nothing was sent"
    assert (
        f"Mailtrap could not be reached: the proxy {proxy.name} (https_proxy) answered "
        '"407 Proxy Authentication Required"; it is tried again.'
    ) == failure.message


async def test_a_proxy_that_is_not_there_is_named() -> None:
    gone = f"127.0.0.1:{free_port()}"

    async with client_of(MAILTRAP, HTTPS_PROXY=f"http://robot:{PASSWORD}@{gone}") as client:
        failure = await failure_of(client)

    assert Retryable is type(failure)
    assert (
        f"Mailtrap could not be reached through the proxy {gone} (HTTPS_PROXY) (ConnectError); it is tried again."
    ) == failure.message


async def test_a_proxy_that_breaks_off_is_named() -> None:
    routes = {"mailtrap.test:443": free_port()}
    async with forward_proxy(routes) as proxy, client_of(MAILTRAP, HTTPS_PROXY=proxy.url) as client:
        failure = await failure_of(client)

    assert Uncertain is type(failure)
    assert f" through the proxy {proxy.name} (HTTPS_PROXY) (" in failure.message


def test_a_proxy_that_answers_in_the_place_of_mailtrap_is_named() -> None:
    page = Answer(403, httpx.Headers(), b"<html>", "the proxy proxy.example.com:3128 (HTTPS_PROXY)")

    assert (
        "Something other than the API answered 403, perhaps the proxy proxy.example.com:3128 (HTTPS_PROXY). It is tried again."
    ) == failure_read_from(page, Redaction()).message


async def test_a_server_that_is_excepted_is_called_directly(
    simulator: SimulatorProcess, routes: dict[str, int]
) -> None:
    async with forward_proxy({}) as proxy, client_of(simulator.url, HTTPS_PROXY=proxy.url) as client:
        await client.list_tokens()

    assert [] == proxy.asked


async def test_a_credential_never_passes_a_proxy_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    async with forward_proxy({}) as proxy, raw_server(answer(500, {"error": "x"})) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with client_of(server.url, HTTP_PROXY=proxy.url, HTTPS_PROXY=proxy.url) as client:
            assert Uncertain is type(await failure_of(client))

    assert server.received
    assert [] == proxy.asked


def pod(folder: Path) -> Path:
    (folder / "token").write_text("token-of-pod")
    (folder / "ca.crt").write_bytes(Authority("cluster").certificate)
    return folder


async def test_a_pod_calls_its_api_server_directly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    access = ClusterAccess(random.Random(7), Proxies({"HTTPS_PROXY": "http://127.0.0.1:1"}), pod(tmp_path))

    login, configuration = connection_of(await access.login()), await access.configuration()

    assert (None, None, None) == (login.proxy_url, configuration.proxy, access.proxy)
    assert {"trust_env": False} == configuration.client_session_kwargs


KUBECONFIG = """\
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{}"{}}}}}]
users: [{{name: me, user: {{token: secret-of-mine}}}}]
"""


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        pytest.param("", "HTTPS_PROXY", id="of the environment"),
        pytest.param(
            ', proxy-url: "http://robot:{}@{}"', "proxy-url in the kubeconfig", id="of the kubeconfig"
        ),
    ],
)
async def test_outside_of_a_pod_the_api_server_is_called_as_kubectl_does(
    more: str, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    gone, path = f"127.0.0.1:{free_port()}", tmp_path / "config"
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    path.write_text(KUBECONFIG.format("https://api.example.com", more.format(PASSWORD, gone)))
    access = ClusterAccess(random.Random(7), Proxies({"HTTPS_PROXY": f"http://{gone}"}), tmp_path / "none")

    kube = await connect(PATIENCE, access)
    with pytest.raises(Retryable) as caught:
        await kube.get("/api")
    await kube.close()

    assert (
        f"The Kubernetes API gave no answer through the proxy {gone} ({setting}) (ClientProxyConnectionError); it is tried "
        "again."
    ) == str(caught.value)
