"""Two operators of different installations over one namespace: one serves an object, the other says so once and keeps quiet."""

import asyncio
from collections import Counter

import pytest

from mailtrap_operator.api.names import ABANDON_ANNOTATION, ACCOUNT_FINALIZER
from mailtrap_operator.runtime.scope import Scope
from tests.simulation.flows import is_served
from tests.simulation.network import Network
from tests.simulation.operator_instance import USUAL, OperatorInstance, Setup, Sight
from tests.simulation.outcomes import Kind
from tests.simulation.world import GROUP, Saved, World, api_token_path, secret_path, value_in
from tests.unit.clock import run_virtual, virtual

OTHER = Setup(installation="cloned")
HOUR = 3600.0
STATUS = "PUT apitokens/status"


async def start(world: World, setup: Setup) -> OperatorInstance:
    world.setup = setup
    return await world.start_operator()


def a_world(saved: Saved | None = None) -> World:
    network = Network(is_counting=True)
    world = World(network, saved=saved)
    network.on_change = world.note_change
    return world


def of_statuses(world: World) -> Counter[str]:
    """Return how many statuses of ApiTokens each operator has written."""
    return Counter(call.operator for call in world.network.calls if call.what == STATUS)


def writers(world: World) -> set[str]:
    """Return who has written ApiTokens."""
    calls = (call for call in world.network.calls if call.kind is Kind.KUBERNETES_WRITE)
    return {call.operator for call in calls if " apitokens" in call.what}


def mutations(world: World) -> list[str]:
    return [call.what for call in world.network.calls if call.kind is Kind.REMOTE_MUTATION]


def reason(world: World) -> str:
    return str(world.condition("Ready").get("reason"))


def served() -> Saved:
    """Return a world with one object that an operator of the usual installation has served."""

    async def live() -> Saved:
        world = World(Network())
        world.put_api_token()
        return await world.served()

    return run_virtual(live())


SERVED = served()


async def both(saved: Saved = SERVED) -> tuple[World, OperatorInstance, OperatorInstance]:
    """Start the operator that serves the object, then the other one."""
    world = a_world(saved)
    one = await start(world, USUAL)
    other = await start(world, OTHER)
    await asyncio.sleep(60)
    return world, one, other


@virtual
async def test_second_installation_reports_once_and_nothing_flaps() -> None:
    world, one, other = await both()
    await asyncio.sleep(3 * HOUR)

    assert "TokenPublished" == reason(world)
    assert {one.life.name: 1, other.life.name: 1} == of_statuses(world)
    assert [] == mutations(world)
    assert {} == world.condition("Stalled")
    await world.stop_operators()


@virtual
async def test_it_is_not_said_again_by_who_starts_again() -> None:
    world, _, other = await both()
    other.life.is_alive = False
    world.network.calls.clear()

    await start(world, OTHER)
    await asyncio.sleep(HOUR)

    assert Counter() == of_statuses(world)
    await world.stop_operators()


@virtual
async def test_a_change_is_answered_by_who_serves_the_object_alone() -> None:
    world, one, _ = await both()
    world.network.calls.clear()

    world.put_api_token(resources=[{"type": "domain", "id": 2, "accessLevel": "Viewer"}])
    world.write(
        "PATCH", api_token_path(), {"metadata": {"annotations": {"mailtrap-operator.io/rotate": "1"}}}
    )
    await asyncio.sleep(HOUR)

    assert is_served(world)
    assert {one.life.name} == set(of_statuses(world))
    await world.stop_operators()


@virtual
async def test_a_lost_secret_is_created_again_by_who_serves_the_object_alone() -> None:
    world, one, _ = await both()
    world.network.calls.clear()

    world.delete(secret_path())
    await asyncio.sleep(HOUR)

    assert is_served(world)
    assert {one.life.name} == set(of_statuses(world))
    await world.stop_operators()


@virtual
async def test_an_object_that_both_see_first_gets_one_token() -> None:
    world = a_world()
    await start(world, USUAL)
    await start(world, OTHER)

    world.put_api_token()
    await asyncio.sleep(HOUR)

    assert "TokenPublished" == reason(world)
    living = [token for token in world.remote_tokens().values() if token.id not in world.foreign]
    assert [value_in(world.read(secret_path()))] == [token.value for token in living]
    assert 6 >= of_statuses(world).total()
    world.network.calls.clear()
    await asyncio.sleep(HOUR)
    assert Counter() == of_statuses(world)
    await world.stop_operators()


