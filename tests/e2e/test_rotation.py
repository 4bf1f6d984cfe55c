"""When a token is rotated: on request, by age, in its windows, and by an older server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.aging import date_issuance, moment, shortly
from tests.e2e.kube import Kube
from tests.e2e.modes import Mode
from tests.e2e.world import World, eventually, served

FIRST_OF_LEAP_YEARS = {"schedule": "0 0 29 2 *", "duration": "1m"}
ALWAYS = {"schedule": "* * * * *", "duration": "1m"}
NEVER = {"policy": "Never"}


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("rotation"), mode) as world:
        yield world


def is_answered(world: World, name: str, value: str) -> bool:
    return world.status(name).get("lastHandledRotateRequest") == value


def test_each_new_value_of_the_annotation_is_one_rotation(world: World) -> None:
    world.put_api_token("asked")
    old = world.becomes_ready("asked")
    before = world.last_call()

    world.request_rotation("asked", "monday")
    eventually(lambda: is_answered(world, "asked", "monday"), "the request is answered")
    world.request_rotation("asked", "tuesday")
    eventually(lambda: is_answered(world, "asked", "tuesday"), "the next request is answered")

    assert ["reset", "reset"] == world.operations(before)
    assert world.works(old)
    assert world.works(world.value("asked"))
    assert [] == world.strays("asked")


def test_a_rotation_waits_for_its_window(world: World) -> None:
    far = {"policy": "After", "after": "43000h"}
    world.put_api_token("windowed", rotation={"windows": [FIRST_OF_LEAP_YEARS]}, expiration=far)
    old = world.becomes_ready("windowed")
    before = world.last_call()

    world.put_api_token("windowed", rotation={"windows": [FIRST_OF_LEAP_YEARS]}, expiration=NEVER)
    pending = world.becomes("windowed", "ExpirationChanged", "RotationPending")
    assert "-02-29T00:00:00Z" in pending["message"]
    assert ([], old) == (world.operations(before), world.value("windowed"))
    events = eventually(lambda: world.events("windowed", "ExpirationChanged"), "an Event tells it")
    assert {pending["message"]} == {event["message"] for event in events}

    world.put_api_token("windowed", rotation={"windows": [ALWAYS]}, expiration=NEVER)

    eventually(lambda: world.value("windowed") != old, "the token is rotated")
    assert ["reset"] == world.operations(before)


def test_a_token_that_never_expires_is_rotated_once_in_each_period(world: World) -> None:
    world.put_api_token("periodic", expiration=NEVER, rotation={"every": "1h"})
    first, before = world.becomes_ready("periodic"), world.last_call()
    dates = []

    for _ in range(2):
        value, status = world.value("periodic"), world.status("periodic")
        age = moment(status["renewalTime"]) - moment(status["current"]["issuedAt"])
        assert timedelta(minutes=54) <= age <= timedelta(hours=1)
        dates.append(shortly(2))
        date_issuance(world, "periodic", dates[-1] - age)
        eventually(lambda: world.value("periodic") != value, "the token is rotated")  # noqa: B023 - called at once
        world.becomes_ready("periodic")

    assert ["reset", "reset"] == world.operations(before)
    made = [moment(call["time"]) for call in world.calls("reset") if before < call["seq"]]
    assert [True, True] == [due <= at for due, at in zip(dates, made, strict=True)]
    assert world.works(first)
    assert world.works(world.value("periodic"))
    assert [] == world.strays("periodic")


def test_a_server_that_knows_no_expiry_works_too(world: World) -> None:
    world.put_api_token("aged", expiration={"policy": "After", "after": "2h"})
    world.becomes_ready("aged")
    assert "expiresAt" in world.status("aged")["current"]
    before = world.last_call()
    world.simulator.control("POST", "settings", {"server": "old"})

    # Such a server refuses to reset a token that has an expiry.
    world.put_api_token("aged", expiration={"policy": "After", "after": "3h"})
    assert world.works(world.becomes_ready("aged"))
    world.put_api_token("aged", expiration={"policy": "After", "after": "4h"})
    assert world.works(world.becomes_ready("aged"))
    told = world.becomes("aged", "ExpirationNotGranted", "ExpirationDiffers")["message"]
    assert "which never expires. Set spec.rotation.every to have it replaced all the same." in told
    assert "TokenPublished" == world.condition("aged")["reason"]

    world.simulator.control("POST", "settings", {"server": "new"})
    assert ["reset", "create", "reset"] == world.operations(before)
    assert "expiresAt" not in world.status("aged")["current"]
    assert [] == world.strays("aged")
