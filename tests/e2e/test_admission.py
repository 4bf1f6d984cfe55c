"""Policies on the real API server that change what the operator writes: few writes, few calls, and a name for it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.admission import policy_in_force
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.modes import Mode
from tests.e2e.world import API_VERSION, World, eventually, served

FINALIZER = "mailtrap-operator.io/revoke-remote-tokens"
TEAM = {"metadata": {"labels": {"team": "payments"}}}
CAPITALS = 'Object{metadata: Object.metadata{labels: {"team": "PAYMENTS"}}}'
NO_FINALIZERS = (
    'has(object.metadata.finalizers) ? [JSONPatch{op: "remove", path: "/metadata/finalizers"}] : []'
)
OTHER_DATA = (
    'has(object.data) && "token" in object.data ? '
    '[JSONPatch{op: "replace", path: "/data/token", value: "b3RoZXI="}] : []'
)


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for all tests of this file."""
    with served(cluster, kube, tmp_path_factory.mktemp("admission"), mode) as world:
        yield world


def patch_of(expression: str) -> Body:
    if expression.startswith("Object{"):
        return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


@contextmanager
def changing(world: World, resource: str, expression: str, is_in_force: Callable[[], bool]) -> Iterator[None]:
    """Have an admission policy change each write of a resource in this world's namespace."""
    group = "" if resource == "secrets" else "mailtrap-operator.io"
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    policy = {
        "matchConstraints": {
            "resourceRules": [rule | {"resources": [resource]}],
            "namespaceSelector": here,
        },
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "mutations": [patch_of(expression)],
    }
    with policy_in_force(world, "mutatingadmissionpolicy", policy, {}, is_in_force):
        yield


def tried_secret(world: World) -> Body:
    """Return a Secret as the API server would store it."""
    body = {"metadata": {"name": "trial", "labels": {"team": "payments"}}, "data": {"token": "eA=="}}
    return world.kube.create(f"/api/v1/namespaces/{world.namespace}/secrets?dryRun=All", body)


def tried_api_token(world: World) -> Body:
    """Return an ApiToken as the API server would store it."""
    body: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "ApiToken",
        "metadata": {"name": "trial", "finalizers": ["example.com/x"]},
        "spec": {"resources": [{"type": "account", "id": 3229, "accessLevel": "Viewer"}]},
    }
    return world.kube.create(f"{GROUP}/namespaces/{world.namespace}/apitokens?dryRun=All", body)


def rewrites(world: World, resource: str, name: str) -> int:
    """Return how often the operator wrote an object after it was there."""
    places = [write["objectRef"] for write in world.writes() if write["verb"] != "create"]
    return sum((place["resource"], place.get("name")) == (resource, name) for place in places)


def are_served_meanwhile(world: World, prefix: str) -> None:
    """Have some more objects served: a write that is repeated at once is repeated many times in that time."""
    for number in range(3):
        world.put_api_token(f"{prefix}-{number}")
        world.becomes_ready(f"{prefix}-{number}")


def most_rewrites(since: float) -> float:
    """Return how many writes of one object may be made in vain: the first ones, and one a minute."""
    return 3 + (time.monotonic() - since) / 60


def test_a_label_that_a_policy_changes_makes_no_loop(world: World) -> None:
    def is_in_force() -> bool:
        return "PAYMENTS" in tried_secret(world)["metadata"]["labels"].values()

    begun = time.monotonic()
    with changing(world, "secrets", CAPITALS, is_in_force):
        world.put_api_token("labelled", secretTemplate=TEAM)
        value = world.becomes_ready("labelled")
        told = world.becomes("labelled", "RevertedAtAdmission", "WriteReverted")
        before = world.last_call()
        are_served_meanwhile(world, "beside-labelled")

        assert "Secret labelled: metadata.labels.team" in told["message"]
        assert rewrites(world, "secrets", "labelled") <= most_rewrites(begun)
        assert ["create"] * 3 == world.operations(before)
        assert ({}, {}) == tuple(world.condition("labelled", type_) for type_ in ("Reconciling", "Stalled"))
        assert world.works(value)
        world.request_rotation("labelled", "now")
        eventually(lambda: world.value("labelled") not in {None, value}, "it is rotated all the same")

    world.put_api_token("labelled", secretTemplate={"metadata": {"labels": {"team": "billing"}}})
    eventually(lambda: world.condition("labelled", "WriteReverted") == {}, "nothing is told any more")


def test_no_token_is_issued_for_a_secret_that_cannot_hold_its_value(world: World) -> None:
    before = world.last_call()
    with changing(world, "secrets", OTHER_DATA, lambda: tried_secret(world)["data"]["token"] == "b3RoZXI="):
        world.put_api_token("changed")
        refused = world.becomes("changed", "SecretWriteRefused")

        assert "data.token" in refused["message"]
        assert [] == world.operations(before)

    world.kube.merge(world.api_token_path("changed"), {"metadata": {"annotations": {"look": "again"}}})
    assert world.works(world.becomes_ready("changed"))


def test_no_token_is_issued_for_an_object_that_cannot_keep_its_finalizer(world: World) -> None:
    world.put_api_token("kept")
    value = world.becomes_ready("kept")
    before, begun = world.last_call(), time.monotonic()

    def is_in_force() -> bool:
        return "finalizers" not in tried_api_token(world)["metadata"]

    with changing(world, "apitokens", NO_FINALIZERS, is_in_force):
        world.put_api_token("bare")
        refused = world.becomes("bare", "RevertedAtAdmission", "Stalled")
        world.kube.merge(world.api_token_path("kept"), {"metadata": {"labels": {"touched": "yes"}}})
        world.becomes("kept", "RevertedAtAdmission", "WriteReverted")

        assert FINALIZER in refused["message"]
        assert [] == world.operations(before)
        assert "True" == world.condition("kept")["status"]
        assert world.works(value)
        assert rewrites(world, "apitokens", "bare") <= 2 * most_rewrites(begun)
