"""What someone changes in Mailtrap is corrected, or reported; a fight over a Secret has an end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from local_cluster import Cluster
from tests.e2e.accounts import look_at
from tests.e2e.aging import moment
from tests.e2e.kube import Body, Kube
from tests.e2e.world import CREDENTIAL, World, eventually, served

VIEWER = [{"resource_type": "domain", "resource_id": 1, "access_level": 10}]
DATED = {"policy": "After", "after": "720h"}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("drift")) as world:
        yield world


def change(world: World, token: Body, changes: Body) -> None:
    """Change a token in Mailtrap; its account is listed at once, as otherwise after its `refreshInterval`."""
    world.simulator.control("PATCH", f"tokens/{token['id']}", changes)
    look_at(world)


def living(world: World, name: str) -> Body:
    (token,) = [token for token in world.tokens_of(name) if token["live"]]
    return token


@dataclass(frozen=True)
class Drift:
    """What someone changes in Mailtrap, how it is called and told, and what corrects it."""

    changes: Body
    reason: str
    says: str
    correction: list[str]


DRIFTS = {
    "access": Drift(
        {"resources": VIEWER},
        "AccessDrifted",
        "it lacks domain 1 Admin and has domain 1 Viewer beyond the spec",
        ["create", "delete"],
    ),
    "expiry": Drift({"expires_at": None}, "ExpiryDrifted", "it expires never instead of 20", ["reset"]),
}


@pytest.mark.parametrize("kind", DRIFTS)
def test_what_was_changed_in_mailtrap_is_corrected_by_one_rotation(world: World, kind: str) -> None:
    name, drift = f"corrected-{kind}", DRIFTS[kind]
    world.put_api_token(name, expiration=DATED, rotation={"overlap": "2s"})
    old = world.becomes_ready(name)
    token, before = living(world, name), world.last_call()

    change(world, token, drift.changes)

    eventually(lambda: world.value(name) != old, "the token is rotated")
    eventually(lambda: drift.correction == world.operations(before), "the correction ends")
    assert world.works(world.becomes_ready(name))
    (held,) = [t for t in world.tokens_of(name) if t["id"] == world.status(name)["tokenId"]]
    assert token["resources"] == held["resources"]
    assert held["expires_at"] is not None
    assert token["expires_at"] <= held["expires_at"]
    (entry,) = [e for e in world.status(name)["history"] if e["outcome"] == "Held"]
    assert drift.reason == entry["cause"]
    assert drift.correction == world.operations(before)
    assert [] == world.strays(name)


@pytest.mark.parametrize("kind", DRIFTS)
def test_what_was_changed_in_mailtrap_is_reported_and_the_report_ends_with_it(
    world: World, kind: str
) -> None:
    name, drift = f"reported-{kind}", DRIFTS[kind]
    world.put_api_token(name, expiration=DATED, driftPolicy="Report")
    value, token, before = world.becomes_ready(name), living(world, name), world.last_call()

    change(world, token, drift.changes)
    drifted = world.becomes(name, drift.reason, "Drifted")
    assert drift.says in drifted["message"]
    assert "True" == world.condition(name)["status"]

    change(world, token, {key: token[key] for key in drift.changes})
    eventually(lambda: not world.condition(name, "Drifted"), "nothing differs any more")
    assert ([], value) == (world.operations(before), world.value(name))


@pytest.mark.parametrize("policy", ["Correct", "Report"])
def test_a_token_that_someone_reset_is_followed_by_one_whose_value_is_known(
    world: World, policy: str
) -> None:
    name = f"reset-{policy.lower()}"
    world.put_api_token(name, driftPolicy=policy, rotation={"overlap": "2s"})
    old = world.becomes_ready(name)
    token, before = living(world, name), world.last_call()

    tokens = f"{world.simulator.url}/api/accounts/{world.simulator.account_id}/api_tokens"
    httpx.post(f"{tokens}/{token['id']}/reset", headers={"Api-Token": CREDENTIAL}).raise_for_status()
    look_at(world)

    eventually(lambda: world.value(name) != old, "there is another token")
    # The unknown successor goes as well; no one has its value.
    eventually(lambda: len(world.operations(before)) == 4, "both others are deleted")
    assert ["reset", "create", "delete", "delete"] == world.operations(before)
    assert world.works(world.becomes_ready(name))
    (entry,) = [e for e in world.status(name)["history"] if e["outcome"] == "Held"]
    assert "TokenReset" == entry["cause"]
    assert [] == world.strays(name)
    (create,) = [call for call in world.calls("create") if before < call["seq"]]
    (delete,) = [call for call in world.calls("delete") if token["id"] == call["token_id"]]
    lived = moment(delete["time"]) - moment(create["time"])
    assert timedelta(seconds=2) <= lived


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

    eventually(is_stalled, "the operator stops")

    assert 5 == len([o for o in world.operations(before) if o in {"create", "reset"}])
    assert "field manager 'vault-sync' rewrites it" in world.condition("contested", "Stalled")["message"]

    world.request_rotation("contested", "solved")
    assert world.works(world.becomes_ready("contested"))
    assert [] == world.strays("contested")
