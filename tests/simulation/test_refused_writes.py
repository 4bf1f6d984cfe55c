"""How soon an object continues when whatever refused a write of Kubernetes was repaired."""

import asyncio

from tests.simulation.flows import is_served
from tests.simulation.network import Call, Network, Script, all_is_well
from tests.simulation.outcomes import OK, Outcome, Seen
from tests.simulation.world import World, api_token_path
from tests.unit.clock import virtual

HOUR = 3600.0
REFUSED = Outcome("403", Seen.STATUS, status=403)


def refusing(what: str) -> Script:
    return lambda call: REFUSED if call.what == what else OK


async def a_world() -> World:
    world = World(Network(is_counting=True))
    world.network.on_change = world.note_change
    await world.start_operator()
    return world


@virtual
async def test_a_finalizer_that_could_not_be_removed_goes_soon_after_what_refused_it() -> None:
    world = await a_world()
    world.put_api_token()
    await asyncio.sleep(60)
    world.network.script = refusing("PATCH apitokens")
    world.delete(api_token_path())
    await asyncio.sleep(HOUR)
    assert world.read(api_token_path())

    world.network.script = all_is_well
    await asyncio.sleep(15)

    assert world.read(api_token_path()) is None
    await world.stop_operators()


@virtual
async def test_an_edit_of_a_label_has_an_object_looked_at_that_waits_after_a_refusal() -> None:
    world = await a_world()

    def refuse(call: Call) -> Outcome:
        return REFUSED if "(dry run)" in call.what else OK

    world.network.script = refuse
    world.put_api_token()
    await asyncio.sleep(HOUR)
    assert "SecretWriteRefused" == world.condition("Stalled")["reason"]

    world.network.script = all_is_well
    world.write("PATCH", api_token_path(), {"metadata": {"labels": {"touched": "yes"}}})
    await asyncio.sleep(5)

    assert is_served(world)
    await world.stop_operators()
