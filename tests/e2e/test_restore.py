"""Objects that come back from a backup, in this cluster or in another one: tokens are attached again or left alone."""

import pytest

from tests.e2e.accounts import ACCOUNT_FINALIZER, account_path, is_held
from tests.e2e.kube import Body
from tests.e2e.world import INSTALLATION, World, eventually

OTHER = "othera"
ESCAPE = {"metadata": {"annotations": {"mailtrap-operator.io/abandon-remote-tokens": "true"}}}


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


def test_objects_that_are_restored_without_their_status_are_attached_again(
    world: World, names: list[str]
) -> None:
    values, ids = (
        [look(name) for name in names] for look in (world.value, lambda n: world.status(n)["current"]["id"])
    )
    living, before = world.living(), world.last_call()
    for name in names:
        world.lose_status(name)

    with world.operator():
        assert values == [world.becomes_ready(name) for name in names]

    assert ids == [world.status(name)["current"]["id"] for name in names]
    assert [] == world.operations(before)
    assert living == world.living()
    (former,) = world.status("rotated")["previous"]
    assert {former["id"], *ids} == {token["id"] for token in living}


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

    # With its own installation it goes on where it was; only the Secret that was lost needs a new value.
    before = world.last_call()
    with world.operator():
        for name in names:
            world.becomes_ready(name)
    assert ["reset"] == world.operations(before)


def test_a_deletion_in_a_clone_waits_visibly_and_leaves_the_tokens_alone(
    world: World, names: list[str]
) -> None:
    world.kube.delete(world.secret_path("dated"))
    world.lose_status("rotated")
    living, before = world.living(), world.last_call()

    with world.operator(installation=OTHER):
        for name in names:
            world.becomes(name, "InstallationMismatch", "Stalled")
            world.delete_api_token(name)
        for name in names:
            eventually(
                lambda: "Deletion waits" in world.condition(name).get("message", ""),  # noqa: B023 - called at once
                f"{name} says what it waits for",
            )
            condition = world.condition(name)
            assert "InstallationMismatch" == condition["reason"]
            assert (
                'set the annotation mailtrap-operator.io/abandon-remote-tokens: "true"'
                in condition["message"]
            )

        world.kube.merge(world.api_token_path("plain"), ESCAPE)
        world.is_gone("plain")
        assert [] == world.operations(before)
        assert living == world.living()

    # The operator to which they belong deletes the tokens of those that are still there.
    with world.operator():
        for name in ("dated", "rotated"):
            world.is_gone(name)
    assert 1 == len(world.living())


def test_a_clone_that_is_to_have_tokens_of_its_own_gets_them(world: World, names: list[str]) -> None:
    living = world.living()
    with world.operator(installation=OTHER):
        for name in names:
            world.becomes(name, "InstallationMismatch", "Stalled")
        for name in names:
            world.kube.merge(world.api_token_path(name), ESCAPE)
            world.delete_api_token(name)
        for name in names:
            world.is_gone(name)
            world.put_api_token(name)
            assert world.works(world.becomes_ready(name))

    assert [*living] == [token for token in world.living() if "[k8s:testaa-" in token["name"]]
    assert 3 == len([token for token in world.living() if f"[k8s:{OTHER}-" in token["name"]])
    assert [] == world.tripped()


def test_two_installations_over_one_namespace_keep_quiet(world: World) -> None:
    since = world.resource_version()
    with world.operator(), world.operator(installation=OTHER):
        world.put_api_token("shared")
        eventually(lambda: world.status("shared").get("contenders"), "the other one has said so")
        value = world.becomes_ready("shared")
        served_by = world.status("shared")["installation"]

        world.request_rotation("shared", "once")
        eventually(lambda: world.value("shared") != value, "it is rotated")
        assert world.works(world.becomes_ready("shared"))

        assert served_by == world.status("shared")["installation"]
        assert {served_by, *world.status("shared")["contenders"]} == {INSTALLATION, OTHER}
        words = [body.get("status", {}).get("conditions", []) for body in world.history(since)]
        reasons = [condition["reason"] for conditions in words for condition in conditions[:1]]
        assert 1 == reasons.count("InstallationMismatch")
        # One whose status could not be written is told again; only the status counts.
        assert world.events("shared", "InstallationMismatch")
    assert ["create", "reset"] == world.operations(0)
