"""Who runs when: order, echoes, returning, backoff."""

import asyncio

import pytest

from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result
from tests.unit.clock import settled, virtual
from tests.unit.runtime.queue_harness import QueueBench

FAILED = Result(is_failed=True)


@virtual
async def test_a_key_that_is_added_runs_once() -> None:
    harness = QueueBench()
    harness.queue.start()

    for _ in range(5):
        harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(1000)

    assert [0] == harness.starts()
    assert (0, 0) == (len(harness.queue), harness.queue.running)


@virtual
async def test_nothing_runs_before_the_start() -> None:
    harness = QueueBench()

    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(5)
    assert ([], 1) == (harness.keys, len(harness.queue))
    harness.queue.start()
    await settled()

    assert [5] == harness.starts()


@virtual
async def test_what_is_added_during_a_reconcile_runs_once_more_after_it() -> None:
    harness = QueueBench(duration=10)
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(5)

    for _ in range(3):
        harness.queue.add("a", Priority.CHANGE)
    assert (1, 1) == (len(harness.queue), harness.queue.running)
    await asyncio.sleep(100)

    assert [0, 10] == harness.starts()


@virtual
async def test_urgent_keys_run_first_and_equal_ones_in_order() -> None:
    harness = QueueBench(workers=1, groups_of=lambda _: Groups("one"), duration=1)
    for name, priority in [
        ("r", Priority.ROUTINE),
        ("c1", Priority.CHANGE),
        ("u1", Priority.URGENT),
        ("c2", Priority.CHANGE),
        ("u2", Priority.URGENT),
    ]:
        harness.queue.add(name, priority)

    harness.queue.start()
    await asyncio.sleep(100)

    assert ["u1", "u2", "c1", "c2", "r"] == harness.keys


@virtual
async def test_a_waiting_key_moves_to_a_more_urgent_priority_and_never_back() -> None:
    harness = QueueBench(workers=1, groups_of=lambda _: Groups("one"), duration=1)
    for name in ("a", "b", "c"):
        harness.queue.add(name, Priority.CHANGE)

    harness.queue.add("c", Priority.URGENT)
    harness.queue.add("c", Priority.ROUTINE)
    harness.queue.start()
    await asyncio.sleep(100)

    assert ["c", "a", "b"] == harness.keys


@virtual
async def test_a_key_that_moved_to_a_more_urgent_priority_runs_once_and_takes_one_place() -> None:
    harness = QueueBench(workers=2, groups_of=lambda _: Groups("one"), duration=10)
    harness.queue.add("a", Priority.CHANGE)
    harness.queue.add("a", Priority.URGENT)

    harness.queue.start()
    await asyncio.sleep(100)
    assert (["a"], 0) == (harness.keys, harness.queue.running)

    for key in "bcd":
        harness.queue.add(key, Priority.CHANGE)
    await settled()
    assert (["a", "b", "c"], 2) == (harness.keys, harness.queue.running)
    await asyncio.sleep(100)


@virtual
async def test_a_key_added_again_during_its_reconcile_waits_in_its_most_urgent_priority() -> None:
    harness = QueueBench(workers=1, groups_of=lambda _: Groups("one"), duration=10)
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(5)

    harness.queue.add("b", Priority.CHANGE)
    harness.queue.add("a", Priority.ROUTINE)
    harness.queue.add("a", Priority.URGENT)
    await asyncio.sleep(100)

    assert ["a", "a", "b"] == harness.keys


@virtual
async def test_the_echo_of_an_own_write_after_the_reconcile_wakes_no_one() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(written=("5", "6"))
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await settled()

    harness.queue.add("a", Priority.CHANGE, "5")
    harness.queue.add("a", Priority.CHANGE, "6")
    await settled()
    assert ["a"] == harness.keys
    harness.queue.add("a", Priority.CHANGE, "7")
    await settled()

    assert ["a", "a"] == harness.keys


@virtual
async def test_the_echo_of_an_own_write_during_the_reconcile_wakes_no_one() -> None:
    harness = QueueBench(duration=10)
    harness.status_watch["a"] = Result(written=("5", "6"))
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(5)

    harness.queue.add("a", Priority.CHANGE, "5")
    harness.queue.add("a", Priority.URGENT, "6")
    await asyncio.sleep(100)

    assert ["a"] == harness.keys
    assert 0 == len(harness.queue)


@pytest.mark.parametrize("version", ["7", ""])
@virtual
async def test_an_echo_does_not_hide_what_else_happened_during_the_reconcile(version: str) -> None:
    harness = QueueBench(duration=10)
    harness.status_watch["a"] = Result(written=("5",))
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(5)

    harness.queue.add("a", Priority.CHANGE, "5")
    harness.queue.add("a", Priority.CHANGE, version)
    await asyncio.sleep(100)

    assert [0, 10] == harness.starts()


@virtual
async def test_an_echo_of_one_key_is_news_to_another() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(written=("5",))
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await settled()

    harness.queue.add("b", Priority.CHANGE, "5")
    await settled()

    assert ["a", "b"] == harness.keys


@virtual
async def test_echoes_of_several_reconciles_are_remembered_but_not_for_ever() -> None:
    harness = QueueBench()
    harness.queue.start()
    for number in range(20):
        harness.status_watch["a"] = Result(written=(str(number),))
        harness.queue.add("a", Priority.CHANGE)
        await settled()
    assert 20 == len(harness.passes)

    for number in range(12, 20):
        harness.queue.add("a", Priority.CHANGE, str(number))
    await settled()
    assert 20 == len(harness.passes)
    harness.queue.add("a", Priority.CHANGE, "11")
    await settled()

    assert 21 == len(harness.passes)
