"""The chart's rights are what the operator asks for, no more and no less, in each mode.

What it asks for is read from the API server's audit log, after a life in which it does everything it can. That the
core suite is refused nothing is looked at when each of its worlds ends; that the chart grants what operators with an
administrator's rights have asked for in all other tests, when their cluster ends.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.accounts import ACCOUNT_FINALIZER, is_held
from tests.e2e.grants import Request, Right, lines_of, requests_among, rights_of
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.modes import MODES, Mode
from tests.e2e.reverse_proxy import ReverseProxy, kubeconfig_through, proxied
from tests.e2e.workloads import KINDS, Workload
from tests.e2e.world import API_VERSION, CREDENTIAL, FAST, OPERATOR_NAMESPACE, World, eventually

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(params=MODES, ids=str)
def installed(
    request: pytest.FixtureRequest, cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path
) -> Iterator[tuple[World, ReverseProxy]]:
    """Provide a world in each mode, whose operator elects a leader and finds out by itself where it is.

    It talks to the API server through the proxy.
    """
    mode: Mode = request.param
    defaults = {"leaderElection": {"enabled": True}, "settings": {}}
    world = World(cluster, kube, simulator, tmp_path, replace(mode, values=mode.values | defaults))
    kube.delete(f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/mailtrap-operator")
    with proxied(cluster.url, cluster.ca_file) as (proxy, url):
        kubeconfig = kubeconfig_through(url, world.service_account())
        with world.operator(*FAST, "--resync-interval", "1s", kubeconfig=kubeconfig):
            yield world, proxy


def live(world: World, proxy: ReverseProxy) -> None:
    """Have the operator do all that it can."""
    labels = {"tier": world.namespace}
    workloads = [Workload(world, kind, "shop", secret="shop", labels=labels) for kind in KINDS]
    targets = [
        {"kind": w.kind, **way}
        for w in workloads
        for way in ({"name": "shop"}, {"selector": {"matchLabels": labels}})
    ]
    world.put_api_token("shop", rolloutRestartTargets=targets)
    world.becomes_ready("shop")
    world.request_rotation("shop", "now")
    for workload in workloads:
        eventually(workload.annotations, f"{workload.kind} is restarted")
    world.put_api_token("shop", secretName="moved")
    eventually(lambda: world.secret("shop") is None and world.secret("moved"), "the Secret moves")

    for schedule in ("61 * * * *", "* * * * *", "61 * * * *"):
        world.put_api_token("misspelt", rotation={"windows": [{"schedule": schedule, "duration": "1m"}]})
        if schedule.startswith("61"):
            world.becomes("misspelt", "SpecInvalid", "Stalled")
        else:
            world.becomes_ready("misspelt")
    eventually(lambda: any(e["count"] > 1 for e in world.events("misspelt")), "an Event is counted")

    own = f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts/own"
    world.put_plain_secret("credential", {"token": CREDENTIAL})
    spec = {
        "accountId": world.simulator.account_id,
        "credentialsSecretRef": {"name": "credential"},
        "baseUrl": world.simulator.url,
    }
    world.kube.apply(
        own, {"apiVersion": API_VERSION, "kind": "MailtrapAccount", "metadata": {"name": "own"}, "spec": spec}
    )
    world.put_api_token("own", accountRef={"kind": "MailtrapAccount", "name": "own"})
    world.becomes_ready("own")
    is_held(world, own, ACCOUNT_FINALIZER)
    paths = {own, world.account_path()}
    with proxy.silent_watches():
        for path in paths:
            world.kube.merge(path, {"spec": {"refreshInterval": "61s"}})
        for path in paths:
            eventually(
                partial(is_read, world, path), f"{path} is read, which only the resync's list reported"
            )


def is_read(world: World, path: str) -> bool:
    resource, name = path.split("/")[-2:]
    return any((r.verb, r.resource, r.name) == ("get", resource, name) for r in requests(world))


def entries(world: World) -> list[Body]:
    lines = lines_of(world.cluster.audit_log)
    found = [json.loads(line) for line in lines if world.user in line]
    return [entry for entry in found if entry["user"].get("username") == world.user and "objectRef" in entry]


def requests(world: World) -> set[Request]:
    return requests_among(entries(world))


def rights(world: World) -> list[Right]:
    """Return what the release grants its operator."""
    assert world.release is not None
    name = world.release.name
    paths = [f"{RBAC}/clusterroles/{name}"]
    for namespace in (world.namespace, OPERATOR_NAMESPACE):
        roles = f"{RBAC}/namespaces/{namespace}/roles"
        paths += [f"{roles}/{name}", f"{roles}/{name}-own"]
    return [right for path in paths if (role := world.kube.get(path)) for right in rights_of(role, path)]


def is_allowed(world: World, request: Request) -> bool:
    """Have the API server judge."""
    resource, _, part = request.resource.partition("/")
    asked = {
        "verb": request.verb,
        "group": request.group,
        "resource": resource,
        "subresource": part,
        "namespace": request.namespace,
        "name": request.name,
    }
    groups = [
        "system:serviceaccounts",
        f"system:serviceaccounts:{OPERATOR_NAMESPACE}",
        "system:authenticated",
    ]
    spec = {"user": world.user, "groups": groups, "resourceAttributes": asked}
    review: Body = world.kube.create(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec},
    )
    return bool(review["status"]["allowed"])


def grant(world: World, role: str, granted: list[Right]) -> None:
    world.kube.merge(role, {"rules": [right.rule for right in granted if right.role == role]})


def test_each_right_is_used_and_without_any_one_of_them_a_request_is_refused(
    installed: tuple[World, ReverseProxy],
) -> None:
    world, proxy = installed
    live(world, proxy)
    asked, granted = requests(world), rights(world)

    assert [] == world.refused()
    assert set() == {request for request in asked if not any(right.allows(request) for right in granted)}
    needed = {
        right: [r for r in asked if [right] == [g for g in granted if g.allows(r)]] for right in granted
    }
    assert [] == [right for right, only in needed.items() if not only]
    for right, only in needed.items():
        assert is_allowed(world, only[0])
        grant(world, right.role, [other for other in granted if other != right])
        eventually(lambda: not is_allowed(world, only[0]), f"{only[0]} is refused")  # noqa: B023 - called at once
        grant(world, right.role, granted)
        eventually(lambda: is_allowed(world, only[0]), f"{only[0]} is allowed again")  # noqa: B023 - as above
