"""What operators of this kind are known to do wrong, and this one does not."""

import asyncio
from copy import deepcopy
from typing import Any

from tests.simulation.consumer import NAME as CONSUMER
from tests.simulation.flows import is_served
from tests.simulation.network import Network
from tests.simulation.outcomes import Kind
from tests.simulation.world import Body, World, api_token_path, secret_path
from tests.unit.clock import virtual

MANY = 1000
TARGETS = [{"kind": "Deployment", "name": CONSUMER}]


def mutations(world: World) -> list[str]:
    return [call.what for call in world.network.calls if call.kind is Kind.REMOTE_MUTATION]


def read(world: World, path: str) -> Body:
    body = world.read(path)
    assert body is not None
    return deepcopy(dict(body))


@virtual
async def test_a_restart_with_a_thousand_objects_rotates_and_restarts_nothing() -> None:
    world = World(Network())
    await world.start_operator()
    for number in range(MANY):
        world.put_api_token(f"shop-{number}", rolloutRestartTargets=TARGETS)
    await asyncio.sleep(600)
    assert is_served(world)
    await world.stop_operators()
    world.network.is_counting = True

    await world.start_operator()
    await asyncio.sleep(120)

    writes = [call.what for call in world.network.calls if call.kind is Kind.KUBERNETES_WRITE]
    assert ([], []) == (mutations(world), writes)
    await world.stop_operators()


@virtual
async def test_a_stale_watch_after_a_rotation_mints_nothing() -> None:
    world = World(Network())
    operator = await world.start_operator()
    world.put_api_token()
    await asyncio.sleep(30)
    before: tuple[Any, ...] = read(world, api_token_path()), read(world, secret_path())
    world.request_rotation()
    await asyncio.sleep(30)
    world.network.is_counting = True

    for _ in range(3):
        operator.operator.informer.api_token(deepcopy(before[0]))
        operator.operator.informer.secret(deepcopy(before[1]))
        await asyncio.sleep(5)

    assert [] == mutations(world)
    await world.stop_operators()
