"""What the operator lives through without a restart: an API server that is away for long, another certificate, another token.

The API server goes away here, so these tests have one of their own.
"""

import time
from collections.abc import Iterator

import httpx
import pytest

from local_cluster import Cluster
from tests.e2e.accounts import force_delete
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.containers import ROOT
from tests.e2e.kube import GROUP, Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.rights import SERVE, WATCH_SECRETS, service_account
from tests.e2e.test_namespaced import put_account
from tests.e2e.world import FAST, OPERATOR_NAMESPACE, World, eventually

OUTAGE = 75
"""Seconds: kopf by itself tries a request for 54 s and then gives up."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_with_crds(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kube(cluster: Cluster) -> Iterator[Kube]:
    kube = Kube(cluster.kubeconfig)
    yield kube
    kube.close()


def livez(operator: OperatorProcess) -> str:
    return httpx.get(f"http://127.0.0.1:{operator.port}/livez", timeout=120).text


def test_a_long_outage_and_another_certificate(world: World) -> None:
    names = ["kept", "damaged", "changed"]
    # What is deleted before a watch has listed everything again, it never reports: the resync does.
    with world.operator(*FAST, "--resync-interval", "5s") as operator:
        for name in names:
            world.put_api_token(name)
        values = {name: world.becomes_ready(name) for name in names}

        world.cluster.stop_apiserver()
        world.cluster.renew_certificate()
        back = time.monotonic() + OUTAGE
        while time.monotonic() < back:
            assert livez(operator) == "ok"
            time.sleep(1)
        world.cluster.start_apiserver()
        world.put_api_token("new")
        world.put_api_token("changed", expiration={"policy": "Never"})
        world.kube.delete(world.secret_path("damaged"))

        eventually(lambda: world.value("damaged") not in {None, values["damaged"]}, "the Secret is back")
        for name in ("new", "changed", "damaged"):
            world.becomes_ready(name)
        assert world.becomes_ready("kept") == values["kept"]
        assert livez(operator) == "ok"
        assert operator.is_running

    assert {name: [] for name in [*names, "new"]} == {name: world.strays(name) for name in [*names, "new"]}
    assert sorted(world.operations(0)) == ["create"] * 4 + ["reset"] * 2


def test_another_token_of_the_service_account(world: World) -> None:
    secrets = [f"{world.namespace}-{number}" for number in ("first", "second")]
    for secret in secrets:
        world.put_plain_secret(secret, {}, OPERATOR_NAMESPACE)
    rules, own = [*SERVE, WATCH_SECRETS], {"kind": "MailtrapAccount", "name": "own"}
    kubeconfig = service_account(world, "robot", rules, secret=secrets[0])
    with world.operator(kubeconfig=kubeconfig) as operator:
        put_account(world)
        world.put_api_token("before", accountRef=own)
        value = world.becomes_ready("before")

        world.kube.delete(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{secrets[0]}")
        # It cuts the watches off, which would continue for minutes without a look at the token.
        world.cluster.stop_apiserver()
        world.cluster.start_apiserver()
        eventually(lambda: "credentials were refused" in operator.log.read_text(), "it is refused")
        assert livez(operator) == "ok"
        service_account(world, "robot", rules, secret=secrets[1])

        world.put_api_token("after", accountRef=own)
        world.becomes_ready("after")
        assert world.becomes_ready("before") == value
        assert livez(operator) == "ok"

    assert world.operations(0) == ["create", "create"]


def test_an_operator_that_starts_too_early_waits(world: World) -> None:
    world.put_api_token("early")
    operator = world.operator()
    world.cluster.stop_apiserver()
    try:
        operator.launch()
        eventually(lambda: "does not answer yet" in operator.log.read_text(), "it waits")
        assert (livez(operator), operator.is_ready) == ("ok", False)

        world.cluster.start_apiserver()
        world.becomes_ready("early")
        assert operator.is_ready
    finally:
        operator.kill()


def test_a_watch_that_cannot_continue_ends_the_process(world: World) -> None:
    operator = world.operator()
    everywhere = f"{GROUP}/mailtrapaccounts"
    for account in (world.kube.get(everywhere) or {})["items"]:
        meta = account["metadata"]
        force_delete(world.kube, f"{GROUP}/namespaces/{meta['namespace']}/mailtrapaccounts/{meta['name']}")
    with operator:
        world.cluster.kubectl("delete", "crd", "mailtrapaccounts.mailtrap-operator.io")
        assert operator.wait() == 1

    log = operator.log.read_text()
    # kopf sometimes waits for ever for a watch that it has cancelled.
    endings = {
        "The watches ended: The Kubernetes API does not know mailtrapaccounts.mailtrap-operator.io: this",
        "the watches do not end; the process ends without them",
    }
    assert any(ending in log.splitlines()[-1] for ending in endings)
    assert "Traceback" not in log

    # The kubelet starts it again: it waits for the definition, and continues when that is there.
    again = world.operator()
    try:
        again.launch()
        eventually(
            lambda: "does not know mailtrapaccounts.mailtrap-operator.io: this" in again.log.read_text(),
            "it says which definition is missing",
        )
        assert not again.is_ready
        world.cluster.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        world.put_api_token("after")
        world.becomes_ready("after")
    finally:
        again.kill()