@virtual
async def test_a_trouble_that_both_have_is_told_by_one() -> None:
    world = a_world()
    await start(world, USUAL)
    await start(world, OTHER)

    world.put_api_token(accountRef={"kind": "ClusterMailtrapAccount", "name": "nowhere"})
    await asyncio.sleep(HOUR)

    assert "AccountNotFound" == reason(world)
    assert 2 >= of_statuses(world).total()
    await world.stop_operators()


@virtual
async def test_a_deletion_is_left_to_who_serves_the_object() -> None:
    world, one, _ = await both()
    world.network.calls.clear()

    world.delete(api_token_path())
    await asyncio.sleep(HOUR)

    assert world.read(api_token_path()) is None
    assert world.foreign == world.remote_tokens().keys()
    assert {one.life.name} == writers(world)
    await world.stop_operators()


@pytest.mark.parametrize("is_abandoned", [False, True], ids=["retained", "abandoned"])
@virtual
async def test_tokens_are_left_behind_by_who_serves_the_object(*, is_abandoned: bool) -> None:
    world, one, _ = await both()
    if is_abandoned:
        world.write("PATCH", api_token_path(), {"metadata": {"annotations": {ABANDON_ANNOTATION: "true"}}})
    else:
        world.put_api_token(deletionPolicy="Retain")
    await asyncio.sleep(60)
    world.network.calls.clear()

    world.delete(api_token_path())
    await asyncio.sleep(HOUR)

    assert world.read(api_token_path()) is None
    assert {one.life.name} == writers(world)
    account = world.read(f"{GROUP}/clustermailtrapaccounts/default") or {}
    assert is_abandoned != bool(account["status"].get("retained"))
    await world.stop_operators()


@virtual
async def test_when_the_other_one_is_gone_a_change_that_no_one_answers_brings_the_word_back() -> None:
    world, one, _ = await both()
    one.life.is_alive = False
    await asyncio.sleep(HOUR)
    assert "TokenPublished" == reason(world)
    world.network.calls.clear()

    world.put_api_token(resources=[{"type": "domain", "id": 2, "accessLevel": "Viewer"}])
    await asyncio.sleep(HOUR)

    assert "InstallationMismatch" == reason(world)
    assert 1 == of_statuses(world).total()
    # The way out that the message names: to continue as the installation that is gone.
    await world.stop_operators()
    await start(world, USUAL)
    await asyncio.sleep(60)
    assert is_served(world)
    await world.stop_operators()


@virtual
async def test_when_the_other_one_is_gone_the_object_that_is_applied_again_gets_a_token_of_its_own() -> None:
    world, one, _ = await both()
    one.life.is_alive = False

    world.write("PATCH", api_token_path(), {"metadata": {"annotations": {ABANDON_ANNOTATION: "true"}}})
    world.delete(api_token_path())
    await asyncio.sleep(HOUR)
    assert world.read(api_token_path()) is None
    world.collect_garbage()
    world.put_api_token()
    await asyncio.sleep(60)

    assert "TokenPublished" == reason(world)
    await world.stop_operators()


@virtual
async def test_operators_of_other_namespaces_that_share_an_account_leave_it_alone() -> None:
    world = a_world(SERVED)
    await start(world, USUAL)
    world.sight = Sight(Scope(namespaces=("elsewhere",)))
    await start(world, OTHER)
    await asyncio.sleep(60)
    world.network.calls.clear()

    await asyncio.sleep(10 * HOUR)

    assert [] == [call.what for call in world.network.calls if call.kind is Kind.KUBERNETES_WRITE]
    account = world.read(f"{GROUP}/clustermailtrapaccounts/default") or {}
    assert [ACCOUNT_FINALIZER] == account["metadata"]["finalizers"]
    await world.stop_operators()


@virtual
async def test_an_id_that_someone_writes_into_the_status_stops_nothing_where_the_secret_says_otherwise() -> (
    None
):
    world = a_world(SERVED)
    await start(world, USUAL)
    forged = {"status": {"installation": "forged", "contenders": ["testaa", "forged"]}}
    world.write("PATCH", f"{api_token_path()}/status", forged)
    world.request_rotation()
    await asyncio.sleep(60)

    assert is_served(world)
    await world.stop_operators()
