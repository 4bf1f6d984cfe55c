"""When a token is rotated: on request, by hand, by age, and in its windows."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import look_at
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


def test_an_answered_request_is_not_answered_again_by_another_operator_or_without_the_status(
    world: World,
) -> None:
    world.put_api_token("answered")
    world.becomes_ready("answered")
    world.request_rotation("answered", "once")
    eventually(lambda: is_answered(world, "answered", "once"), "the request is answered")
    value, before = world.value("answered"), world.last_call()

    world.lose_status("answered")
    eventually(lambda: is_answered(world, "answered", "once"), "the status is whole again")
    with world.operator():
        world.put_api_token("later")
        world.becomes_ready("later")

    assert ["create"] == world.operations(before)
    assert value == world.value("answered")


def test_rotation_by_hand_waits_for_the_annotation_and_says_so(world: World) -> None:
    world.put_api_token("manual", rotation={"policy": "Manual"})
    old = world.becomes_ready("manual")
    before = world.last_call()

    world.put_api_token("manual", rotation={"policy": "Manual"}, expiration=NEVER)

    pending = world.becomes("manual", "ExpirationChanged", "RotationPending")
    assert "mailtrap-operator.io/rotate" in pending["message"]
    assert "True" == world.condition("manual")["status"]
    assert ([], old) == (world.operations(before), world.value("manual"))

    world.request_rotation("manual", "go")

    eventually(lambda: is_answered(world, "manual", "go"), "the request is answered")
    assert ["reset"] == world.operations(before)
    assert {} == world.condition("manual", "RotationPending")


def test_a_lost_value_does_not_wait_for_the_annotation(world: World) -> None:
    world.put_api_token("lost", rotation={"policy": "Manual"})
    old = world.becomes_ready("lost")

    world.kube.delete(world.secret_path("lost"))

    eventually(lambda: world.value("lost") not in {None, old}, "the Secret has another value")
    assert world.works(world.value("lost"))


def test_a_rotation_waits_for_its_window(world: World) -> None:
    world.simulator.control("POST", "settings", {"default_expiry": "none"})  # no end before the window
    world.put_api_token("windowed", rotation={"windows": [FIRST_OF_LEAP_YEARS]})
    old = world.becomes_ready("windowed")
    world.simulator.control("POST", "settings", {"default_expiry": "365d"})
    before = world.last_call()

    world.put_api_token("windowed", rotation={"windows": [FIRST_OF_LEAP_YEARS]}, expiration=NEVER)
    pending = world.becomes("windowed", "ExpirationChanged", "RotationPending")
    assert "-02-29T00:00:00Z" in pending["message"]
    assert ([], old) == (world.operations(before), world.value("windowed"))
    (event,) = world.events("windowed", "ExpirationChanged")
    assert pending["message"] == event["message"]

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


def test_where_no_window_opens_before_the_end_it_is_said_and_the_spec_decides_what_then(
    world: World,
) -> None:
    rotation = {"windows": [FIRST_OF_LEAP_YEARS], "renewBeforePercentage": 99}
    wishes = {"saved": rotation, "lapses": rotation | {"outsideWindows": "Never"}}
    says = {"saved": "it is rotated outside of them at 20", "lapses": "before the token ends. Add one."}
    for name, wished in wishes.items():
        world.put_api_token(name, expiration={"policy": "After", "after": "4m"}, rotation=wished)
    values = {name: world.becomes_ready(name) for name in wishes}
    before = world.last_call()
    for name, words in says.items():
        assert words in world.becomes(name, "NoWindowBeforeExpiry", "RotationPending")["message"]
        (event,) = world.events(name, "NoWindowBeforeExpiry")
        assert "Warning" == event["type"]

    last = shortly(3)
    ends = {name: moment(world.status(name)["expiresAt"]) for name in wishes}
    for name, end in ends.items():
        # The last tenth of its lifetime begins then.
        date_issuance(world, name, end - 10 * (end - last))

    eventually(lambda: world.value("saved") != values["saved"], "the token is rotated before its end")
    (reset,) = [call for call in world.calls("reset") if before < call["seq"]]
    assert last <= moment(reset["time"]) < ends["saved"]
    assert values["lapses"] == world.value("lapses")

    world.simulator.control("POST", f"tokens/{world.status('lapses')['tokenId']}/expire")
    look_at(world)

    eventually(lambda: world.value("lapses") != values["lapses"], "the token that has ended is replaced")
    assert ["reset", "create"] == world.operations(before)
    for name in wishes:
        # Their successors would be due soon.
        world.delete_api_token(name)
        world.is_gone(name)


def test_a_schedule_that_is_none_is_named_and_its_correction_goes_on(world: World) -> None:
    wrong = {**ALWAYS, "schedule": "61 * * * *"}
    world.put_api_token("misspelt", rotation={"windows": [wrong]})

    stalled = world.becomes("misspelt", "SpecInvalid", "Stalled")
    assert (
        "spec.rotation.windows[0].schedule: '61 * * * *' is not a cron schedule: Bad minute"
        in stalled["message"]
    )

    world.put_api_token("misspelt", rotation={"windows": [ALWAYS]})

    assert world.works(world.becomes_ready("misspelt"))
