"""What would be done is told, by a command and by a running operator, and nothing is written meanwhile."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.kube import Body, Kube
from tests.e2e.world import CREDENTIAL, FAST, World

_OPERATOR = Path(__file__).parents[2] / "operator"
PLANNER = "planner"


@pytest.fixture
def world(cluster: Cluster, kube: Kube, tmp_path: Path) -> Iterator[World]:
    """Provide a world in which no operator runs yet."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        yield World(cluster, kube, simulator, tmp_path)


def told(world: World, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(world.cluster.kubeconfig_for(PLANNER, ["system:masters"])),
        "TMPDIR": str(world.folder),
        "MAILTRAP_OPERATOR_ALLOWED_BASE_URLS": world.simulator.url,
        "MAILTRAP_OPERATOR_WATCH_NAMESPACES": world.namespace,
        "MAILTRAP_OPERATOR_INSTALLATION": "testaa",
    }
    command = [sys.executable, "-m", "mailtrap_operator", "plan", "--log-level", "error", *arguments]
    return subprocess.run(
        command, env=environment, cwd=_OPERATOR, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def rows(world: World) -> dict[str, Body]:
    return {row["name"]: row for row in json.loads(told(world, "--output", "json"))}


def test_the_command_tells_what_the_operator_would_do_and_writes_nothing(world: World) -> None:
    for name in ("new", "changed", "served", "doomed"):
        if name != "new":
            world.put_api_token(name)
    with world.operator():
        for name in ("changed", "served", "doomed"):
            world.becomes_ready(name)
    world.put_api_token("new")
    world.put_api_token("changed", displayName="changed")
    world.delete_api_token("doomed")
    ids = {name: world.status(name)["current"]["id"] for name in ("changed", "doomed")}
    before = world.last_call()

    seen = rows(world)

    assert {
        "new": "create a token",
        "changed": f"create a token, and delete token {ids['changed']} later",
        "served": "do nothing",
        "doomed": f"delete token {ids['doomed']}, and let the object go",
    } == {name: row["would"] for name, row in seen.items()}
    assert ("AccessChanged", world.namespace) == (seen["changed"]["reason"], seen["changed"]["namespace"])
    assert [] == world.operations(before)
    assert [] == world.writes(PLANNER)
    heading, *lines = told(world).splitlines()
    assert ["NAMESPACE", "NAME", "WOULD", "WHY"] == heading.split()
    assert 4 == len(lines)


def test_an_operator_that_only_plans_says_so_in_the_status_and_changes_nothing_else(world: World) -> None:
    world.put_api_token("rehearsed")

    with world.operator("--dry-run", "true", *FAST):
        planned = world.becomes("rehearsed", "FirstToken", "Planned")

    assert "It would create a token" in planned["message"]
    assert "False" == world.condition("rehearsed")["status"]
    assert ([], None) == (world.operations(0), world.secret("rehearsed"))
    assert "finalizers" not in (world.api_token("rehearsed") or {})["metadata"]

    with world.operator():
        assert world.works(world.becomes_ready("rehearsed"))
    assert {} == world.condition("rehearsed", "Planned")
