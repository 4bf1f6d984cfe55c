"""Who runs when: order, echoes, returning, backoff."""

import asyncio

import pytest

from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.workqueue import Verdict
from tests.unit.clock import settled, virtual
from tests.unit.runtime.queue_bench import QueueBench

FAILED = Verdict(is_failed=True)


@virtual
async def test_a_key_that_is_added_runs_once() -> None:
    bench = QueueBench()
    bench.queue.start()

    for _ in range(5):
        bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(1000)

    assert [0] == bench.starts()
    assert (0, 0) == (len(bench.queue), bench.queue.running)


@virtual
async def test_nothing_runs_before_the_start() -> None:
    bench = QueueBench()

    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(5)
    assert ([], 1) == (bench.keys, len(bench.queue))
    bench.queue.start()
    await settled()

    assert [5] == bench.starts()


@virtual
async def test_what_is_added_during_a_pass_runs_once_more_after_it() -> None:
    bench = QueueBench(duration=10)
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(5)

    for _ in range(3):
        bench.queue.add("a", Lane.CHANGE)
    assert (1, 1) == (len(bench.queue), bench.queue.running)
    await asyncio.sleep(100)

    assert [0, 10] == bench.starts()


@virtual
async def test_urgent_keys_run_first_and_equal_ones_in_order() -> None:
    bench = QueueBench(workers=1, groups_of=lambda _: ("one",), duration=1)
    for name, lane in [
        ("r", Lane.ROUTINE),
        ("c1", Lane.CHANGE),
        ("u1", Lane.URGENT),
        ("c2", Lane.CHANGE),
        ("u2", Lane.URGENT),
    ]:
        bench.queue.add(name, lane)

    bench.queue.start()
    await asyncio.sleep(100)

    assert ["u1", "u2", "c1", "c2", "r"] == bench.keys


@virtual
async def test_a_waiting_key_moves_to_a_more_urgent_lane_and_never_back() -> None:
    bench = QueueBench(workers=1, groups_of=lambda _: ("one",), duration=1)
    for name in ("a", "b", "c"):
        bench.queue.add(name, Lane.CHANGE)

    bench.queue.add("c", Lane.URGENT)
    bench.queue.add("c", Lane.ROUTINE)
    bench.queue.start()
    await asyncio.sleep(100)

    assert ["c", "a", "b"] == bench.keys


@virtual
async def test_a_key_that_moved_to_a_more_urgent_lane_runs_once_and_takes_one_place() -> None:
    bench = QueueBench(workers=8, groups_of=lambda _: ("one",), duration=10)
    bench.queue.add("a", Lane.CHANGE)
    bench.queue.add("a", Lane.URGENT)

    bench.queue.start()
    await asyncio.sleep(100)
    assert (["a"], 0) == (bench.keys, bench.queue.running)

    for key in "bcd":
        bench.queue.add(key, Lane.CHANGE)
    await settled()
    assert (["a", "b", "c"], 2) == (bench.keys, bench.queue.running)
    await asyncio.sleep(100)


@virtual
async def test_a_key_added_again_during_its_pass_waits_in_its_most_urgent_lane() -> None:
    bench = QueueBench(workers=1, groups_of=lambda _: ("one",), duration=10)
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(5)

    bench.queue.add("b", Lane.CHANGE)
    bench.queue.add("a", Lane.ROUTINE)
    bench.queue.add("a", Lane.URGENT)
    await asyncio.sleep(100)

    assert ["a", "a", "b"] == bench.keys


@virtual
async def test_the_echo_of_an_own_write_after_the_pass_wakes_nobody() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(written=("5", "6"))
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await settled()

    bench.queue.add("a", Lane.CHANGE, "5")
    bench.queue.add("a", Lane.CHANGE, "6")
    await settled()
    assert ["a"] == bench.keys
    bench.queue.add("a", Lane.CHANGE, "7")
    await settled()

    assert ["a", "a"] == bench.keys


@virtual
async def test_the_echo_of_an_own_write_during_the_pass_wakes_nobody() -> None:
    bench = QueueBench(duration=10)
    bench.verdicts["a"] = Verdict(written=("5", "6"))
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(5)

    bench.queue.add("a", Lane.CHANGE, "5")
    bench.queue.add("a", Lane.URGENT, "6")
    await asyncio.sleep(100)

    assert ["a"] == bench.keys
    assert 0 == len(bench.queue)


@pytest.mark.parametrize("version", ["7", ""])
@virtual
async def test_an_echo_does_not_hide_what_else_happened_during_the_pass(version: str) -> None:
    bench = QueueBench(duration=10)
    bench.verdicts["a"] = Verdict(written=("5",))
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(5)

    bench.queue.add("a", Lane.CHANGE, "5")
    bench.queue.add("a", Lane.CHANGE, version)
    await asyncio.sleep(100)

    assert [0, 10] == bench.starts()


@virtual
async def test_an_echo_of_one_key_is_news_to_another() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(written=("5",))
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await settled()

    bench.queue.add("b", Lane.CHANGE, "5")
    await settled()

    assert ["a", "b"] == bench.keys


@virtual
async def test_echoes_of_several_passes_are_remembered_but_not_for_ever() -> None:
    bench = QueueBench()
    bench.queue.start()
    for number in range(20):
        bench.verdicts["a"] = Verdict(written=(str(number),))
        bench.queue.add("a", Lane.CHANGE)
        await settled()
    assert 20 == len(bench.passes)

    for number in range(12, 20):
        bench.queue.add("a", Lane.CHANGE, str(number))
    await settled()
    assert 20 == len(bench.passes)
    bench.queue.add("a", Lane.CHANGE, "11")
    await settled()

    assert 21 == len(bench.passes)
