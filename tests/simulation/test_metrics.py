"""What the operator counts, it counts in the life of an object: a metric that is never counted would say nothing."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from tests.simulation.network import Network
from tests.simulation.world import World, api_token_path
from tests.unit.clock import virtual

HOUR = 3600.0


@virtual
async def test_every_counter_counts_in_the_life_of_an_object() -> None:
    world = World(Network(is_counting=True))
    world.network.on_change = world.note_change
    operator = await world.start_operator()
    world.put_api_token()
    await asyncio.sleep(HOUR)
    world.delete(api_token_path())
    await asyncio.sleep(HOUR)

    families = text_string_to_metric_families(operator.operator.metrics.exposition().decode())
    counted = {each.name: sum(s.value for s in each.samples) for each in families if each.type == "counter"}
    await world.stop_operators()

    assert counted
    assert [] == [name for name, value in counted.items() if not value]
