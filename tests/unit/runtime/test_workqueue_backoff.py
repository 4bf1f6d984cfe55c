"""When a key comes back: by its wish, after a failure, after an exception, and not after it was forgotten."""

import asyncio
import logging
from itertools import pairwise

import pytest

from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result
from tests.unit.clock import settled, virtual
from tests.unit.runtime.queue_harness import QueueBench, seconds

FAILED = Result(is_failed=True)


async def failing_for_minutes(*, duration: float = 0.0) -> QueueBench:
    harness = QueueBench(duration=duration)
    harness.status_watch["a"] = FAILED
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(300)
    return harness


@virtual
async def test_a_reconcile_says_when_to_look_again_and_in_which_priority() -> None:
    harness = QueueBench(workers=1, groups_of=lambda _: Groups("one"))
    harness.status_watch["a"] = Result(seconds(60), priority=Priority.URGENT)
    harness.status_watch["b"] = Result(seconds(60), priority=Priority.ROUTINE)
    harness.queue.start()

    harness.queue.add("b", Priority.CHANGE)
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(59)
    assert ["b", "a"] == harness.keys
    harness.durations["long"] = 30
    harness.queue.add("long", Priority.CHANGE)
    await asyncio.sleep(40)

    assert ["b", "a", "long", "a", "b"] == harness.keys


@virtual
async def test_key_that_runs_earlier_is_not_requeued_for_its_former_time() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(seconds(60))
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(30)

    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(100)

    assert [0, 30, 90] == harness.starts()


@virtual
async def test_immediate_requeue_is_a_requeue_too() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(seconds(0))
    harness.durations["a"] = 1
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)

    await asyncio.sleep(3.5)

    assert [0, 1, 2, 3] == harness.starts()


@virtual
async def test_backoff_doubles_from_half_a_second_to_five_minutes_with_a_quarter_of_jitter() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = FAILED
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)

    await asyncio.sleep(5000)

    gaps = harness.gaps()
    assert 12 < len(gaps)
    for number, gap in enumerate(gaps):
        middle = min(0.5 * 2**number, 300)
        assert 0.75 * middle <= gap <= 1.25 * middle + 1e-6
    assert len(set(gaps)) == len(gaps), "without jitter all keys come back at once"


@virtual
async def test_backoff_may_be_bounded_and_is_the_least_time() -> None:
    harness = QueueBench()
    harness.status_watch["bounded"] = Result(is_failed=True, at_most=seconds(10))
    harness.status_watch["wishful"] = Result(seconds(100), is_failed=True)
    harness.status_watch["hasty"] = Result(seconds(0), is_failed=True)
    harness.queue.start()
    for key in ("bounded", "wishful", "hasty"):
        harness.queue.add(key, Priority.CHANGE)

    await asyncio.sleep(1000)

    assert 12.5 + 1e-6 >= max(harness.gaps("bounded"))
    assert 7.5 <= min(harness.gaps("bounded")[6:])
    assert [100.0] * 7 == [round(gap) for gap in harness.gaps("wishful")[:7]]
    assert 0.375 <= min(harness.gaps("hasty"))


@virtual
async def test_a_success_ends_the_backoff() -> None:
    harness = await failing_for_minutes()
    harness.status_watch["a"] = Result()
    harness.queue.add("a", Priority.CHANGE)
    await settled()

    harness.status_watch["a"] = FAILED
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(10)

    assert 0.625 + 1e-6 >= harness.gaps()[-4]


@pytest.mark.parametrize("has_version", [False, True])
@pytest.mark.parametrize("is_running", [False, True])
@virtual
async def test_event_of_another_key_does_not_end_the_backoff(*, is_running: bool, has_version: bool) -> None:
    harness = await failing_for_minutes(duration=1)
    if is_running:
        harness.queue.add("a", Priority.CHANGE)
        await settled()
    before = len(harness.passes)

    for version in range(10):
        harness.queue.add("a", Priority.CHANGE, str(version) if has_version else "", ends_backoff=False)
        await asyncio.sleep(1)

    assert len(harness.passes) - before <= is_running


@pytest.mark.parametrize("version", ["", "1"])
@virtual
async def test_event_of_another_key_wakes_an_idle_key(version: str) -> None:
    harness = QueueBench()
    harness.queue.start()

    harness.queue.add("a", Priority.CHANGE, version, ends_backoff=False)
    await settled()

    assert ["a"] == harness.keys


