"""How much runs at once, whose share it is, and how it all ends."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result
from tests.unit.clock import now, run_virtual, settled, virtual
from tests.unit.runtime.queue_harness import QueueBench, seconds


def groups(key: str) -> Groups:
    return Groups(None if key[0] == "a" else key[0])


@virtual
async def test_no_more_reconciles_run_at_once_than_there_are_workers() -> None:
    harness = QueueBench(workers=4, duration=10)
    harness.queue.start()

    for number in range(10):
        harness.queue.add(f"k{number}", Priority.CHANGE)
    await settled()

    assert (4, 6) == (harness.queue.running, len(harness.queue))
    await asyncio.sleep(100)
    assert [0] * 4 + [10] * 4 + [20] * 2 == [round(one.start) for one in harness.passes]


@virtual
async def test_a_slow_group_that_is_alone_leaves_workers_to_anyone_who_comes() -> None:
    harness = QueueBench(workers=8, groups_of=groups, duration=1000)
    harness.queue.start()

    for number in range(50):
        harness.queue.add(f"slow{number}", Priority.URGENT)
    await asyncio.sleep(5)
    for number in range(3):
        harness.queue.add(f"other{number}", Priority.ROUTINE)
        harness.queue.add(f"third{number}", Priority.ROUTINE)
    await settled()

    started = [one.key[0] for one in harness.passes]
    assert {"s": 6, "o": 1, "t": 1} == {name: started.count(name) for name in "sot"}
    assert [5, 5] == [round(one.start) for one in harness.passes[6:]]
    await harness.queue.drain(seconds(0))


@pytest.mark.parametrize("nameless", [None, "", 0, False])
@virtual
async def test_whatever_a_group_is_called_nothing_waits_behind_it(nameless: object) -> None:
    harness = QueueBench(
        workers=4, groups_of=lambda key: Groups(nameless if key == "gone" else key), duration=10
    )
    harness.queue.start()

    for key in ("gone", "a", "b", "c", "d"):
        harness.queue.add(key, Priority.ROUTINE)
    await asyncio.sleep(100)

    assert ["gone", "a", "b", "c", "d"] == harness.keys


@virtual
async def test_a_group_has_one_worker_even_when_there_are_few() -> None:
    harness = QueueBench(workers=1, groups_of=groups, duration=1)
    harness.queue.start()

    for key in ("a1", "a2", "b1"):
        harness.queue.add(key, Priority.CHANGE)
    await asyncio.sleep(10)

    assert ["a1", "b1", "a2"] == harness.keys


@virtual
async def test_a_key_whose_group_changes_while_it_runs_frees_the_share_it_took() -> None:
    named = {"a": "old"}
    harness = QueueBench(workers=4, groups_of=lambda key: Groups(named.get(key, "old")), duration=10)
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    harness.queue.add("b", Priority.CHANGE)
    await asyncio.sleep(5)

    named["a"] = "new"
    await asyncio.sleep(100)

    assert ["a", "b"] == harness.keys
    assert 0 == harness.queue.running


@virtual
async def test_draining_lets_running_reconciles_end_and_starts_none() -> None:
    harness = QueueBench(workers=1, groups_of=groups, duration=10)
    harness.status_watch["a1"] = Result(seconds(1))
    harness.queue.start()
    harness.queue.add("a1", Priority.CHANGE)
    harness.queue.add("a2", Priority.CHANGE)
    await asyncio.sleep(5)

    harness.queue.add("a1", Priority.CHANGE)
    await harness.queue.drain(seconds(30))
    assert 10 == round(now())
    harness.queue.add("a3", Priority.URGENT)
    await asyncio.sleep(1000)

    assert ["a1"] == harness.keys
    assert 10 == harness.passes[0].end


@virtual
async def test_draining_stops_the_timers_too() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(seconds(60))
    harness.status_watch["b"] = Result(is_failed=True)
    harness.queue.start()
    for key in ("a", "b"):
        harness.queue.add(key, Priority.CHANGE)
    await settled()

    await harness.queue.drain(seconds(30))
    await asyncio.sleep(1000)

    assert ["a", "b"] == harness.keys


@virtual
async def test_a_reconcile_that_takes_too_long_is_cancelled_at_the_end_of_the_patience() -> None:
    harness = QueueBench(duration=1000)
    harness.durations["quick"] = 10
    harness.queue.start()
    for key in ("stuck", "quick"):
        harness.queue.add(key, Priority.CHANGE)
    await asyncio.sleep(5)

    await harness.queue.drain(seconds(30))

    assert 35 == round(now())
    assert [35, 10] == [round(one.end or 0) for one in harness.passes]
    assert 0 == harness.queue.running


keys = st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"])
additions = st.lists(
    st.tuples(st.floats(0, 30), keys, st.sampled_from(Priority), st.sampled_from(["", "1", "2", "3", "4"])),
    max_size=40,
)
status_watch = st.builds(
    Result,
    requeue_after=st.none() | st.floats(2, 20).map(seconds),
    priority=st.sampled_from(Priority),
    is_failed=st.booleans(),
    at_most=st.none() | st.just(seconds(5)),
    written=st.lists(st.sampled_from(["1", "2"]), max_size=2).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(
    added=additions,
    taken=st.tuples(st.dictionaries(keys, st.floats(0, 10)), st.dictionaries(keys, st.floats(0, 10))),
    said=st.dictionaries(keys, status_watch),
    broken=st.sets(keys, max_size=1),
    workers=st.sampled_from([1, 2, 8, 16]),
)
def test_no_key_ever_runs_twice_at_once_and_none_is_lost(
    added: list[tuple[float, str, Priority, str]],
    taken: tuple[dict[str, float], dict[str, float]],
    said: dict[str, Result],
    broken: set[str],
    workers: int,
) -> None:
    async def main() -> QueueBench:
        harness = QueueBench(workers=workers, groups_of=groups)
        (harness.durations, harness.waits), harness.status_watch, harness.broken = taken, said, broken
        harness.queue.start()

        async def add(after: float, key: str, priority: Priority, version: str) -> None:
            await asyncio.sleep(after)
            harness.queue.add(key, priority, version)
            assert harness.queue.running <= workers

        await asyncio.gather(*(add(*one) for one in added))
        await asyncio.sleep(200)
        await harness.queue.drain(seconds(100))
        assert (0, set()) == (harness.queue.running, harness.working)
        return harness

    harness = run_virtual(main())

    assert harness.most <= workers
    for key in {one.key for one in harness.passes}:
        own = [one for one in harness.passes if one.key == key]
        assert all(
            before.end is not None and before.end <= after.start for before, after in itertools.pairwise(own)
        )
    starts = {key: harness.starts(key) for _, key, _, _ in added}
    # A version that the key's own reconciles write may be an echo; everything else must be followed by a reconcile.
    lost = [
        (at, key)
        for at, key, _, version in added
        if version not in {"1", "2"} and not any(s >= round(at, 3) for s in starts[key])
    ]
    assert [] == lost


@virtual
async def test_reconciles_that_do_not_end_are_complained_of() -> None:
    harness = QueueBench(workers=4, duration=3 * 3600)
    harness.queue.start()
    harness.queue.add("a1", Priority.CHANGE)
    harness.queue.add("a2", Priority.CHANGE)

    await asyncio.sleep(3600)
    assert None is harness.queue.unhealthy_reason()
    await asyncio.sleep(1)
    assert "2 of the running reconciles do not end." == harness.queue.unhealthy_reason()
    await asyncio.sleep(3 * 3600)
    assert None is harness.queue.unhealthy_reason()
