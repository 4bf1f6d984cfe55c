"""Two replicas: one works, the other takes over when it dies, hangs or leaves; nothing is doubled."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.accounts import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, account_path, credential_path, is_held
from tests.e2e.grants import lines_of
from tests.e2e.kube import Body
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.witness import witnessed
from tests.e2e.world import FAST, OPERATOR_NAMESPACE, World, eventually

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/mailtrap-operator"
ONE, OTHER = "replica-one", "replica-other"

Pair = tuple[OperatorProcess, OperatorProcess]


@pytest.fixture
def pair(world: World) -> Iterator[Pair]:
    """Provide a leader and its standby, each with a user of its own; a witness looks on to the end."""
    world.kube.delete(LEASE)
    with witnessed(world, timedelta(hours=12)), ExitStack() as stack:
        leader, standby = (
            stack.enter_context(world.operator(*FAST, "--leader-election=true", user=user))
            for user in (ONE, OTHER)
        )
        eventually(lambda: leads(leader), "the first one leads")
        yield leader, standby


def leads(operator: OperatorProcess) -> bool:
    return operator.role == "leading"


def writes_of(world: World, user: str, since: str = "") -> list[Body]:
    """Return all that a user has tried to write anywhere from a moment on, dry runs too."""
    entries = map(json.loads, lines_of(world.cluster.audit_log))
    reading = {"get", "list", "watch"}
    return [
        entry
        for entry in entries
        if entry["user"].get("username") == user
        and entry["verb"] not in reading
        and entry["requestReceivedTimestamp"] >= since
    ]


def all_served(world: World, names: list[str]) -> None:
    for name in names:
        world.becomes_ready(name)
    assert {name: [] for name in names} == {name: world.strays(name) for name in names}
    assert [] == world.tripped()


def test_the_standby_takes_over_from_a_leader_that_is_killed_amid_its_work(world: World, pair: Pair) -> None:
    leader, standby = pair
    names = [f"mailer-{number}" for number in range(40)]
    for name in names:
        world.put_api_token(name)
    eventually(lambda: len(world.living()) >= 10, "the leader is at work")

    leader.kill()
    world.put_api_token("newcomer")
    eventually(lambda: leads(standby), "the standby leads")
    world.becomes_ready("newcomer")

    all_served(world, [*names, "newcomer"])


def test_a_leader_that_stood_still_for_longer_than_its_lease_ends_without_a_write(
    world: World, pair: Pair
) -> None:
    leader, standby = pair
    world.put_api_token("early")
    all_served(world, ["early"])
    is_held(world, account_path(world), ACCOUNT_FINALIZER)
    is_held(world, credential_path(world), CREDENTIAL_FINALIZER)

    leader.pause()
    names = [f"mailer-{number}" for number in range(20)]
    for name in names:
        world.put_api_token(name)
    eventually(lambda: leads(standby), "the standby leads")
    resumed = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    leader.resume()

    assert 1 == leader.wait()
    # What was on its way when it was stopped is refused.
    assert [] == [write for write in writes_of(world, ONE, resumed) if write["responseStatus"]["code"] < 400]
    all_served(world, names)


def test_a_leader_that_is_told_to_end_hands_over_at_once(world: World, pair: Pair) -> None:
    leader, standby = pair
    before = len(writes_of(world, OTHER))
    names = [f"mailer-{number}" for number in range(20)]
    for name in names:
        world.put_api_token(name)
    eventually(lambda: len(world.living()) >= 5, "the leader is at work")
    holder = (world.kube.get(LEASE) or {})["spec"]["holderIdentity"]
    assert f"standby; leader: {holder}" == standby.role
    assert before == len(writes_of(world, OTHER)), "the standby writes nothing"

    assert 0 == leader.stop()
    eventually(lambda: leads(standby), "the standby leads")

    all_served(world, names)
