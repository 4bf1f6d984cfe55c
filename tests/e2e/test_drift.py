"""What somebody changes in Mailtrap is corrected, or reported; a fight over a Secret has an end."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

VIEWER = [{"resource_type": "domain", "resource_id": 1, "access_level": 10}]
ADMIN = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("drift")) as world:
        yield world


def change(world: World, name: str, **changes: Any) -> None:
    (token,) = [token for token in world.tokens_of(name) if token["live"]]
    world.simulator.control("PATCH", f"tokens/{token['id']}", changes)


def test_permissions_changed_in_mailtrap_are_corrected_by_a_replacement(world: World) -> None:
    world.put_api_token("corrected", rotation={"overlap": "2s"})
    old = world.becomes_ready("corrected")
    before = world.last_call()

    change(world, "corrected", resources=VIEWER)

    eventually(lambda: world.value("corrected") != old, "the token is replaced")
    eventually(lambda: not world.works(old), "the changed token is gone")
    assert ["create", "delete"] == world.operations(before)
    (entry,) = [e for e in world.status("corrected")["history"] if e["outcome"] == "Held"]
    assert "AccessDrifted" == entry["cause"]
    assert [] == world.strays("corrected")


def test_permissions_changed_in_mailtrap_are_reported_and_the_report_ends_with_them(world: World) -> None:
    world.put_api_token("reported", driftPolicy="Report")
    value, before = world.becomes_ready("reported"), world.last_call()

    change(world, "reported", resources=VIEWER)
    drifted = world.becomes("reported", "AccessDrifted", "Drifted")
    assert "it lacks domain 1 Admin and has domain 1 Viewer beyond the spec" in drifted["message"]
    assert "True" == world.condition("reported")["status"]

    change(world, "reported", resources=ADMIN)
    eventually(lambda: not world.condition("reported", "Drifted"), "nothing differs any more")
    assert ([], value) == (world.operations(before), world.value("reported"))


def _rewrite(world: World, name: str) -> None:
    """Write the Secret as another controller does, under its own name."""
    patch: Body = {"data": {"token": "bm90IGEgdG9rZW4="}}
    world.kube.merge(f"{world.secret_path(name)}?fieldManager=vault-sync", patch)


def test_a_controller_that_rewrites_the_secret_again_and_again_is_named_and_causes_a_bounded_number_of_rotations(
    world: World,
) -> None:
    world.put_api_token("contested")
    world.becomes_ready("contested")
    before = world.last_call()

    def is_stalled() -> bool:
        if world.value("contested") != "not a token":
            _rewrite(world, "contested")
        return world.condition("contested", "Stalled").get("reason") == "RotationStorm"

    eventually(is_stalled, "the operator stops", 60)

    assert 5 == len([o for o in world.operations(before) if o in {"create", "reset"}])
    assert "field manager 'vault-sync' rewrites it" in world.condition("contested", "Stalled")["message"]

    world.request_rotation("contested", "solved")
    assert world.works(world.becomes_ready("contested"))
    assert [] == world.strays("contested")
