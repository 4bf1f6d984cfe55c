"""The Lease as Kubernetes keeps it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mailtrap_operator.clients.errors import Conflict, Terminal, Uncertain
from mailtrap_operator.clients.kube import Body
from mailtrap_operator.clients.lease_client import LeaseClient, LeaseRecord
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clock import now, virtual

LEASES = "/apis/coordination.k8s.io/v1/namespaces/mailtrap-system/leases"
LEASE = f"{LEASES}/mailtrap-operator"
MOMENT = datetime(2026, 3, 1, 12, 0, 5, 250000, tzinfo=UTC)
OURS = LeaseRecord("replica-1", timedelta(seconds=10), MOMENT, MOMENT, transitions=3)


def store(kube: FakeKube) -> LeaseClient:
    return LeaseClient(kube, "mailtrap-system", timedelta(seconds=2))


async def test_where_there_is_no_lease_there_is_no_record() -> None:
    assert await store(FakeKube()).read() is None


async def test_a_record_stands_in_the_lease_as_every_tool_reads_it() -> None:
    kube = FakeKube()

    await store(kube).write(OURS)

    assert {
        "holderIdentity": "replica-1",
        "leaseDurationSeconds": 10,
        "acquireTime": "2026-03-01T12:00:05.250000Z",
        "renewTime": "2026-03-01T12:00:05.250000Z",
        "leaseTransitions": 3,
    } == (kube.object(LEASE) or {})["spec"]


async def test_what_was_written_is_read() -> None:
    kube = FakeKube()

    written = await store(kube).write(OURS)

    assert written == replace(OURS, version=written.version) == await store(kube).read()
    assert written.version


async def test_what_others_put_on_the_lease_stays() -> None:
    kube = FakeKube()
    written = await store(kube).write(OURS)
    kube.edit(LEASE, lambda body: body["metadata"].update(labels={"team": "mail"}))
    seen = await store(kube).read()
    assert seen is not None

    await store(kube).write(replace(seen, holder=""))

    assert {"team": "mail"} == (kube.object(LEASE) or {})["metadata"]["labels"]
    with pytest.raises(Conflict):
        await store(kube).write(written)


async def test_of_two_that_create_it_one_is_too_late() -> None:
    kube = FakeKube()
    await store(kube).write(OURS)

    with pytest.raises(Conflict):
        await store(kube).write(OURS)


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": None, "leaseTransitions": None}])
async def test_a_lease_without_a_record_is_no_ones(spec: Body | None) -> None:
    kube = FakeKube()
    kube.seed(LEASES, {"metadata": {"name": "mailtrap-operator"}} | ({"spec": spec} if spec else {}))

    seen = await store(kube).read()

    assert seen is not None
    assert ("", timedelta(), None, 0) == (seen.holder, seen.duration, seen.renewed_at, seen.transitions)


async def test_a_refusal_is_passed_on() -> None:
    kube = FakeKube()
    kube.fail("GET", "/leases", 403)

    with pytest.raises(Terminal):
        await store(kube).read()


class Silent(FakeKube):
    """An API server that never answers."""

    async def get(self, *_args: object, **_query: object) -> Body:
        """Wait for ever."""
        never: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        return await never

    create = merge = get


@virtual
async def test_every_call_ends_in_time() -> None:
    silent = store(Silent())

    with pytest.raises(Uncertain):
        await silent.read()
    for record in (OURS, replace(OURS, version="5")):
        with pytest.raises(Uncertain):
            await silent.write(record)

    assert 6 == round(now())
