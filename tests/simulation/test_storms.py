"""Objects whose tokens cannot be issued wait longer and longer: they do not keep each other awake."""

import asyncio

import pytest

from tests.simulation.network import Call, Network, all_is_well
from tests.simulation.outcomes import ALL, LOST, OK, UNREACHABLE, Kind, Outcome
from tests.simulation.world import World
from tests.unit.clock import virtual

OBJECTS = 4
MINUTES = 5
MOST = 10
"""How many attempts fit into so many minutes: half a second after the first one, then twice as long each time."""

_PAGE = next(outcome for outcome in ALL[Kind.REMOTE_MUTATION] if outcome.name == "502 HTML after effect")


@pytest.mark.parametrize("outcome", [_PAGE, LOST], ids=str)
@virtual
async def test_lost_answers_make_no_storm(outcome: Outcome) -> None:
    network = Network(lambda call: outcome if call.kind is Kind.REMOTE_MUTATION else OK, is_counting=True)
    world = World(network)
    await world.start_operator()

    for number in range(OBJECTS):
        world.put_api_token(f"shop-{number}")
    await asyncio.sleep(60 * MINUTES)

    attempts = sum(call.kind is Kind.REMOTE_MUTATION for call in network.calls)
    assert attempts <= MOST * OBJECTS
    await world.stop_operators()


@virtual
async def test_when_one_finds_the_account_usable_again_all_are_served() -> None:
    network = Network(_silent, is_counting=True)
    world = World(network)
    await world.start_operator()
    for number in range(OBJECTS):
        world.put_api_token(f"shop-{number}")
    await asyncio.sleep(60 * MINUTES)

    network.script = all_is_well
    for _ in range(60 * MINUTES):
        await asyncio.sleep(1)
        if any(_served(world)):
            break
    await asyncio.sleep(1)

    assert [True] * OBJECTS == _served(world)
    await world.stop_operators()


def _silent(call: Call) -> Outcome:
    return UNREACHABLE if call.kind in {Kind.REMOTE_READ, Kind.REMOTE_MUTATION} else OK


def _served(world: World) -> list[bool]:
    return [world.secret_of(body) is not None for body in world.api_tokens()]
