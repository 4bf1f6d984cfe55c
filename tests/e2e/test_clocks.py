"""A remote server whose clock is days ahead: the account and the ApiToken say so, and go on when the clocks agree again."""

from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import condition_of
from tests.e2e.kube import Kube
from tests.e2e.modes import Mode
from tests.e2e.world import World, eventually, served

DAY = 24 * 3600


@pytest.fixture
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide a served world whose remote server has a clock of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("clocks"), mode) as world:
        yield world


def test_clocks_that_differ_by_days_are_named_and_not_the_spec(world: World) -> None:
    world.simulator.control("POST", "clock", {"offset": 3 * DAY})
    eventually(lambda: condition_of(world, "ClockSkewed"), "the account tells of the clocks")

    world.put_api_token("short", expiration={"policy": "After", "after": "2d"})
    world.put_api_token("long", expiration={"policy": "After", "after": "90d"})

    message = world.becomes("short", "ClockSkewed")["message"]
    assert "the operator's clock, which is 3d behind Mailtrap's" in message
    assert "Correct the spec" not in message
    assert [] == world.tokens_of("short")
    assert world.works(world.becomes_ready("long"))
    told = condition_of(world, "ClockSkewed")
    assert ("True", "ClockSkewed") == (told["status"], told["reason"])
    assert told["message"].startswith(
        "The operator's clock is 3d behind Mailtrap's, by the Date of its answers."
    )

    world.simulator.control("POST", "clock", {"offset": 0})
    assert world.works(world.becomes_ready("short"))
    eventually(lambda: not condition_of(world, "ClockSkewed"), "the clocks agree again")
