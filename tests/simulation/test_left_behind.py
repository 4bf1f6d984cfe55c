"""Secrets that the operator itself left behind, and Secrets that change hands: who holds what, and what becomes of the tokens."""

import asyncio
import re
from typing import Any

from mailtrap_operator.api.names import ISSUANCE, OWNER
from tests.simulation.flows import is_served
from tests.simulation.network import Network
from tests.simulation.world import GROUP, World, api_token_path, secret_path, value_in
from tests.unit.clock import virtual

DAY = 24 * 3600.0
ORPHAN = {"creationPolicy": "Orphan"}


def a_world() -> World:
    network = Network(is_counting=True)
    world = World(network)
    network.on_change = world.note_change
    return world


async def served(world: World, name: str = "billing", **spec: Any) -> str:
    world.put_api_token(name, **spec)
    await asyncio.sleep(60)
    value = value_in(world.read(secret_path(spec.get("secretName", name))))
    assert value is not None
    return value


def living(world: World) -> set[str]:
    return {token.value for token in world.remote_tokens().values() if token.id not in world.foreign}


def held(world: World, name: str = "billing") -> str:
    return str(value_in(world.read(secret_path(name))))


def orphans(world: World) -> list[int]:
    account = world.read(f"{GROUP}/clustermailtrapaccounts/default") or {}
    return [
        orphan["id"] for orphan in account["status"].get("orphans", ()) if orphan["id"] not in world.foreign
    ]


def stalled(world: World, name: str = "billing") -> str:
    return str(world.condition("Stalled", api_token_path(name)).get("message"))


@virtual
async def test_a_secret_with_a_dead_value_is_taken_over_by_the_next_object_of_that_name() -> None:
    world = a_world()
    await world.start_operator()
    former = await served(world, **ORPHAN)
    world.delete(api_token_path())
    await asyncio.sleep(60)
    assert former == held(world)

    await served(world, **ORPHAN)

    assert is_served(world)
    assert {held(world)} == living(world) != {former}
    await world.stop_operators()


@virtual
async def test_a_secret_with_a_living_value_is_taken_over_and_the_token_is_told_from_then_on() -> None:
    world = a_world()
    await world.start_operator()
    former = await served(world)
    (token,) = (t for t in world.remote_tokens().values() if t.value == former)
    world.write("PATCH", secret_path(), {"metadata": {"ownerReferences": None}})
    world.force_delete(api_token_path())
    await asyncio.sleep(2 * DAY)
    assert ([], former) == (orphans(world), held(world))

    await served(world)
    world.request_list()
    await asyncio.sleep(7200)

    assert is_served(world)
    assert {former, held(world)} == living(world)
    assert [token.id] == orphans(world)
    await world.stop_operators()


@virtual
async def test_no_token_is_deleted_as_an_orphan_while_a_secret_holds_it() -> None:
    world = a_world()
    world.write("PATCH", f"{GROUP}/clustermailtrapaccounts/default", {"spec": {"orphanPolicy": "Delete"}})
    await world.start_operator()
    former = await served(world, **ORPHAN)
    world.force_delete(api_token_path())
    await asyncio.sleep(3 * DAY)
    assert {former} == living(world)

    world.delete(secret_path())
    await asyncio.sleep(3 * DAY)

    assert set() == living(world)
    await world.stop_operators()


@virtual
async def test_a_copy_in_another_namespace_keeps_no_token_alive() -> None:
    world = a_world()
    world.write("PATCH", f"{GROUP}/clustermailtrapaccounts/default", {"spec": {"orphanPolicy": "Delete"}})
    await world.start_operator()
    await served(world)
    secret = world.read(secret_path()) or {}
    meta = {
        "name": "copy",
        "labels": secret["metadata"]["labels"],
        "annotations": secret["metadata"]["annotations"],
    }
    path = "/api/v1/namespaces/mailtrap-system/secrets"
    world.write("POST", path, {"metadata": meta, "data": secret["data"]})
    world.force_delete(api_token_path())
    world.delete(secret_path())

    await asyncio.sleep(3 * DAY)

    assert set() == living(world)
    await world.stop_operators()


