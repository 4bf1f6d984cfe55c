"""How much runs at once, whose share it is, and how it all ends."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.workqueue import Verdict
from tests.unit.clock import now, run_virtual, settled, virtual
from tests.unit.runtime.queue_bench import QueueBench, seconds


def groups(key: str) -> tuple[str | None]:
    return (None if key[0] == "a" else key[0],)


@virtual
async def test_no_more_passes_run_at_once_than_there_are_workers() -> None:
    bench = QueueBench(workers=4, duration=10)
    bench.queue.start()

    for number in range(10):
        bench.queue.add(f"k{number}", Lane.CHANGE)
    await settled()

    assert (4, 6) == (bench.queue.running, len(bench.queue))
    await asyncio.sleep(100)
    assert [0] * 4 + [10] * 4 + [20] * 2 == [round(one.start) for one in bench.passes]


@virtual
async def test_a_slow_group_holds_a_quarter_of_the_workers_at_most() -> None:
    bench = QueueBench(workers=8, groups_of=groups, duration=1000)
    bench.queue.start()

    for number in range(50):
        bench.queue.add(f"slow{number}", Lane.URGENT)
    await asyncio.sleep(5)
    for number in range(3):
        bench.queue.add(f"other{number}", Lane.ROUTINE)
        bench.queue.add(f"third{number}", Lane.ROUTINE)
    await settled()

    started = [one.key[0] for one in bench.passes]
    assert {"s": 2, "o": 2, "t": 2} == {name: started.count(name) for name in "sot"}
    assert [5] * 4 == [round(one.start) for one in bench.passes[2:]]
    await bench.queue.drain(seconds(0))


@pytest.mark.parametrize("nameless", [None, "", 0, False])
@virtual
async def test_whatever_a_group_is_called_nothing_waits_behind_it(nameless: object) -> None:
    bench = QueueBench(workers=4, groups_of=lambda key: (nameless if key == "gone" else key,), duration=10)
    bench.queue.start()

    for key in ("gone", "a", "b", "c", "d"):
        bench.queue.add(key, Lane.ROUTINE)
    await asyncio.sleep(100)

    assert ["gone", "a", "b", "c", "d"] == bench.keys


@virtual
async def test_a_group_has_one_worker_even_when_there_are_few() -> None:
    bench = QueueBench(workers=1, groups_of=groups, duration=1)
    bench.queue.start()

    for key in ("a1", "a2", "b1"):
        bench.queue.add(key, Lane.CHANGE)
    await asyncio.sleep(10)

    assert ["a1", "b1", "a2"] == bench.keys


@virtual
async def test_a_key_whose_group_changes_while_it_runs_frees_the_share_it_took() -> None:
    named = {"a": "old"}
    bench = QueueBench(workers=4, groups_of=lambda key: (named.get(key, "old"),), duration=10)
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    bench.queue.add("b", Lane.CHANGE)
    await asyncio.sleep(5)

    named["a"] = "new"
    await asyncio.sleep(100)

    assert ["a", "b"] == bench.keys
    assert 0 == bench.queue.running


@virtual
async def test_draining_lets_running_passes_end_and_starts_none() -> None:
    bench = QueueBench(workers=1, groups_of=groups, duration=10)
    bench.verdicts["a1"] = Verdict(seconds(1))
    bench.queue.start()
    bench.queue.add("a1", Lane.CHANGE)
    bench.queue.add("a2", Lane.CHANGE)
    await asyncio.sleep(5)

    bench.queue.add("a1", Lane.CHANGE)
    await bench.queue.drain(seconds(30))
    assert 10 == round(now())
    bench.queue.add("a3", Lane.URGENT)
    await asyncio.sleep(1000)

    assert ["a1"] == bench.keys
    assert 10 == bench.passes[0].end


@virtual
async def test_draining_stops_the_timers_too() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(seconds(60))
    bench.verdicts["b"] = Verdict(is_failed=True)
    bench.queue.start()
    for key in ("a", "b"):
        bench.queue.add(key, Lane.CHANGE)
    await settled()

    await bench.queue.drain(seconds(30))
    await asyncio.sleep(1000)

    assert ["a", "b"] == bench.keys


@virtual
async def test_a_pass_that_takes_too_long_is_cancelled_at_the_end_of_the_patience() -> None:
    bench = QueueBench(duration=1000)
    bench.durations["quick"] = 10
    bench.queue.start()
    for key in ("stuck", "quick"):
        bench.queue.add(key, Lane.CHANGE)
    await asyncio.sleep(5)

    await bench.queue.drain(seconds(30))

    assert 35 == round(now())
    assert [35, 10] == [round(one.end or 0) for one in bench.passes]
    assert 0 == bench.queue.running


keys = st.sampled_from(["a1", "a2", "a3", "b1", "b2", "c1"])
additions = st.lists(
    st.tuples(st.floats(0, 30), keys, st.sampled_from(Lane), st.sampled_from(["", "1", "2", "3", "4"])),
    max_size=40,
)
verdicts = st.builds(
    Verdict,
    requeue_after=st.none() | st.floats(2, 20).map(seconds),
    lane=st.sampled_from(Lane),
    is_failed=st.booleans(),
    at_most=st.none() | st.just(seconds(5)),
    written=st.lists(st.sampled_from(["1", "2"]), max_size=2).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(
    added=additions,
    taken=st.tuples(st.dictionaries(keys, st.floats(0, 10)), st.dictionaries(keys, st.floats(0, 10))),
    said=st.dictionaries(keys, verdicts),
    broken=st.sets(keys, max_size=1),
    workers=st.sampled_from([1, 2, 8, 16]),
)
def test_no_key_ever_runs_twice_at_once_and_none_is_lost(
    added: list[tuple[float, str, Lane, str]],
    taken: tuple[dict[str, float], dict[str, float]],
    said: dict[str, Verdict],
    broken: set[str],
    workers: int,
) -> None:
    async def main() -> QueueBench:
        bench = QueueBench(workers=workers, groups_of=groups)
        (bench.durations, bench.waits), bench.verdicts, bench.broken = taken, said, broken
        bench.queue.start()

        async def add(after: float, key: str, lane: Lane, version: str) -> None:
            await asyncio.sleep(after)
            bench.queue.add(key, lane, version)
            assert bench.queue.running <= workers

        await asyncio.gather(*(add(*one) for one in added))
        await asyncio.sleep(200)
        await bench.queue.drain(seconds(100))
        assert (0, set()) == (bench.queue.running, bench.working)
        return bench

    bench = run_virtual(main())

    assert bench.most <= workers
    for key in {one.key for one in bench.passes}:
        own = [one for one in bench.passes if one.key == key]
        assert all(
            before.end is not None and before.end <= after.start for before, after in itertools.pairwise(own)
        )
    starts = {key: bench.starts(key) for _, key, _, _ in added}
    # A version that the key's own passes write may be an echo; everything else must be followed by a pass.
    lost = [
        (at, key)
        for at, key, _, version in added
        if version not in {"1", "2"} and not any(s >= round(at, 3) for s in starts[key])
    ]
    assert [] == lost
    for name in "abc":
        moments = [one.start for one in bench.passes if one.key[0] == name]
        share = max(1, workers // 4)
        for moment in moments:
            running = [
                one for one in bench.passes if one.key[0] == name and one.start <= moment < (one.end or 0)
            ]
            assert len(running) <= share


@virtual
async def test_passes_that_do_not_end_are_complained_of() -> None:
    bench = QueueBench(workers=4, duration=3 * 3600)
    bench.queue.start()
    bench.queue.add("a1", Lane.CHANGE)
    bench.queue.add("a2", Lane.CHANGE)

    await asyncio.sleep(3600)
    assert None is bench.queue.complaint()
    await asyncio.sleep(1)
    assert "2 of the passes under way do not end." == bench.queue.complaint()
    await asyncio.sleep(3 * 3600)
    assert None is bench.queue.complaint()
