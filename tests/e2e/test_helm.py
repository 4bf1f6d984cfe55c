"""Helm, both of them, on the real API server: the operator's pods run, and nobody loses a token."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from local_cluster import Cluster, Helm, HelmError
from local_cluster.build import HELM3, HELM4, Bundle
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.kube import Body, Kube
from tests.e2e.kubelet import Kubelet
from tests.e2e.release import Release
from tests.e2e.verdicts import Verdicts, every_status_judged
from tests.e2e.world import API_VERSION, CREDENTIAL, INSTALLATION, OPERATOR_NAMESPACE, World, eventually

PREVIOUS = Path(__file__).parent / "charts" / "mailtrap-operator-0.0.9.tgz"
"""The chart as it was first made, with CustomResourceDefinitions from before accounts told of orphans."""

BOTH = pytest.mark.parametrize("bundle", [HELM3, HELM4], ids=["helm3", "helm4"])


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Cluster]:
    """Provide a cluster of its own, which has never heard of the operator."""
    with Cluster.start(tmp_path / "cluster") as cluster:
        cluster.start_nodes()
        cluster.kubectl("create", "namespace", OPERATOR_NAMESPACE)
        yield cluster


@pytest.fixture
def verdicts(bare: Cluster) -> Iterator[Verdicts]:
    """Have every status judged that operators write there."""
    with every_status_judged(bare.kubeconfig) as verdicts:
        yield verdicts


@pytest.fixture
def user(bare: Cluster) -> Iterator[Kube]:
    """Provide a user's client of that cluster."""
    user = Kube(bare.kubeconfig)
    yield user
    user.close()


@pytest.fixture
def first(
    bare: Cluster, verdicts: Verdicts, simulator: SimulatorProcess, tmp_path: Path, bundle: Bundle
) -> Iterator[Release]:
    """Provide a release, not installed, and a node for its pods."""
    with Kubelet(bare, "node-a", tmp_path, [simulator.url]):
        yield release(bare, bundle, simulator, "first")
    assert verdicts.judged


def release(cluster: Cluster, bundle: Bundle, simulator: SimulatorProcess, name: str) -> Release:
    settings = {
        "allowedBaseUrls": [simulator.url],
        "installation": INSTALLATION,
        "requestTimeout": "1s",
        "settleTime": "4s",
    }
    helm = Helm(bundle, cluster.kubeconfig.parent / "helm", cluster.kubeconfig)
    return Release(cluster, helm, name, OPERATOR_NAMESPACE, settings=settings, log={"level": "debug"})


def own_objects(simulator: SimulatorProcess, namespace: str) -> list[Body]:
    """Return an account with its credential and an ApiToken, as a team keeps them with its values."""
    account = {
        "accountId": simulator.account_id,
        "credentialsSecretRef": {"name": "own"},
        "baseUrl": simulator.url,
        "policy": {"allowedNamespaces": {"names": ["*"]}},
    }
    token = {
        "accountRef": {"name": "own"},
        "resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}],
    }
    kept = {"name": "own", "annotations": {"helm.sh/resource-policy": "keep"}}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": kept, "stringData": {"token": CREDENTIAL}},
        {"apiVersion": API_VERSION, "kind": "ClusterMailtrapAccount", "metadata": kept, "spec": account},
        {
            "apiVersion": API_VERSION,
            "kind": "ApiToken",
            "metadata": kept | {"namespace": namespace},
            "spec": token,
        },
    ]


