"""What would be done is told, by a command and by a running operator, and nothing is written meanwhile."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.kube import Body, Kube
from tests.e2e.world import CREDENTIAL, FAST, World, eventually

_OPERATOR = Path(__file__).parents[2] / "operator"
PLANNER = "planner"


@pytest.fixture
def world(cluster: Cluster, kube: Kube, tmp_path: Path) -> Iterator[World]:
    """Provide a world in which no operator runs yet."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        yield World(cluster, kube, simulator, tmp_path)


def ran(
    world: World, *arguments: str, sees_all: bool = False, is_set_up: bool = True
) -> tuple[int, str, str]:
    """Run the command, with settings or not; return its exit status, standard output and standard error."""
    texts = {
        "allowed_base_urls": world.simulator.url,
        "watch_namespaces": "" if sees_all else world.namespace,
        "installation": "testaa",
    }
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(world.cluster.kubeconfig_for(PLANNER, ["system:masters"])),
        "TMPDIR": str(world.folder),
        **{f"MAILTRAP_OPERATOR_{name.upper()}": text for name, text in texts.items() if is_set_up},
    }
    command = [sys.executable, "-m", "mailtrap_operator", "plan", "--log-level", "error", *arguments]
    ended = subprocess.run(
        command, env=environment, cwd=_OPERATOR, capture_output=True, text=True, timeout=600, check=False
    )
    return ended.returncode, ended.stdout, ended.stderr


def told(world: World, *arguments: str, status: int = 2, sees_all: bool = False) -> str:
    """Return what the command tells; its exit status is as expected."""
    code, out, err = ran(world, *arguments, sees_all=sees_all)
    assert status == code, out + err
    return out


def rows(world: World, *arguments: str, status: int = 2) -> dict[str, Body]:
    told_of = json.loads(told(world, "--output", "json", *arguments, status=status))
    assert [] == told_of["orphans"], "who does not see all namespaces knows of none"
    return {row["name"]: row for row in told_of["apiTokens"]}


def orphans(world: World) -> dict[int | None, Body]:
    """Return what is reported this world's orphans."""
    account = f"{world.account_kind} {world.account}"
    _, out, _ = ran(world, "--output", "json", sees_all=True)
    found = json.loads(out)["orphans"]
    return {row["token"]: row for row in found if row["account"] == account}


def have_served(world: World, names: Sequence[str], *, rotated: str) -> dict[str, int]:
    """Have an operator serve ApiTokens, one of them with two tokens in a row, and end; return the present tokens' ids."""
    for name in names:
        world.put_api_token(name)
    with world.operator():
        for name in names:
            world.becomes_ready(name)
        world.put_api_token(rotated, displayName="once")
        world.becomes_ready(rotated)
    return {name: int(world.status(name)["current"]["id"]) for name in names}


def end_overlap(world: World, name: str) -> int:
    """Have the overlap of an ApiToken's only former token be over; return the token's id."""
    (previous,) = world.status(name)["previous"]
    ended = {"status": {"previous": [previous | {"deleteAfter": "2026-01-01T00:00:00Z"}]}}
    world.kube.merge(f"{world.api_token_path(name)}/status", ended)
    return int(previous["id"])


def test_the_command_tells_what_the_operator_would_do_and_writes_nothing(world: World) -> None:
    served = ("changed", "twice", "reset", "served", "doomed")
    ids = have_served(world, served, rotated="twice")
    world.put_api_token("new")
    world.put_api_token("changed", displayName="changed")
    former = end_overlap(world, "twice")
    world.put_api_token("twice", displayName="twice")
    world.request_rotation("reset", "now")
    world.delete_api_token("doomed")
    before = world.last_call()

    seen = rows(world)

    assert {
        "new": ["create a token"],
        "changed": ["create a token", f"delete token {ids['changed']} later"],
        "twice": ["create a token", f"delete token {former}", f"delete token {ids['twice']} later"],
        "reset": [f"reset token {ids['reset']}", f"delete token {ids['reset']} later"],
        "served": [],
        "doomed": [f"delete token {ids['doomed']}", "remove the finalizer"],
    } == {name: row["would"] for name, row in seen.items()}
    assert ("AccessChanged", world.namespace) == (seen["changed"]["reason"], seen["changed"]["namespace"])
    # The ids of objects without a token are looked up.
    asked = [call["operation"] for call in world.calls() if before < call["seq"]]
    assert (1, {"list", "resources"}) == (asked.count("list"), set(asked))
    assert [] == world.writes(PLANNER)

    heading, *lines = told(world).splitlines()
    assert ["NAMESPACE", "NAME", "WOULD", "WHY"] == heading.split()
    assert [["changed", "create"], ["served", "do"]] == [line.split()[1:3] for line in (lines[0], lines[4])]
    assert 6 == len(lines)