@pytest.mark.parametrize("is_running", [False, True])
@virtual
async def test_a_real_change_begins_the_backoff_again(*, is_running: bool) -> None:
    harness = await failing_for_minutes(duration=1)
    if is_running:
        harness.queue.add("a", Priority.CHANGE)
        await settled()
    before = len(harness.passes)

    harness.queue.add("a", Priority.CHANGE, "77")
    await asyncio.sleep(10)

    gaps = harness.gaps()[before:]
    assert 3 <= len(gaps)
    assert 0.625 + 1e-6 >= gaps[0]


@virtual
async def test_being_looked_at_for_another_cause_continues_with_the_backoff() -> None:
    harness = await failing_for_minutes()
    before = len(harness.passes)

    harness.queue.add("a", Priority.ROUTINE)
    await asyncio.sleep(60)

    assert before + 1 == len(harness.passes)


@virtual
async def test_an_echo_during_a_failed_reconcile_continues_with_the_backoff() -> None:
    harness = await failing_for_minutes(duration=1)
    harness.status_watch["a"] = Result(is_failed=True, written=("5",))
    harness.queue.add("a", Priority.CHANGE)
    await settled()
    before = len(harness.passes)

    harness.queue.add("a", Priority.CHANGE, "5")
    await asyncio.sleep(60)

    assert before == len(harness.passes)


@virtual
async def test_a_success_that_is_followed_at_once_does_not_end_the_backoff() -> None:
    # A token whose answer is lost is put on record, which succeeds, and the next one is asked for.
    harness = QueueBench()
    harness.coming = [FAILED, Result(seconds(0))] * 5
    harness.queue.start()

    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(60)

    failed = harness.starts()[0:10:2]
    assert [0.5, 1, 2, 4] == [pytest.approx(after - before, rel=0.3) for before, after in pairwise(failed)]


@virtual
async def test_an_exception_is_logged_with_its_key_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    harness = QueueBench()
    harness.broken.add("a")
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    harness.queue.add("b", Priority.CHANGE)

    await asyncio.sleep(1)

    assert ["a", "b", "a"] == harness.keys[:3]
    record = caplog.records[0]
    assert (logging.ERROR, "a reconcile failed unexpectedly", "a") == (
        record.levelno,
        record.message,
        vars(record)["key"],
    )
    assert record.exc_info is not None
    assert ZeroDivisionError is record.exc_info[0]


@virtual
async def test_a_key_that_is_forgotten_does_not_come_back_by_itself() -> None:
    harness = QueueBench()
    harness.status_watch["a"] = Result(seconds(60), written=("5",))
    harness.status_watch["b"] = FAILED
    harness.queue.start()
    for key in ("a", "b"):
        harness.queue.add(key, Priority.CHANGE)
    await settled()

    for key in ("a", "b", "c"):
        harness.queue.forget(key)
    await asyncio.sleep(1000)
    assert ["a", "b"] == harness.keys
    harness.queue.add("a", Priority.CHANGE, "5")
    await settled()

    assert ["a", "b", "a"] == harness.keys


@virtual
async def test_a_forgotten_key_that_waits_runs_only_if_it_is_added_again() -> None:
    harness = QueueBench()
    for key in ("a", "b"):
        harness.queue.add(key, Priority.CHANGE)
        harness.queue.forget(key)
    assert 0 == len(harness.queue)
    harness.queue.add("b", Priority.CHANGE)

    harness.queue.start()
    await settled()

    assert ["b"] == harness.keys


@virtual
async def test_a_key_that_is_forgotten_while_it_runs_runs_once_more_for_what_came_meanwhile() -> None:
    harness = QueueBench(duration=10)
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await settled()

    harness.queue.add("a", Priority.CHANGE, "7")
    harness.queue.forget("a")
    await asyncio.sleep(100)

    assert ["a", "a"] == harness.keys


@virtual
async def test_a_queue_that_has_not_begun_keeps_no_more_than_one_entry_for_each_key() -> None:
    harness = QueueBench()
    for version in range(5000):
        harness.queue.add("changed", Priority.CHANGE, str(version))
        harness.queue.add(f"gone-{version}", Priority.URGENT, str(version))
        harness.queue.forget(f"gone-{version}")

    assert 1 == len(harness.queue)
    harness.queue.start()
    await settled()
    assert ["changed"] == harness.keys
