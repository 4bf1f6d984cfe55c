"""A restart is not an event: what is right stays as it is, and no one hears of it."""

from tests.e2e.accounts import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, account_path, credential_path, is_held
from tests.e2e.world import World, eventually


def test_a_restart_writes_nothing(world: World) -> None:
    with world.operator():
        world.put_api_token("plain")
        world.put_api_token("dated", expiration={"policy": "After", "after": "2h"})
        world.put_api_token("rotated")
        for name in ("plain", "dated", "rotated"):
            world.becomes_ready(name)
        world.put_api_token("rotated", expiration={"policy": "Never"})
        world.becomes_ready("rotated")
        is_held(world, account_path(world), ACCOUNT_FINALIZER)
        is_held(world, credential_path(world), CREDENTIAL_FINALIZER)
    before = world.last_call()

    with world.operator(user="second"):
        eventually(lambda: world.last_call() > before, "the account is listed")
        world.put_api_token("marker")
        world.becomes_ready("marker")

    assert ["create"] == world.operations(before)
    assert {"marker"} == world.written(world.writes("second"))
    assert {"TokenPublished"} == {event["reason"] for event in world.events("plain")}
