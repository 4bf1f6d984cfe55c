"""SIGKILL at every step of the protocol: no token is leaked, doubled or killed.

The steps are not listed here. A scout goes through a flow undisturbed and its steps are counted; then many objects
go through the same flow at once, each is stopped at another step, before or after the server has carried it out,
and the operator is killed. What was on record may be lost too, before another operator starts.

Three flows are killed here, one with all losses: the simulation combines all flows with all losses, and `make chaos`
kills at random.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.e2e.gate import Gates, Moment, gates
from tests.e2e.kube import identity
from tests.e2e.witness import Missing, Witness, look, remains, spare, unrests, unserved
from tests.e2e.world import FAST, World

OVERLAP = timedelta(seconds=1)
# Nothing that is stopped may time out before its operator is killed, and all objects may be stopped at once.
PATIENT = ("--request-timeout", "30s", "--settle-time", "120s")
UNLIMITED = ("--workers", "256", "--rate-limit", "5000/10s")


@dataclass(frozen=True)
class Flow:
    """What a user does, a remote call that follows from it, and how to know that all has been done."""

    call: str
    starts_ready: bool
    begin: Callable[[World, str], None]
    missing: Missing


def put(world: World, name: str, **spec: Any) -> None:
    world.put_api_token(name, rotation={"overlap": f"{OVERLAP.seconds}s"}, **spec)


def demote(world: World, name: str) -> None:
    put(world, name, resources=[{"type": "domain", "id": 1, "accessLevel": "Viewer"}])


FLOWS = {
    "create": Flow("POST api_tokens", starts_ready=False, begin=put, missing=unserved),
    "replace": Flow("DELETE api_tokens", starts_ready=True, begin=demote, missing=unserved),
    "delete": Flow("DELETE api_tokens", starts_ready=True, begin=World.delete_api_token, missing=remains),
}


@pytest.fixture
def gated(world: World, tmp_path: Path) -> Iterator[Gates]:
    """Provide the world with gates before its servers, and with foreign tokens."""
    world.simulator.control("POST", "settings", {"rate_limit": "5000/10s"})
    for name in (
        "laptop",
        "other [k8s:otherx-aaaaaaaaaa-bbbbbbbb]",
        "other [k8s:testaa-aaaaaaaaaa-bbbbbbbb]",
    ):
        world.put_foreign_token(name)
    tls = identity(world.cluster.kubeconfig_for("operator", ["system:masters"]))
    with gates(world.cluster.url, tls, world.simulator.url, tmp_path) as gated:
        world.put_account(baseUrl=gated.base_url)
        yield gated


def scout(world: World, gated: Gates, flow: Flow) -> tuple[str, ...]:
    """Go through a flow undisturbed; return its steps."""
    make_ready(world, flow, ["scout"])
    gated.steps.begin("scout")
    flow.begin(world, "scout")
    assert {} == unrests(world, ["scout"], flow.missing)
    return gated.steps.taken("scout")


def make_ready(world: World, flow: Flow, names: list[str]) -> None:
    if flow.starts_ready:
        for name in names:
            put(world, name)
        assert {} == unrests(world, names, unserved)


def leads(world: World, gated: Gates) -> tuple[str, str]:
    """Return the setting that lets an operator use the gate, and the server itself."""
    return "--allowed-base-urls", f"{gated.base_url},{world.simulator.url}"


def stop_everywhere(world: World, gated: Gates, flow: Flow) -> list[str]:
    """Have one object stopped before and one after every step of a flow; return all objects when they are."""
    steps = scout(world, gated, flow)
    assert flow.call in steps
    places = product(range(len(steps)), get_args(Moment))
    stops = {f"{moment}-step-{place}": (place, moment) for place, moment in places}
    make_ready(world, flow, list(stops))
    for name, (place, moment) in stops.items():
        gated.steps.begin(name)
        gated.steps.stop_at(name, place, moment)
        flow.begin(world, name)
    assert {name: steps[place] for name, (place, _) in stops.items()} == gated.steps.stopped()
    return ["scout", *stops]


def lose(world: World, name: str, lost: str) -> None:
    """Take away what a crash costs besides the operator."""
    if "status" in lost:
        world.lose_status(name)
    if "Secret" in lost:
        world.kube.delete(world.secret_path(name))


def imitate_all(world: World) -> None:
    """Have someone make tokens whose names contain the tag of a token that is there."""
    for token in world.tokens():
        world.put_foreign_token(f"{token['name']} (by hand)")


def assert_all_is_well(world: World, witness: Witness) -> None:
    assert set() == witness.violations
    assert witness.looks > 0
    assert [] == world.tripped()
    # Until then a token that was reset continues living.
    world.simulator.control("POST", "clock", {"advance": 12 * 3600})
    assert [] == spare(look(world))


@pytest.mark.parametrize(
    ("flow", "lost"),
    [
        pytest.param(FLOWS["create"], "nothing", id="create, nothing is lost"),
        pytest.param(FLOWS["replace"], "status and Secret", id="replace, status and Secret are lost"),
        pytest.param(FLOWS["delete"], "nothing", id="delete, nothing is lost"),
    ],
)
def test_a_killed_operator_leaves_exactly_one_living_token(
    world: World, gated: Gates, flow: Flow, lost: str
) -> None:
    with Witness(world, OVERLAP) as witness:
        with world.operator(
            *PATIENT, *UNLIMITED, *leads(world, gated), kubeconfig=gated.kubeconfig
        ) as victim:
            names = stop_everywhere(world, gated, flow)
            victim.kill()
        with witness.forgiving():
            for name in names:
                lose(world, name, lost)
        imitate_all(world)
        world.put_account()

        with world.operator(*FAST, *UNLIMITED):
            assert {} == unrests(world, names, flow.missing)

    assert_all_is_well(world, witness)
