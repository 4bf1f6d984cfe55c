"""What each flow costs when nothing goes wrong, call by call: no more than the protocol needs."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from mailtrap_operator.settings import RateLimit, Settings
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.network import Network, all_is_well
from tests.simulation.operator_instance import Setup
from tests.simulation.outcomes import Kind
from tests.simulation.runs import without_faults
from tests.simulation.world import World, api_token_path
from tests.unit.clock import virtual

COLUMNS = (
    Kind.REMOTE_MUTATION,
    Kind.REMOTE_READ,
    Kind.KUBERNETES_WRITE,
    Kind.KUBERNETES_READ,
    Kind.DRY_RUN,
    Kind.EVENT,
)
Cost = tuple[int, ...]


def plus(*costs: Cost) -> Cost:
    return tuple(map(sum, zip(*costs, strict=True)))


HELD = (0, 1, 3, 1, 0, 0)
"""The first token of an account: it is listed, and it and its credential get their finalizers."""

FREED = (0, 1, 3, 2, 0, 0)
"""The last token of an account: it is listed, and it and its credential are released."""

TOLD_TO_WAIT = (0, 1, 1, 3, 0, 1)
"""The condition that says what a rotation waits for."""

TARGETS_NAMED = (0, 0, 0, 2, 0, 0)
"""A spec that names one workload to restart: it is looked at by what is known, and afresh."""

PODS_END = (0, 2, 2, 11, 0, 0)
"""The wait for pods that no count contains: its end is recorded, and it is looked at until then."""

LOOKED_UP = (0, 1, 0, 1, 0, 0)
"""Resources that no token was issued for yet, be they given by id or by name."""

BUDGET = {
    "create": plus((1, 1, 4, 3, 1, 1), HELD, LOOKED_UP),
    "create with a named resource": plus((1, 1, 4, 3, 1, 1), HELD, LOOKED_UP),
    "reset": (1, 2, 3, 6, 1, 1),
    "replace": plus((2, 4, 5, 13, 1, 2), LOOKED_UP),
    "rotation requested": (1, 2, 3, 6, 1, 1),
    "rotation in a window": plus((1, 2, 3, 6, 1, 1), TOLD_TO_WAIT),
    "workload restarted": plus((2, 7, 9, 32, 1, 3), TARGETS_NAMED, PODS_END),
    "adopted": (1, 9, 4, 16, 0, 2),
    "permissions changed in Mailtrap": (2, 5, 6, 14, 1, 2),
    "Secret lost": (1, 2, 3, 4, 1, 1),
    "status lost": (0, 2, 2, 6, 0, 0),
    "Secret and status lost": plus((2, 5, 6, 14, 1, 3), LOOKED_UP),
    "Secret renamed": (0, 3, 5, 12, 1, 0),
    "credential replaced": plus((1, 2, 3, 6, 1, 1), LOOKED_UP),
    "delete": plus((1, 3, 3, 10, 0, 1), FREED),
    "deleted while created": plus((2, 5, 8, 16, 1, 2), HELD, FREED, LOOKED_UP),
    "retain": plus((0, 1, 2, 3, 0, 1), FREED),
}


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_a_flow_costs_no_more_than_it_must(flow: Flow) -> None:
    cost = Counter(call.kind for call in without_faults(flow).calls)

    assert BUDGET[flow.name] == tuple(cost[kind] for kind in COLUMNS)


@virtual
async def test_deletions_that_wait_for_the_rate_limit_share_their_lists() -> None:
    limit, number = RateLimit(70, timedelta(seconds=10)), 150
    usual = Settings(namespace="mailtrap-system", resync_interval=timedelta(hours=1), rate_limit=limit)
    network = Network(all_is_well, is_counting=True)
    world = World(network, setup=Setup(settings=usual))
    await world.start_operator()
    paths = [api_token_path(f"shop-{each}") for each in range(number)]
    for each in range(number):
        world.put_api_token(f"shop-{each}")
    await asyncio.sleep(120)
    network.calls.clear()

    for path in paths:
        world.delete(path)
    await asyncio.sleep(60)

    kinds = Counter(call.kind for call in network.calls)
    assert [] == [path for path in paths if world.read(path)]
    assert (number, 21) == (kinds[Kind.REMOTE_MUTATION], kinds[Kind.REMOTE_READ])
    await world.stop_operators()


TOLD = {
    "first token of an account": "create",
    "rotation by reset": "reset",
    "rotation by replace, for other permissions": "replace",
    "Secret lost": "Secret lost",
    "adoption": "adopted",
    "deletion of the last token of an account": "delete",
}
"""How docs/sizing.md calls the flows."""


def test_the_documented_costs_are_these() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sizing.md").read_text()
    told = dict(re.findall(r"^\| ([^|]+) \| (\d+ \| \d+ \| \d+) \|$", page, re.MULTILINE))

    assert {words: " | ".join(map(str, BUDGET[flow][:3])) for words, flow in TOLD.items()} == told
