"""Objects that come back from a backup, in this cluster or in another one: tokens are attached again or left alone."""

import pytest

from tests.e2e.accounts import ACCOUNT_FINALIZER, account_path, is_held
from tests.e2e.kube import Body
from tests.e2e.world import World, eventually

OTHER = "othera"


@pytest.fixture
def names(world: World) -> list[str]:
    """Have three objects served by an operator that then ends: plain, with an expiry, and in an overlap."""
    with world.operator():
        world.put_api_token("plain")
        world.put_api_token("dated", expiration={"policy": "After", "after": "2160h"})
        world.put_api_token("rotated")
        for name in ("plain", "dated", "rotated"):
            world.becomes_ready(name)
        world.request_rotation("rotated", "once")
        eventually(lambda: len(world.status("rotated").get("previous", [])) == 1, "it is in its overlap")
        world.becomes_ready("rotated")
        is_held(world, account_path(world), ACCOUNT_FINALIZER)
    return ["plain", "dated", "rotated"]


def secrets(world: World, names: list[str]) -> list[Body | None]:
    return [world.secret(name) for name in names]


def test_in_a_clone_the_mismatch_is_said_and_nothing_is_touched(world: World, names: list[str]) -> None:
    world.kube.delete(world.secret_path("dated"))  # this one was not restored
    world.lose_status("rotated")
    kept, living, before = secrets(world, names), world.living(), world.last_call()

    with world.operator(installation=OTHER):
        for name in names:
            stalled = world.becomes(name, "InstallationMismatch", "Stalled")
            assert "belongs to the installation testaa, and this operator's is othera" in stalled["message"]
            assert (
                "set the operator's settings.installation (MAILTRAP_OPERATOR_INSTALLATION) to testaa, provided"
                in stalled["message"]
            )
            assert "InstallationMismatch" == world.condition(name)["reason"]
        assert "Token " in world.condition("dated")["message"]
        assert "The token in Secret plain" in world.condition("plain")["message"]
        world.put_api_token("new")
        world.becomes_ready("new")

    assert ["create"] == world.operations(before)
    assert kept == secrets(world, names)
    assert living == [
        token for token in world.living() if not token["name"].startswith(f"{world.namespace}/new")
    ]
    assert [] == world.tripped()

    # With its own installation it continues where it was; only the Secret that was lost needs a new value.
    before = world.last_call()
    with world.operator():
        for name in names:
            world.becomes_ready(name)
    assert ["reset"] == world.operations(before)
