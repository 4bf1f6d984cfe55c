"""What the operator may look at: asked for once, and where a right is needed that is not there, said clearly."""

from collections.abc import Iterable
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Failure, Terminal
from mailtrap_operator.runtime.scope import Scope, find_scope
from tests.simulation.kubernetes.connection import Request
from tests.unit.clients.fake_kube import FakeKube


class Reviewer(FakeKube):
    """An API server that reviews what this user may do with ClusterMailtrapAccounts, and keeps nothing."""

    def __init__(self, *allowed: str) -> None:
        super().__init__()
        self._allowed = allowed

    def carry_out(self, request: Request) -> tuple[int, Any]:
        """Review."""
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        assert ("POST", path) == (request.method, request.path)
        asked = request.body["spec"]["resourceAttributes"]
        assert ("mailtrap-operator.io", "clustermailtrapaccounts") == (asked["group"], asked["resource"])
        return 201, {**request.body, "status": {"allowed": asked["verb"] in self._allowed}}


@pytest.mark.parametrize(
    ("allowed", "namespaces", "sees"),
    [
        (("list", "watch"), (), True),
        (("list", "watch"), ("team",), True),
        (("list",), ("team",), False),
        (("watch",), ("team",), False),
        ((), ("team",), False),
    ],
)
async def test_single_namespaces_are_served_without_a_right_in_the_cluster(
    allowed: Iterable[str], namespaces: tuple[str, ...], sees: Any
) -> None:
    scope = await find_scope(Reviewer(*allowed), namespaces, watches_secrets=False)

    assert Scope(namespaces, watches_secrets=False, sees_cluster_accounts=sees) == scope


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [((), "list and watch"), (("list",), "watch"), (("watch",), "list")],
)
async def test_the_right_that_all_namespaces_take_is_named(allowed: Iterable[str], missing: str) -> None:
    with pytest.raises(Terminal, match=f"has no right to {missing} clustermailtrapaccounts of the group"):
        await find_scope(Reviewer(*allowed), (), watches_secrets=True)


async def test_an_api_server_that_cannot_tell_is_no_refusal() -> None:
    kube = Reviewer()
    kube.fail("POST", "selfsubjectaccessreviews", 503)

    with pytest.raises(Failure, match="503"):
        await find_scope(kube, ("team",), watches_secrets=True)
