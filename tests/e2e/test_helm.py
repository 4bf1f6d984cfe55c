"""Helm, both of them, on the real API server: the operator's pods run, and no one loses a token."""

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from local_cluster import Cluster, Helm, HelmError
from local_cluster.build import HELM3, HELM4, Bundle
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e import phases, sandbox
from tests.e2e.kube import Body, Kube
from tests.e2e.kubelet import Kubelet
from tests.e2e.modes import Mode
from tests.e2e.release import Release
from tests.e2e.status_watch import StatusWatch, every_status_judged
from tests.e2e.world import API_VERSION, CREDENTIAL, OPERATOR_NAMESPACE, World, eventually

PREVIOUS = Path(__file__).parent / "charts" / "mailtrap-operator-0.0.9.tgz"
"""The chart as it was first made, with CustomResourceDefinitions from before accounts reported orphans."""

BOTH = pytest.mark.parametrize("bundle", [HELM3, HELM4], ids=["helm3", "helm4"])
"""Where the two may differ; all that the chart renders is compared in `tests/chart`."""

WITH_HELM_3 = pytest.mark.parametrize("bundle", [HELM3], ids=["helm3"])
WITH_HELM_4 = pytest.mark.parametrize("bundle", [HELM4], ids=["helm4"])


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Cluster]:
    """Provide a cluster of its own, which has never heard of the operator."""
    with Cluster.start(tmp_path / "cluster") as cluster:
        cluster.start_nodes()
        cluster.kubectl("create", "namespace", OPERATOR_NAMESPACE)
        yield cluster


@pytest.fixture
def status_watch(bare: Cluster) -> Iterator[StatusWatch]:
    """Have every status judged that operators write there."""
    with every_status_judged(bare.kubeconfig) as status_watch:
        yield status_watch


@pytest.fixture
def user(bare: Cluster) -> Iterator[Kube]:
    """Provide a user's client of that cluster."""
    user = Kube(bare.kubeconfig)
    yield user
    user.close()


@pytest.fixture
def first(
    bare: Cluster, status_watch: StatusWatch, simulator: SimulatorProcess, tmp_path: Path, bundle: Bundle
) -> Iterator[Release]:
    """Provide a release, not installed, and a node for its pods."""
    with Kubelet(bare, "node-a", tmp_path, [simulator.url]):
        yield release(bare, bundle, simulator, "first")
    assert status_watch.judged


def settings(simulator: SimulatorProcess) -> Body:
    """Return settings without an installation: it is found out, as most users have it."""
    return {"allowedBaseUrls": [simulator.url]}


def settled_soon(simulator: SimulatorProcess) -> Body:
    """Return settings with which lost answers settle within a test."""
    return settings(simulator) | {"requestTimeout": "4s", "settleTime": "16s"}


def release(cluster: Cluster, bundle: Bundle, simulator: SimulatorProcess, name: str) -> Release:
    helm = Helm(bundle, cluster.kubeconfig.parent / "helm", cluster.kubeconfig)
    return Release(
        cluster, helm, name, OPERATOR_NAMESPACE, settings=settings(simulator), log={"level": "debug"}
    )


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


def pods(world: World, namespace: str = OPERATOR_NAMESPACE) -> dict[str, str]:
    """Return the pods of releases, and whether each is Ready."""
    found = (world.kube.get(f"/api/v1/namespaces/{namespace}/pods") or {})["items"]
    conditions = {pod["metadata"]["name"]: pod["status"].get("conditions", []) for pod in found}
    return {n: next((c["status"] for c in cs if c["type"] == "Ready"), "") for n, cs in conditions.items()}


def let_renew_the_lease(release: Release, cluster: Cluster) -> None:
    """Grant what the operator of the previous chart, which updated its Lease, did not need: this one patches it."""
    place, who = f"--namespace={release.namespace}", f"--serviceaccount={release.namespace}:{release.name}"
    cluster.kubectl(
        "create", "role", "renews", place, "--verb=patch", "--resource=leases.coordination.k8s.io"
    )
    cluster.kubectl("create", "rolebinding", "renews", place, "--role=renews", who)


