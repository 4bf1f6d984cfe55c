"""The chart's policy for admission on the real API server: statuses and finalizers are the operator's, all else is everyone's.

Others are here a user of one namespace, whose role names every resource of the group, and an administrator of the
cluster who is not in the group that Kubernetes lets do everything.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.accounts import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, finalizers_of, is_held
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.grants import lines_of
from tests.e2e.kube import GROUP, Body, Kube, RefusedError
from tests.e2e.modes import Mode
from tests.e2e.world import API_VERSION, CREDENTIAL, World, eventually

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
FINALIZER = "mailtrap-operator.io/revoke-remote-tokens"
OTHER = "example.com/other"
WRITES = "only the operator writes the status"
OURS = "only the operator adds and takes away the finalizers"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide a cluster of this file's own: the policy would keep all other tests' operators from their work."""
    with cluster_with_crds(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kube(cluster: Cluster) -> Iterator[Kube]:
    """Provide a client in the group system:masters."""
    kube = Kube(cluster.kubeconfig)
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose release has the policy, an ApiToken with an account of its own, and a running operator."""
    folder = tmp_path_factory.mktemp("world")
    guarded = Mode("guarded", values={"admissionPolicy": {"enabled": True}})
    with SimulatorProcess(CREDENTIAL) as simulator:
        world = World(cluster, kube, simulator, folder, guarded)
        let_write(world)
        with world.operator():
            put_own_account(world)
            world.put_api_token("shop")
            world.put_api_token("own", accountRef={"kind": "MailtrapAccount", "name": "own"})
            for name in ("shop", "own"):
                world.becomes_ready(name)
            yield world
        assert [] == refused_to(world, world.user)


@pytest.fixture(params=["tenant", "platform"])
def other(request: pytest.FixtureRequest, world: World) -> Iterator[Kube]:
    """Provide the client of each other user, once the policy is in force and RBAC lets them do all of it."""
    client = Kube(world.cluster.kubeconfig_for(request.param))
    planned_without_acting = f"{GROUP}/namespaces/{world.namespace}/apitokens?dryRun=All"
    born = api_token(world, "born", finalizers=[FINALIZER])
    eventually(
        lambda: OURS in refusal(lambda: client.create(planned_without_acting, born)), "the policy is in force"
    )
    yield client
    client.close()


def let_write(world: World) -> None:
    """Grant a tenant the role of users and one for every resource of the group, an administrator everything."""
    kubectl, inside = world.cluster.kubectl, f"--namespace={world.namespace}"
    kubectl("create", "role", "everything", inside, "--verb=*", "--resource=*.mailtrap-operator.io")
    kubectl("create", "rolebinding", "everything", inside, "--role=everything", "--user=tenant")
    kubectl("create", "rolebinding", "edit", inside, "--clusterrole=edit", "--user=tenant")
    kubectl("create", "clusterrolebinding", "platform", "--clusterrole=cluster-admin", "--user=platform")


def put_own_account(world: World) -> None:
    world.put_plain_secret("credential", {"token": CREDENTIAL})
    spec = {
        "accountId": world.simulator.account_id,
        "credentialsSecretRef": {"name": "credential"},
        "baseUrl": world.simulator.url,
    }
    body = {"apiVersion": API_VERSION, "kind": "MailtrapAccount", "metadata": {"name": "own"}, "spec": spec}
    world.kube.apply(own_account(world), body)


def own_account(world: World) -> str:
    return f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts/own"


def api_token(world: World, name: str, **metadata: Any) -> Body:
    spec = {
        "accountRef": world.account_ref(),
        "resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ApiToken",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def refusal(write: Callable[[], object]) -> str:
    """Return what the API server says to a write, empty where it lets it pass; one that came too late is made again."""

    def said() -> tuple[str] | None:
        try:
            write()
        except RefusedError as refused:
            return (str(refused),) if refused.status != HTTPStatus.CONFLICT else None
        return ("",)

    return eventually(said, "someone else is always faster")[0]


def edit(world: World, other: Kube, path: str, part: str = "", **changes: Any) -> None:
    """Send an object back as it is now but for some changes, whole, as an editor does."""
    body = world.kube.get(path)
    assert body is not None
    metadata = body["metadata"] | changes.pop("metadata", {})
    other.replace(path + part, body | changes | {"metadata": metadata})


def refused_to(world: World, user: str) -> list[Body]:
    """Return what a user was refused, by RBAC or by admission, as the audit log tells."""
    entries = [json.loads(line) for line in lines_of(world.cluster.audit_log) if user in line]
    return [
        entry["objectRef"]
        for entry in entries
        if entry["user"].get("username") == user and entry.get("responseStatus", {}).get("code") == 403
    ]


def guarded(world: World) -> dict[str, str]:
    """Return the objects in the namespace that the operator holds, by their paths, each with its finalizer."""
    return {
        world.api_token_path("own"): FINALIZER,
        own_account(world): ACCOUNT_FINALIZER,
        world.secret_path("credential"): CREDENTIAL_FINALIZER,
    }


def test_other_users_cannot_write_a_status(world: World, other: Kube) -> None:
    empty: Body = {"conditions": []}
    for kind, path in (("ApiToken", world.api_token_path("own")), ("MailtrapAccount", own_account(world))):
        writes: list[Callable[[], object]] = [
            lambda: other.merge(f"{path}/status", {"status": empty}),  # noqa: B023 - called at once
            lambda: other.merge(f"{path}/status", {"status": None}),  # noqa: B023 - as above
            lambda: other.apply(f"{path}/status", {"apiVersion": API_VERSION, "kind": kind, "status": empty}),  # noqa: B023 - as above
            lambda: edit(world, other, path, "/status", status=empty),  # noqa: B023 - as above
        ]

        assert [True] * 4 == ["403: " in said and WRITES in said for said in map(refusal, writes)]


def test_other_users_cannot_add_or_remove_the_finalizer(world: World, other: Kube) -> None:
    for path, finalizer in guarded(world).items():
        is_held(world, path, finalizer)
        for finalizers in ([], [OTHER], [finalizer, "mailtrap-operator.io/another"]):
            said = refusal(lambda: other.merge(path, {"metadata": {"finalizers": finalizers}}))  # noqa: B023 - called at once
            assert "403: " in said
            assert OURS in said
        assert [finalizer] == finalizers_of(world, path)


@pytest.mark.parametrize("finalizer", [FINALIZER, ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER])
def test_other_users_cannot_create_an_object_with_the_finalizer(
    world: World, other: Kube, finalizer: str
) -> None:
    held: Body = {"name": "born", "finalizers": [OTHER, finalizer]}
    account = world.kube.get(own_account(world)) or {}
    born = {
        f"{GROUP}/namespaces/{world.namespace}/apitokens": api_token(world, **held),
        f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts": {**account, "metadata": held},
        f"/api/v1/namespaces/{world.namespace}/secrets": {"metadata": held},
    }

    assert [True] * 3 == [
        OURS in refusal(lambda: other.create(path, body))  # noqa: B023 - called at once
        for path, body in born.items()
    ]


def test_cluster_wide_accounts_are_guarded_as_well(world: World) -> None:
    platform = Kube(world.cluster.kubeconfig_for("platform"))
    path = world.account_path()
    is_held(world, path, ACCOUNT_FINALIZER)

    assert WRITES in refusal(lambda: platform.merge(f"{path}/status", {"status": {"conditions": []}}))
    assert OURS in refusal(lambda: platform.merge(path, {"metadata": {"finalizers": None}}))
    assert "" == refusal(lambda: platform.merge(path, {"spec": {"refreshInterval": "11s"}}))
    platform.close()


def test_other_fields_may_be_written_by_everyone(world: World, other: Kube) -> None:
    for path, finalizer in guarded(world).items():
        # What an editor sends back has a status, which the API server leaves out.
        edited = partial(
            edit, world, other, path, metadata={"labels": {"by": "another"}}, status={"conditions": []}
        )
        noted = {"annotations": {"example.com/note": "x"}, "finalizers": [finalizer, OTHER]}
        assert "" == refusal(edited)
        assert "" == refusal(lambda: other.merge(path, {"metadata": noted}))  # noqa: B023 - called at once
        assert "" == refusal(lambda: other.merge(path, {"metadata": {"finalizers": [finalizer]}}))  # noqa: B023 - as above
    other.merge(world.api_token_path("own"), {"spec": {"displayName": "renamed"}})
    assert world.works(world.becomes_ready("own"))
    assert "TokenPublished" == world.condition("own")["reason"], "no status came with the rest"

    plain = {"name": "plain", "finalizers": [OTHER]}
    other.create(f"/api/v1/namespaces/{world.namespace}/secrets", {"metadata": plain})
    other.merge(world.secret_path("plain"), {"metadata": {"finalizers": None}})
    other.delete(world.secret_path("plain"))


def test_a_manifest_with_a_status_is_applied_without_it(world: World, other: Kube) -> None:
    body = {**api_token(world, "whole"), "status": {"tokenId": 1}}
    other.apply(world.api_token_path("whole"), body)

    value = world.becomes_ready("whole")
    assert 1 != world.status("whole")["tokenId"]
    other.delete(world.api_token_path("whole"))
    world.is_gone("whole")
    assert not world.works(value)


def test_the_operator_lives_a_whole_life_with_it(world: World) -> None:
    world.put_api_token("life")
    first = world.becomes_ready("life")
    world.request_rotation("life", "now")
    eventually(lambda: world.value("life") != first, "the token is rotated")
    second = world.becomes_ready("life")
    world.kube.delete(world.secret_path("life"))
    eventually(lambda: world.value("life") not in {None, second}, "the Secret comes back")
    third = world.becomes_ready("life")
    assert world.works(third)

    world.delete_api_token("life")

    world.is_gone("life")
    assert [] == [value for value in (first, second, third) if world.works(value)]
    assert [] == refused_to(world, world.user)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_what_an_owner_holds_is_collected_with_it(world: World, propagation: str) -> None:
    owners = f"/api/v1/namespaces/{world.namespace}/configmaps"
    owner = world.kube.create(owners, {"metadata": {"name": "owner"}})["metadata"]["uid"]
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner,
        "blockOwnerDeletion": True,
    }
    owned = api_token(world, "owned", ownerReferences=[reference])
    world.kube.create(f"{GROUP}/namespaces/{world.namespace}/apitokens", owned)
    value = world.becomes_ready("owned")

    world.kube.delete(f"{owners}/owner", propagationPolicy=propagation)

    world.is_gone("owned")
    eventually(lambda: world.kube.get(f"{owners}/owner") is None, "its owner is gone")
    assert not world.works(value)


def test_the_api_server_finds_no_fault_with_it(world: World) -> None:
    path = f"{POLICIES}/{world.namespace}"
    status = eventually(lambda: (world.kube.get(path) or {}).get("status"), "its types are checked")

    assert {} == status.get("typeChecking", {})


def test_in_an_emergency_it_is_switched_off_as_its_message_says(world: World, other: Kube) -> None:
    path = world.api_token_path("own")
    said = refusal(lambda: other.merge(path, {"metadata": {"finalizers": None}}))
    command = re.findall(r"kubectl (delete validatingadmissionpolicybinding \S+)$", said)
    binding = world.kube.get(f"{BINDINGS}/{world.namespace}") or {}

    world.cluster.kubectl(*command[0].split())

    annotated = {"metadata": {"finalizers": [FINALIZER, "mailtrap-operator.io/another"]}}
    eventually(lambda: refusal(lambda: other.merge(path, annotated)) == "", "it is off")
    world.kube.merge(path, {"metadata": {"finalizers": [FINALIZER]}})
    name = {"name": binding["metadata"]["name"]}
    world.kube.create(BINDINGS, {**binding, "metadata": name})