@virtual
async def test_marks_that_name_another_object_take_no_secret_over() -> None:
    world = a_world()
    await world.start_operator()
    value = await served(world, "mailer", **ORPHAN)
    annotations = (world.read(secret_path("mailer")) or {})["metadata"]["annotations"]
    forged = {**annotations, "mailtrap-operator.io/api-token": "billing"}
    world.write(
        "POST", secret_path().rpartition("/")[0], {"metadata": {"name": "billing", "annotations": forged}}
    )

    world.put_api_token()
    await asyncio.sleep(60)

    assert "It has the marks of ApiToken mailer, whose own Secret is mailer: it is a copy." in stalled(world)
    assert (value, {value}) == (held(world, "mailer"), living(world))
    await world.stop_operators()


@virtual
async def test_a_secret_whose_marks_are_older_is_left_alone_and_the_message_says_whose_it_was() -> None:
    world = a_world()
    await world.start_operator()
    former = await served(world, **ORPHAN)
    marks = (world.read(secret_path()) or {})["metadata"]["annotations"]
    issuance = re.sub('"uid":"[^"]*"', '"uid":""', marks[ISSUANCE])
    world.delete(api_token_path())
    await asyncio.sleep(60)
    world.write("PATCH", secret_path(), {"metadata": {"annotations": {ISSUANCE: issuance}}})

    world.put_api_token()
    await asyncio.sleep(60)

    assert "Its marks name an ApiToken billing and do not prove" in stalled(world)
    assert former == held(world)
    await world.stop_operators()


@virtual
async def test_two_objects_that_swap_their_secrets_come_to_rest() -> None:
    world = a_world()
    await world.start_operator()
    await served(world, "a", secretName="x")
    await served(world, "b", secretName="y")

    world.put_api_token("a", secretName="y")
    world.put_api_token("b", secretName="x")
    await asyncio.sleep(600)

    assert is_served(world)
    owners = {name: (world.read(secret_path(name)) or {})["metadata"]["annotations"] for name in ("x", "y")}
    assert owners["x"][OWNER] != owners["y"][OWNER]
    assert ["b", "a"] == [owners[name]["mailtrap-operator.io/api-token"] for name in ("x", "y")]
    world.network.calls.clear()
    await asyncio.sleep(DAY / 24)
    assert [] == [
        call.what for call in world.network.calls if "PUT" in call.what and "account" not in call.what
    ]
    await world.stop_operators()


@virtual
async def test_three_objects_that_change_places_come_to_rest() -> None:
    world = a_world()
    await world.start_operator()
    for name, secret in zip("abc", "xyz", strict=True):
        await served(world, name, secretName=secret)

    for name, secret in zip("abc", "yzx", strict=True):
        world.put_api_token(name, secretName=secret)
        await asyncio.sleep(30)
    await asyncio.sleep(600)

    assert is_served(world)
    await world.stop_operators()


@virtual
async def test_a_secret_that_is_about_to_be_left_is_waited_for_and_costs_no_token() -> None:
    world = a_world()
    await world.start_operator()
    values = {await served(world, "a", secretName="x"), await served(world, "b", secretName="y")}

    world.put_api_token("a", secretName="y")
    await asyncio.sleep(60)
    assert "It holds the token of ApiToken b. Choose another spec.secretName." in stalled(world, "a")
    world.put_api_token("b", secretName="z")
    await asyncio.sleep(60)

    assert is_served(world)
    assert values == living(world) == {held(world, "y"), held(world, "z")}
    await world.stop_operators()


@virtual
async def test_when_a_secret_that_stood_in_the_way_is_deleted_the_object_continues_within_seconds() -> None:
    world = a_world()
    await world.start_operator()
    world.write("POST", secret_path().rpartition("/")[0], {"metadata": {"name": "billing"}})
    world.put_api_token()
    await asyncio.sleep(600)
    assert "It does not say whose it is." in stalled(world)
    world.network.calls.clear()
    await asyncio.sleep(600)
    assert {"GET secrets"} == {call.what for call in world.network.calls}

    world.delete(secret_path())
    await asyncio.sleep(15)

    assert is_served(world)
    await world.stop_operators()
