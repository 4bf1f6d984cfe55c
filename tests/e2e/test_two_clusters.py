"""Two clusters on one Mailtrap account: each has its own tokens, and neither touches those of the other."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.kube import Kube
from tests.e2e.world import FAST, World, eventually

ROTATION = {"strategy": "Replace", "overlap": "1s"}


@pytest.fixture
def worlds(
    cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Provide two worlds that share the remote account, each with an operator of its own installation."""
    with ExitStack() as stack:
        both = (
            World(cluster, kube, simulator, tmp_path_factory.mktemp("one")),
            World(cluster, kube, simulator, tmp_path_factory.mktemp("other")),
        )
        for world, installation in zip(both, ("clustr", "anothr"), strict=True):
            stack.enter_context(world.operator(*FAST, installation=installation))
        yield both


def put(world: World, **more: object) -> str:
    """Apply an ApiToken that has the same name in both clusters."""
    world.put_api_token("billing", rotation=ROTATION, displayName="billing mailer", **more)
    return world.becomes_ready("billing")


def test_neither_touches_the_tokens_of_the_other(worlds: tuple[World, World]) -> None:
    one, other = worlds
    value = put(one)
    others, before = put(other), one.last_call()

    put(one, expiration={"policy": "Never"})
    eventually(lambda: not one.status("billing").get("previous"), "the old token is deleted")
    one.kube.delete(one.secret_path("billing"))
    eventually(lambda: one.value("billing"), "the Secret is whole again")
    one.delete_api_token("billing")
    one.is_gone("billing")

    assert not one.works(value)
    assert others == other.value("billing")
    assert other.works(others)
    touched = {call["token_id"] for call in one.mutations() if before < call["seq"]}
    assert other.status("billing")["tokenId"] not in touched
    assert [other.status("billing")["tokenId"]] == [token["id"] for token in other.living()]