def test_the_command_reports_orphans_and_of_an_account_that_does_not_say_whether_there_are_any(
    world: World,
) -> None:
    name = "lost [k8s:testaa-nobodyaaaa-abcdefgh]"
    resources = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
    made = [
        world.simulator.control("POST", "tokens", {"name": name, "resources": resources})["id"] for _ in "ab"
    ]
    world.put_foreign_token("laptop")
    old, new = sorted(made)
    seen_at = {"id": old, "lastFour": "0000", "seenAt": "2026-01-01T00:00:00Z"}
    world.kube.merge(f"{world.account_path()}/status", {"status": {"orphans": [seen_at]}})
    before = world.last_call()

    reported = orphans(world)

    assert {old: [], new: []} == {id_: row["would"] for id_, row in reported.items()}
    assert reported[old]["why"].endswith("belongs to no ApiToken; orphanPolicy is Report.")
    assert ["list"] == [call["operation"] for call in world.calls() if before < call["seq"]]

    world.put_account(orphanPolicy="Delete")
    would = {old: [f"delete token {old}"], new: [f"delete token {new} later"]}
    assert would == {id_: row["would"] for id_, row in orphans(world).items()}
    assert f"   {old} " in ran(world, sees_all=True)[1]
    assert [] == world.operations(before)

    world.put_credential("0" * 32)
    unknown = orphans(world)
    assert ([None], [], "CredentialRefused") == (
        list(unknown),
        unknown[None]["would"],
        unknown[None]["reason"],
    )
    assert 1 == ran(world, sees_all=True)[0], "an account that cannot be read may hide anything"
    assert [] == world.writes(PLANNER)


def test_the_exit_status_tells_whether_there_is_something_to_do(world: World) -> None:
    # No one who is served uses this account: that it cannot be listed is not told.
    world.put_account(f"{world.namespace}-unused", baseUrl="http://127.0.0.1:9")
    ids = have_served(world, ["served"], rotated="served")
    former = end_overlap(world, "served")

    assert [f"delete token {former}"] == rows(world, status=2)["served"]["would"]
    with world.operator():
        eventually(lambda: not world.status("served").get("previous"), "the former token is deleted")
    assert {"served": "nothing"} == {name: row["prospect"] for name, row in rows(world, status=0).items()}
    assert ids["served"] == world.status("served")["tokenId"]

    world.put_credential("0" * 32)
    world.put_api_token("served", displayName="other")
    code, out, _ = ran(world, "-o", "json")
    (row,) = json.loads(out)["apiTokens"]
    assert (1, "unknown", "CredentialRefused") == (code, row["prospect"], row["reason"])

    code, out, err = ran(world, "nobody")
    assert (1, "") == (code, out)
    assert "There is no ApiToken nobody in" in err
    code, out, err = ran(world, "-n", "elsewhere")
    assert (1, "") == (code, out)
    assert "The operator does not serve namespace elsewhere" in err


def test_the_settings_are_those_of_the_operator_that_is_installed(world: World) -> None:
    # Other tests install operators into the usual namespace.
    own = world.namespace
    world.put_plain_secret(world.account, {"token": CREDENTIAL}, own)
    world.put_api_token("new")
    own_code, own_out, own_err = ran(world, "--namespace", own, "-n", own, is_set_up=False)
    assert 1 == own_code
    assert "is not among the operator's allowed base URLs" in own_out
    assert f"namespace {own} has no Deployments of the operator" in own_err

    texts = {"ALLOWED_BASE_URLS": world.simulator.url, "WATCH_NAMESPACES": own}
    labels = {"app.kubernetes.io/name": "mailtrap-operator", "app.kubernetes.io/instance": own}
    container = {
        "name": "operator",
        "image": "registry.invalid/mailtrap-operator:0.1.0",
        "args": ["run", "--rate-limit", "20/1s"],
        "env": [{"name": f"MAILTRAP_OPERATOR_{name}", "value": text} for name, text in texts.items()],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    folder = f"/apis/apps/v1/namespaces/{own}/deployments"
    world.kube.create(folder, {"metadata": {"name": own, "labels": labels}, "spec": spec})
    try:
        code, out, err = ran(world, "--namespace", own, "-o", "json", is_set_up=False)
    finally:
        world.kube.delete(f"{folder}/{own}")

    assert (2, ["new"]) == (code, [row["name"] for row in json.loads(out)["apiTokens"]])
    assert (
        f"mailtrap-operator: settings of Deployment {own}/{own}: "
        f"allowed-base-urls={world.simulator.url}, rate-limit=20/1s, watch-namespaces={own}\n"
    ) == err


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