def present(cluster: Cluster, kinds: str) -> dict[str, tuple[str, str]]:
    """Return the objects of some kinds by their UIDs, each with its version; Helm's own notes apart."""
    listed = json.loads(cluster.kubectl("get", kinds, "--all-namespaces", "--output=json"))["items"]
    metas = [(b["kind"], b["metadata"]) for b in listed if b.get("type") != "helm.sh/release.v1"]
    return {meta["uid"]: (f"{kind} {meta['name']}", meta["resourceVersion"]) for kind, meta in metas}


@WITH_HELM_4
def test_the_first_release_is_refused_objects_of_kinds_that_it_defines_itself(
    bare: Cluster, simulator: SimulatorProcess, bundle: Bundle
) -> None:
    first = release(bare, bundle, simulator, "first")

    with pytest.raises(HelmError, match="ensure CRDs are installed first"):
        first.install(extraObjects=own_objects(simulator, "default"))

    assert "" == bare.kubectl("get", "crds,deployments", "--all-namespaces", "--output", "name")


@WITH_HELM_4
def test_a_release_goes_and_another_one_elsewhere_takes_over_without_touching_a_token(
    first: Release, bare: Cluster, user: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    second = first.under("second", "mail")
    first.install("--wait")
    world = World(bare, user, simulator, tmp_path)
    assert ["True", "True"] == list(pods(world).values())

    pods_before = pods(world).keys()
    first.upgrade("--wait", log={"level": "info"}, extraObjects=own_objects(simulator, world.namespace))
    value = world.becomes_ready("own")
    assert world.works(value)
    eventually(lambda: len(pods(world)) == 2 and not pods_before & pods(world).keys(), "the pods are others")
    first.rollback(1, "--wait")
    assert "deployed" == first.status()
    definitions, objects = present(bare, "crds"), present(bare, "apitokens,secrets")
    tokens, before = world.tokens(), world.last_call()
    first.uninstall("--wait")
    eventually(lambda: pods(world) == {}, "the pods go")
    assert (definitions, objects) == (present(bare, "crds"), present(bare, "apitokens,secrets"))
    assert tokens == world.tokens()

    bare.kubectl("create", "namespace", "mail")
    world.put_plain_secret("own", {"token": CREDENTIAL}, "mail")
    world.put_plain_secret(world.account, {"token": CREDENTIAL}, "mail")
    with pytest.raises(HelmError, match="invalid ownership metadata"):
        second.install()
    second.install("--wait", "--take-ownership")
    assert ["True", "True"] == list(pods(world, "mail").values())
    world.put_api_token("other", accountRef={"name": "own"})
    world.becomes_ready("other")
    assert value == world.becomes_ready("own")
    assert definitions.keys() == present(bare, "crds").keys()
    assert objects.items() <= present(bare, "apitokens,secrets").items()
    assert ["create"] == world.operations(before), "for the other object alone"
    assert tokens == world.tokens_of("own")

    world.delete_api_token("own")
    world.is_gone("own")
    assert not world.works(value)


def test_one_for_single_namespaces_that_moves_touches_nothing_until_it_is_told_its_installation(
    cluster: Cluster, kube: Kube, nodes: None, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    node = "node-moving"
    given: Body = {"replicaCount": 1, "nodeSelector": {"kubernetes.io/hostname": node}}
    given["settings"] = settings(simulator)
    world = World(cluster, kube, simulator, tmp_path, Mode("moving", is_namespaced=True, values=given))
    former = world.release
    assert former is not None
    with Kubelet(cluster, node, tmp_path, [simulator.url]):
        world.put_api_token("stays")
        value = world.becomes_ready("stays")
        former.uninstall("--wait")
        before, kept = world.last_call(), (world.tokens(), world.secret("stays"))
        elsewhere = f"{world.namespace}-elsewhere"
        cluster.kubectl("create", "namespace", elsewhere)
        moved = former.under(elsewhere, elsewhere)

        moved.install("--wait")
        message = world.becomes("stays", "InstallationMismatch", "Stalled")["message"]
        assert kept == (world.tokens(), world.secret("stays"))

        named = re.search(r"\(MAILTRAP_OPERATOR_INSTALLATION\) to (\w{6})", message)
        assert named, message
        moved.upgrade("--wait", settings=given["settings"] | {"installation": named[1]})
        assert value == world.becomes_ready("stays")
        assert kept == (world.tokens(), world.secret("stays"))
        assert [] == world.operations(before)
        moved.uninstall("--wait")


@WITH_HELM_3
def test_an_upgrade_from_the_previous_chart_finds_objects_in_every_phase_and_ends_them_well(
    first: Release, bare: Cluster, user: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    let_renew_the_lease(first, bare)
    first.install("--wait", chart=PREVIOUS, settings=settled_soon(simulator))
    world = World(bare, user, simulator, tmp_path)
    phases.have_some_rest(world)
    values, resting = {name: world.value(name) for name in phases.RESTING}, world.tokens()
    numbers = {name: len(world.tokens_of(name)) for name in phases.RESTING}
    assert {"rotating": 2, "restarting": 2, "stalled": 0, "adopting": 0} == {
        name: number for name, number in numbers.items() if number != 1
    }
    phases.have_some_under_way(world)
    old = world.value("reset")

    first.upgrade("--wait")
    world.clear_faults()

    assert world.works(world.becomes_ready("created"))
    new = world.becomes_ready("reset")
    assert old != new
    assert world.works(new)
    world.is_gone("deleted")
    assert [] == world.tokens_of("deleted")
    ids = {token["id"] for token in resting}
    assert resting == [token for token in world.tokens() if token["id"] in ids]
    assert values == {name: world.value(name) for name in phases.RESTING}
    assert phases.RESTING == {
        name: (type_, world.condition(name, type_).get("reason"))
        for name, (type_, _) in phases.RESTING.items()
    }
    assert {} == {
        name: world.strays(name) for name in values.keys() | {"created", "reset"} if world.strays(name)
    }
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
        given["settings"] = settled_soon(world.simulator)
        failure: AbstractContextManager[object] = (
            pytest.raises(HelmError, match="ApiToken") if bundle is HELM4 else nullcontext()
        )
        with failure:
            # Helm 4 waits in vain; Helm 3 does not wait for an ApiToken.
            ours.install("--wait", "--timeout", "10s" if bundle is HELM4 else "2m", **given)
        assert world.secret("own") is None

        if bundle is HELM4:
            ours.uninstall("--wait")
            world.clear_faults()
            ours.install("--wait")
            assert world.works(world.value("own"))
        ours.uninstall("--wait")


@WITH_HELM_3
def test_the_test_of_a_release_fails_until_the_operator_is_ready(
    world: World, nodes: None, tmp_path: Path, bundle: Bundle
) -> None:
    if not sandbox.is_possible():
        pytest.skip("this machine lets no one make namespaces")
    ours = release(world.cluster, bundle, world.simulator, world.namespace)
    with Kubelet(world.cluster, f"node-{world.namespace}", tmp_path, [world.simulator.url]) as kubelet:
        place = {"kubernetes.io/hostname": kubelet.node}
        ours.install(crds={"enabled": False}, nodeSelector=place, rbac={"create": False})
        eventually(lambda: kubelet.exits, "the operator ends, as it has no rights")

        with pytest.raises(HelmError, match=f"{ours.name}-test failed"):
            ours.test()

        ours.upgrade("--wait", rbac={"create": True})
        ours.test()
        ours.uninstall("--wait")
