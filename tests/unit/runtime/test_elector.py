"""When a replica leads, and when it must not any more."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailtrap_operator.clients.errors import Retryable, Terminal
from mailtrap_operator.clients.lease_client import LeaseRecord
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.leadership import Alone
from tests.unit.clock import now, virtual
from tests.unit.runtime.election_harness import START, Lease, Replica, Way, record

FORBIDDEN = Terminal(Reason.KUBERNETES_REFUSED, "leases is forbidden")
FAR = timedelta(days=400)


def replica(lease: Lease, name: str = "b") -> Replica:
    return Replica(name, Way(lease))


@pytest.mark.parametrize(
    ("present", "at_least", "at_most"),
    [
        pytest.param(None, 0, 1, id="there is no Lease: at once"),
        pytest.param(record(""), 0, 1, id="it was released: at once"),
        pytest.param(record("b"), 0, 1, id="it has our name, as after a lost answer: at once"),
        pytest.param(record("a"), 9, 12, id="another holds it and is silent: when the lease has passed"),
        pytest.param(record("a", renewed_at=START - FAR), 9, 12, id="its renewal seems long ago: no sooner"),
        pytest.param(
            record("a", renewed_at=START + FAR), 9, 12, id="its renewal lies in the future: no later"
        ),
        pytest.param(
            record("a", duration=timedelta(seconds=30)), 30, 33, id="it asks for a longer lease: then"
        ),
        pytest.param(
            record("a", duration=timedelta(seconds=1)), 9, 12, id="it asks for a shorter one: no sooner"
        ),
        pytest.param(record("a", duration=timedelta(days=9)), 60, 63, id="it asks for ever: after a minute"),
    ],
)
@virtual
async def test_when_a_replica_begins_to_lead(
    present: LeaseRecord | None, at_least: float, at_most: float
) -> None:
    lease = Lease()
    if present:
        lease.put(present)
    candidate = replica(lease).start()

    assert await candidate.leads_within(100)

    assert at_least <= now() <= at_most
    assert candidate.may_write()


@virtual
async def test_a_leader_that_renews_is_never_followed() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()

    assert not await standby.leads_within(600)

    assert (True, False) == (leader.may_write(), standby.may_write())
    assert "standby; leader: a" == standby.elector.role
    assert "leading" == leader.elector.role


@virtual
async def test_a_standby_says_whom_it_stands_by_and_says_it_again_when_another_leads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    lease = Lease()
    lease.put(record("a"))
    replica(lease).start()
    await asyncio.sleep(5)
    lease.put(record("c"))

    await asyncio.sleep(5)

    told = [vars(line)["leader"] for line in caplog.records if line.message == "this replica stands by"]
    assert ["a", "c"] == told


@virtual
async def test_the_lease_says_who_leads_since_when_and_how_often_that_changed() -> None:
    lease = Lease()
    lease.put(record("a"))

    await replica(lease).start().leads_within(100)
    begun = now()
    await asyncio.sleep(30)

    kept = lease.record
    assert kept is not None
    assert ("b", 4, timedelta(seconds=9)) == (kept.holder, kept.transitions, kept.duration)
    assert kept.acquired_at is not None
    assert kept.renewed_at is not None
    assert begun - 1 <= (kept.acquired_at - START).total_seconds() <= begun
    assert begun + 26 <= (kept.renewed_at - START).total_seconds() <= begun + 30


@virtual
async def test_a_count_of_changes_that_is_full_stays_as_it_is() -> None:
    lease = Lease()
    lease.put(record("", transitions=2**31 - 1))

    await replica(lease).start().leads_within(5)

    assert lease.record is not None
    assert ("b", 2**31 - 1) == (lease.record.holder, lease.record.transitions)


@virtual
async def test_a_leader_that_dies_is_followed_when_its_lease_has_passed() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    await asyncio.sleep(20)
    leader.stop()

    assert await standby.leads_within(12)


@virtual
async def test_a_leader_that_releases_is_followed_at_once_and_writes_nothing_more() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    await asyncio.sleep(20)

    leader.stop()
    await leader.elector.release()

    assert not leader.may_write()
    assert await standby.leads_within(1.5)
    assert not leader.is_lost


@virtual
async def test_a_standby_that_ends_leaves_the_lease_as_it_is() -> None:
    lease = Lease()
    lease.put(record("a"))
    standby = replica(lease).start()
    await asyncio.sleep(3)

    standby.stop()
    await standby.elector.release()

    assert [record("a", version="1")] == lease.history


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["given up", "going on"])
@pytest.mark.parametrize("arrival", [0.1, 0.6], ids=["arrives before the release", "arrives after it"])
@virtual
async def test_a_leader_that_releases_in_the_middle_of_a_renewal_is_followed_at_once(
    arrival: float, *, is_cancelled: bool
) -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    await _write_under_way(leader, arrival)

    leader.way.delay = lambda: 0.3
    if is_cancelled:
        leader.stop()
    await leader.elector.release()

    assert await standby.leads_within(3)
    await asyncio.sleep(5)
    assert (False, True) == (leader.may_write(), standby.may_write())
    holders = [written.holder for written in lease.history]
    assert {"", "b"} == set(holders[holders.index("") :])
    assert not leader.is_lost


@pytest.mark.parametrize("arrival", [0.1, 0.6], ids=["arrives before the release", "arrives after it"])
@virtual
async def test_a_standby_that_ends_in_the_middle_of_its_takeover_is_followed_at_once(arrival: float) -> None:
    lease = Lease()
    lease.put(record("a"))
    ending = replica(lease).start()
    await _write_under_way(ending, arrival)
    other = replica(lease, "c").start()

    ending.way.delay = lambda: 0.3
    ending.stop()
    await ending.elector.release()

    assert await other.leads_within(3)
    assert not ending.may_write()


async def _write_under_way(replica: Replica, arrival: float) -> None:
    """Wait until a replica sends a write that takes so long to arrive."""
    is_sent = asyncio.Event()

    def delay() -> float:
        is_sent.set()
        return arrival

    replica.way.delay_of_writes = delay
    await is_sent.wait()
    replica.way.delay_of_writes = None


@virtual
async def test_a_leader_that_releases_after_a_failed_renewal_is_followed_at_once() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    leader.way.refusal = FORBIDDEN
    await asyncio.sleep(3)
    leader.way.refusal = None

    leader.stop()
    await leader.elector.release()

    assert await standby.leads_within(1.5)


@virtual
async def test_a_release_that_fails_is_tried_again() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    leader.way.refusal = FORBIDDEN

    leader.stop()
    releasing = asyncio.create_task(leader.elector.release())
    await asyncio.sleep(1)
    leader.way.refusal = None
    await releasing

    assert await standby.leads_within(2)


@virtual
async def test_a_release_that_conflicts_with_an_edit_is_written_over_it() -> None:
    lease = Lease()
    leader = replica(lease, "a").start()
    await leader.leads_within(5)
    lease.put(record("a"))

    leader.stop()
    await leader.elector.release()

    assert lease.record is not None
    assert "" == lease.record.holder


@virtual
async def test_a_release_leaves_the_lease_of_another_holder_as_it_is() -> None:
    lease = Lease()
    leader = replica(lease, "a").start()
    await leader.leads_within(5)
    others = lease.put(record("b"))

    leader.stop()
    await leader.elector.release()

    assert others == lease.record


@virtual
async def test_a_release_that_gets_no_answer_is_given_up_soon() -> None:
    leader = replica(Lease(), "a").start()
    await leader.leads_within(5)
    leader.way.is_cut = True
    begun = now()

    leader.stop()
    await leader.elector.release()

    assert now() - begun <= 3
    assert (False, False) == (leader.may_write(), leader.is_lost)


def _cut(way: Way) -> None:
    way.is_cut = True


def _refuse(way: Way) -> None:
    way.refusal = FORBIDDEN


@pytest.mark.parametrize("end", [_cut, _refuse], ids=["no answer comes", "the Lease is forbidden"])
@virtual
async def test_a_leader_that_cannot_renew_in_time_has_lost(end: Callable[[Way], None]) -> None:
    leader = replica(Lease(), "a").start()
    await leader.leads_within(5)
    end(leader.way)

    await asyncio.sleep(3)
    assert (True, False) == (leader.may_write(), leader.is_lost)

    await asyncio.sleep(4)
    assert (False, True) == (leader.may_write(), leader.is_lost)


@virtual
async def test_a_short_outage_is_survived() -> None:
    leader = replica(Lease(), "a").start()
    await leader.leads_within(5)

    for _ in range(20):
        leader.way.is_cut = True
        await asyncio.sleep(1.5)
        leader.way.is_cut = False
        await asyncio.sleep(5)

    assert (True, False) == (leader.may_write(), leader.is_lost)


@pytest.mark.parametrize(
    ("others", "is_lost"),
    [
        pytest.param(record("b"), True, id="another one's name stands there"),
        pytest.param(record("a"), False, id="someone edited it; the name is still ours"),
        pytest.param(None, False, id="someone deleted it"),
    ],
)
@virtual
async def test_what_a_leader_makes_of_a_lease_that_others_wrote(
    others: LeaseRecord | None, *, is_lost: bool
) -> None:
    lease = Lease()
    leader = replica(lease, "a").start()
    await leader.leads_within(5)

    if others:
        lease.put(others)
    else:
        lease.record = None
    await asyncio.sleep(6)

    assert (not is_lost, is_lost) == (leader.may_write(), leader.is_lost)


@virtual
async def test_a_lease_that_someone_deletes_is_not_taken_from_its_leader() -> None:
    lease = Lease()
    leader, standby = replica(lease, "a").start(), replica(lease)
    await leader.leads_within(5)
    standby.start()
    await asyncio.sleep(20)

    lease.record = None

    assert not await standby.leads_within(60)
    assert leader.may_write()


@virtual
async def test_a_lease_counts_from_when_it_was_sent_not_from_its_answer() -> None:
    lease = Lease()
    leader = replica(lease, "a")
    leader.way.delay = lambda: 0.9
    await leader.start().leads_within(10)
    leader.way.is_cut = True
    sent = (lease.history[0].renewed_at or START) - START

    await asyncio.sleep(sent.total_seconds() + 5.9 - now())
    assert leader.may_write()

    await asyncio.sleep(0.2)
    assert not leader.may_write()


@virtual
async def test_a_standby_waits_for_ever_and_less_often_while_nothing_answers() -> None:
    lease = Lease()
    standby = replica(lease)
    standby.way.refusal = FORBIDDEN
    standby.start()
    await asyncio.sleep(3600)

    standby.way.refusal = None

    assert await standby.leads_within(11)


@virtual
async def test_alone_one_works_at_once_and_for_good() -> None:
    alone = Alone()

    await alone.acquire()
    alone.check()
    await alone.release()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3600):
            await alone.hold()


@virtual
async def test_a_replica_that_does_not_lead_is_told_so_before_it_writes() -> None:
    with pytest.raises(Retryable) as refusal:
        replica(Lease()).elector.check()

    assert Reason.NOT_LEADING == refusal.value.reason