def pods(world: World) -> dict[str, str]:
    """Return the pods of releases, and whether each is Ready."""
    found = (world.kube.get(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods") or {})["items"]
    conditions = {pod["metadata"]["name"]: pod["status"].get("conditions", []) for pod in found}
    return {n: next((c["status"] for c in cs if c["type"] == "Ready"), "") for n, cs in conditions.items()}


@BOTH
def test_the_first_release_is_refused_objects_of_kinds_that_it_defines_itself(
    bare: Cluster, simulator: SimulatorProcess, bundle: Bundle
) -> None:
    first = release(bare, bundle, simulator, "first")

    with pytest.raises(HelmError, match="ensure CRDs are installed first"):
        first.install(extraObjects=own_objects(simulator, "default"))

    assert "" == bare.kubectl("get", "crds,deployments", "--all-namespaces", "--output", "name")


@BOTH
def test_a_release_lives_and_goes_and_another_takes_over_without_touching_a_token(
    first: Release, bare: Cluster, user: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    second = first.under("second")
    first.install("--wait")
    world = World(bare, user, simulator, tmp_path)
    assert ["True", "True"] == list(pods(world).values())

    before, pods_before = world.last_call(), pods(world).keys()
    first.upgrade("--wait", log={"level": "info"}, extraObjects=own_objects(simulator, world.namespace))
    bare.kubectl("wait", "-n", world.namespace, "--for=condition=Ready", "apitoken/own", "--timeout=120s")
    value = world.value("own")
    assert world.works(value)
    eventually(lambda: len(pods(world)) == 2 and not pods_before & pods(world).keys(), "the pods are others")
    first.rollback(1, "--wait")
    assert "deployed" == first.status()
    first.uninstall("--wait")
    eventually(lambda: pods(world) == {}, "the pods go")
    assert value == world.value("own")

    with pytest.raises(HelmError, match="invalid ownership metadata"):
        second.install()
    second.install("--wait", "--take-ownership")
    world.put_api_token("other", accountRef={"name": "own"})
    world.becomes_ready("other")
    assert value == world.becomes_ready("own")
    assert ["create", "create"] == world.operations(before)

    world.delete_api_token("own")
    world.is_gone("own")
    assert not world.works(value)


@BOTH
def test_an_upgrade_from_the_previous_chart_finds_objects_in_every_phase_and_ends_them_well(
    first: Release, bare: Cluster, user: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    first.install("--wait", chart=PREVIOUS)
    world = World(bare, user, simulator, tmp_path)
    for name in ("ready", "rotating", "suspended", "deleted"):
        world.put_api_token(name)
        world.becomes_ready(name)
    world.put_api_token("rotating", resources=[{"type": "domain", "id": 1, "accessLevel": "Viewer"}])
    world.put_api_token("suspended", suspend=True, expiration={"policy": "Never"})
    world.becomes("suspended", "Suspended")
    world.put_api_token("stalled", rotation={"windows": [{"schedule": "61 * * * *", "duration": "1m"}]})
    world.becomes("stalled", "SpecInvalid", "Stalled")
    world.becomes_ready("rotating")
    settled = {name: world.tokens_of(name) for name in ("ready", "rotating", "suspended", "stalled")}
    values = {name: world.value(name) for name in settled}
    assert [1, 2, 1, 0] == [len(tokens) for tokens in settled.values()]
    world.fault("create", "lost-after-commit", times="forever")
    world.fault("delete", "status", times="forever", status=503)
    world.put_api_token("created")
    eventually(lambda: world.tokens_of("created"), "a token is created whose value is lost")
    world.delete_api_token("deleted")
    eventually(lambda: world.operations(0)[-1] == "delete", "the deletion is refused")

    first.upgrade("--wait")
    world.clear_faults()

    value = world.becomes_ready("created")
    assert world.works(value)
    world.is_gone("deleted")
    assert [] == world.tokens_of("deleted")
    assert settled == {name: world.tokens_of(name) for name in settled}
    assert values == {name: world.value(name) for name in settled}
    assert "Suspended" == world.condition("suspended")["reason"]
    assert "SpecInvalid" == world.condition("stalled", "Stalled")["reason"]
    assert [[], [], []] == [world.strays(name) for name in ("ready", "rotating", "created")]
    # A field that the previous CustomResourceDefinitions do not have.
    world.put_account(orphanPolicy="Delete")
    assert "Delete" == (user.get(world.account_path()) or {})["spec"]["orphanPolicy"]


@BOTH
def test_waiting_means_the_secret_with_helm_4_and_the_pods_with_helm_3(
    world: World, nodes: None, tmp_path: Path, bundle: Bundle
) -> None:
    ours = release(world.cluster, bundle, world.simulator, world.namespace)
    objects = [body for body in own_objects(world.simulator, world.namespace) if body["kind"] == "ApiToken"]
    objects[0]["spec"]["accountRef"] = {"name": world.account}
    world.fault("create", "status", times="forever", status=503)

    with Kubelet(world.cluster, f"node-{world.namespace}", tmp_path, [world.simulator.url]) as kubelet:
        place = {"kubernetes.io/hostname": kubelet.node}
        given: Body = {"crds": {"enabled": False}, "nodeSelector": place, "extraObjects": objects}
        failure: AbstractContextManager[object] = (
            pytest.raises(HelmError, match="ApiToken") if bundle is HELM4 else nullcontext()
        )
        with failure:
            # Helm 4 waits in vain; Helm 3 does not wait for an ApiToken.
            ours.install("--wait", "--timeout", "10s" if bundle is HELM4 else "2m", **given)
        assert world.secret("own") is None

        ours.uninstall("--wait")
        world.clear_faults()
        ours.install("--wait")

        if bundle is HELM4:
            assert world.works(world.value("own"))
        assert world.works(world.becomes_ready("own"))
        ours.uninstall("--wait")
