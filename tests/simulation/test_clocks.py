"""Clocks that differ: who is told, what is not issued because of it, and that it continues when they agree again."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.simulation.account_flows import ACCOUNT
from tests.simulation.flows import is_served
from tests.simulation.network import Network
from tests.simulation.outcomes import Kind
from tests.simulation.world import World, api_token_path
from tests.unit.clock import virtual

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO_DAYS = {"policy": "After", "after": "48h"}
FIVE_YEARS = {"policy": "After", "after": "1825d"}


async def world_with(ahead: timedelta, **spec: Any) -> World:
    """Return a world whose Mailtrap has a clock that is ahead, an hour after an object was made."""
    world = World(Network())
    world.remote.skew = ahead
    await world.start_operator()
    world.put_api_token(**spec)
    await asyncio.sleep(HOUR.total_seconds())
    return world


def told(world: World, type_: str, path: str | None = None) -> tuple[str, str]:
    condition = world.condition(type_, path)
    return condition.get("reason", ""), condition.get("message", "")


@pytest.mark.parametrize(
    ("ahead", "expiration", "refusal", "apart"),
    [
        pytest.param(
            3 * DAY, TWO_DAYS, "base: Expiration date must be in the future", "3d behind", id="behind"
        ),
        pytest.param(
            -3 * DAY, FIVE_YEARS, "expires_at: must be within 5 years from now", "3d ahead of", id="ahead"
        ),
    ],
)
@virtual
async def test_a_duration_that_one_clock_refuses_is_never_the_specs_fault(
    ahead: timedelta, expiration: Any, refusal: str, apart: str
) -> None:
    world = await world_with(ahead, expiration=expiration)

    message = (
        f'Mailtrap answered 422: "{refusal}". spec.expiration.after is counted by the operator\'s clock, which is {apart} '
        "Mailtrap's. Correct the clock that is wrong; it is tried again."
    )
    assert ("ClockSkewed", message) == told(world, "Ready") == told(world, "Stalled")
    assert told(world, "ClockSkewed", ACCOUNT)[1].startswith(f"The operator's clock is {apart} Mailtrap's,")


@virtual
async def test_it_continues_by_itself_when_the_clocks_agree_again() -> None:
    world = await world_with(3 * DAY, expiration=TWO_DAYS)

    world.remote.skew = timedelta()
    await asyncio.sleep(3 * HOUR.total_seconds())

    assert is_served(world)
    assert {} == world.condition("ClockSkewed", ACCOUNT)


@virtual
async def test_a_date_that_has_passed_by_one_clock_names_both_ways_out() -> None:
    world = await world_with(3 * DAY, expiration={"policy": "At", "at": "2026-03-03T12:00:00Z"})

    reason, message = told(world, "Ready")
    assert reason == "ClockSkewed"
    assert "Correct the clock that is wrong, or spec.expiration.at;" in message


@virtual
async def test_a_date_that_has_passed_by_both_is_the_specs_fault() -> None:
    world = await world_with(3 * DAY, expiration={"policy": "At", "at": "2026-03-01T11:00:00Z"})

    reason, message = told(world, "Stalled")
    assert reason == "RequestRefused"
    assert message.endswith("Correct the spec.")


@virtual
async def test_a_reset_that_one_clock_refuses_is_tried_again_and_not_replaced() -> None:
    world = await world_with(timedelta(), expiration={"policy": "After", "after": "90d"})
    value = world.published_value()
    world.remote.skew = 3 * DAY
    world.write("PATCH", api_token_path(), {"spec": {"expiration": TWO_DAYS}})
    await asyncio.sleep(HOUR.total_seconds())

    assert value == world.published_value()
    assert "ClockSkewed" == told(world, "Stalled")[0]
    world.network.is_counting = True
    world.remote.skew = timedelta()
    await asyncio.sleep(3 * HOUR.total_seconds())

    assert is_served(world)
    assert ["POST {id}/api_tokens/{id}/reset"] == [
        call.what for call in world.network.calls if call.kind is Kind.REMOTE_MUTATION
    ]


@virtual
async def test_old_tokens_whose_overlap_is_over_go_all_the_same() -> None:
    spec = {"expiration": {"policy": "After", "after": "90d"}, "rotation": {"strategy": "Replace"}}
    world = await world_with(timedelta(), **spec)
    (body,) = world.api_tokens()
    (first,) = world.owned(body)
    world.request_rotation()
    await asyncio.sleep(60)
    world.remote.skew = 3 * DAY
    world.write("PATCH", api_token_path(), {"spec": {"expiration": TWO_DAYS}})
    await asyncio.sleep(DAY.total_seconds())

    assert "ClockSkewed" == told(world, "Stalled")[0]
    assert first.id not in world.remote_tokens()


@pytest.mark.parametrize("ahead", [3 * DAY, -3 * DAY, timedelta(minutes=6)], ids=str)
@virtual
async def test_unchanged_condition_is_written_once(ahead: timedelta) -> None:
    world = await world_with(ahead, expiration={"policy": "After", "after": "90d"})
    assert is_served(world)
    assert "ClockSkewed" == told(world, "ClockSkewed", ACCOUNT)[0]

    world.network.is_counting = True
    await asyncio.sleep(DAY.total_seconds())

    assert [] == [call.what for call in world.network.calls if call.kind is Kind.KUBERNETES_WRITE]
