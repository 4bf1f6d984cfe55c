"""When a key comes back: by its wish, after a failure, after an exception, and not after it was forgotten."""

import asyncio
import logging
from itertools import pairwise

import pytest

from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.workqueue import Verdict
from tests.unit.clock import settled, virtual
from tests.unit.runtime.queue_bench import QueueBench, seconds

FAILED = Verdict(is_failed=True)


async def failing_for_minutes(*, duration: float = 0.0) -> QueueBench:
    bench = QueueBench(duration=duration)
    bench.verdicts["a"] = FAILED
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(300)
    return bench


@virtual
async def test_a_pass_says_when_to_look_again_and_in_which_lane() -> None:
    bench = QueueBench(workers=1, groups_of=lambda _: ("one",))
    bench.verdicts["a"] = Verdict(seconds(60), lane=Lane.URGENT)
    bench.verdicts["b"] = Verdict(seconds(60), lane=Lane.ROUTINE)
    bench.queue.start()

    bench.queue.add("b", Lane.CHANGE)
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(59)
    assert ["b", "a"] == bench.keys
    bench.durations["long"] = 30
    bench.queue.add("long", Lane.CHANGE)
    await asyncio.sleep(40)

    assert ["b", "a", "long", "a", "b"] == bench.keys


@virtual
async def test_a_key_that_runs_earlier_does_not_come_back_for_its_former_wish() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(seconds(60))
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(30)

    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(100)

    assert [0, 30, 90] == bench.starts()


@virtual
async def test_to_look_again_at_once_is_a_wish_too() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(seconds(0))
    bench.durations["a"] = 1
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)

    await asyncio.sleep(3.5)

    assert [0, 1, 2, 3] == bench.starts()


@virtual
async def test_backoff_doubles_from_half_a_second_to_five_minutes_with_a_quarter_of_jitter() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = FAILED
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)

    await asyncio.sleep(5000)

    gaps = bench.gaps()
    assert 12 < len(gaps)
    for number, gap in enumerate(gaps):
        middle = min(0.5 * 2**number, 300)
        assert 0.75 * middle <= gap <= 1.25 * middle + 1e-6
    assert len(set(gaps)) == len(gaps), "without jitter all keys come back at once"


@virtual
async def test_backoff_may_be_bounded_and_is_the_least_time() -> None:
    bench = QueueBench()
    bench.verdicts["bounded"] = Verdict(is_failed=True, at_most=seconds(10))
    bench.verdicts["wishful"] = Verdict(seconds(100), is_failed=True)
    bench.verdicts["hasty"] = Verdict(seconds(0), is_failed=True)
    bench.queue.start()
    for key in ("bounded", "wishful", "hasty"):
        bench.queue.add(key, Lane.CHANGE)

    await asyncio.sleep(1000)

    assert 12.5 + 1e-6 >= max(bench.gaps("bounded"))
    assert 7.5 <= min(bench.gaps("bounded")[6:])
    assert [100.0] * 7 == [round(gap) for gap in bench.gaps("wishful")[:7]]
    assert 0.375 <= min(bench.gaps("hasty"))


@virtual
async def test_a_success_ends_the_backoff() -> None:
    bench = await failing_for_minutes()
    bench.verdicts["a"] = Verdict()
    bench.queue.add("a", Lane.CHANGE)
    await settled()

    bench.verdicts["a"] = FAILED
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(10)

    assert 0.625 + 1e-6 >= bench.gaps()[-4]


@pytest.mark.parametrize("has_version", [False, True])
@pytest.mark.parametrize("is_running", [False, True])
@virtual
async def test_what_others_met_ends_no_backoff(*, is_running: bool, has_version: bool) -> None:
    bench = await failing_for_minutes(duration=1)
    if is_running:
        bench.queue.add("a", Lane.CHANGE)
        await settled()
    before = len(bench.passes)

    for version in range(10):
        bench.queue.add("a", Lane.CHANGE, str(version) if has_version else "", ends_backoff=False)
        await asyncio.sleep(1)

    assert len(bench.passes) - before <= is_running


@pytest.mark.parametrize("version", ["", "1"])
@virtual
async def test_what_others_met_wakes_a_key_at_rest(version: str) -> None:
    bench = QueueBench()
    bench.queue.start()

    bench.queue.add("a", Lane.CHANGE, version, ends_backoff=False)
    await settled()

    assert ["a"] == bench.keys


@pytest.mark.parametrize("is_running", [False, True])
@virtual
async def test_a_real_change_begins_the_backoff_anew(*, is_running: bool) -> None:
    bench = await failing_for_minutes(duration=1)
    if is_running:
        bench.queue.add("a", Lane.CHANGE)
        await settled()
    before = len(bench.passes)

    bench.queue.add("a", Lane.CHANGE, "77")
    await asyncio.sleep(10)

    gaps = bench.gaps()[before:]
    assert 3 <= len(gaps)
    assert 0.625 + 1e-6 >= gaps[0]


@virtual
async def test_being_looked_at_for_another_cause_goes_on_with_the_backoff() -> None:
    bench = await failing_for_minutes()
    before = len(bench.passes)

    bench.queue.add("a", Lane.ROUTINE)
    await asyncio.sleep(60)

    assert before + 1 == len(bench.passes)


@virtual
async def test_an_echo_during_a_failed_pass_goes_on_with_the_backoff() -> None:
    bench = await failing_for_minutes(duration=1)
    bench.verdicts["a"] = Verdict(is_failed=True, written=("5",))
    bench.queue.add("a", Lane.CHANGE)
    await settled()
    before = len(bench.passes)

    bench.queue.add("a", Lane.CHANGE, "5")
    await asyncio.sleep(60)

    assert before == len(bench.passes)


@virtual
async def test_a_success_that_is_followed_at_once_does_not_end_the_backoff() -> None:
    # A token whose answer is lost is put on record, which succeeds, and the next one is asked for.
    bench = QueueBench()
    bench.coming = [FAILED, Verdict(seconds(0))] * 5
    bench.queue.start()

    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(60)

    failed = bench.starts()[0:10:2]
    assert [0.5, 1, 2, 4] == [pytest.approx(after - before, rel=0.3) for before, after in pairwise(failed)]


@virtual
async def test_an_exception_is_logged_with_its_key_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    bench = QueueBench()
    bench.broken.add("a")
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    bench.queue.add("b", Lane.CHANGE)

    await asyncio.sleep(1)

    assert ["a", "b", "a"] == bench.keys[:3]
    record = caplog.records[0]
    assert (logging.ERROR, "a pass failed unexpectedly", "a") == (
        record.levelno,
        record.message,
        vars(record)["key"],
    )
    assert record.exc_info is not None
    assert ZeroDivisionError is record.exc_info[0]


@virtual
async def test_a_key_that_is_forgotten_does_not_come_back_by_itself() -> None:
    bench = QueueBench()
    bench.verdicts["a"] = Verdict(seconds(60), written=("5",))
    bench.verdicts["b"] = FAILED
    bench.queue.start()
    for key in ("a", "b"):
        bench.queue.add(key, Lane.CHANGE)
    await settled()

    for key in ("a", "b", "c"):
        bench.queue.forget(key)
    await asyncio.sleep(1000)
    assert ["a", "b"] == bench.keys
    bench.queue.add("a", Lane.CHANGE, "5")
    await settled()

    assert ["a", "b", "a"] == bench.keys


@virtual
async def test_a_forgotten_key_that_waits_runs_only_if_it_is_added_anew() -> None:
    bench = QueueBench()
    for key in ("a", "b"):
        bench.queue.add(key, Lane.CHANGE)
        bench.queue.forget(key)
    assert 0 == len(bench.queue)
    bench.queue.add("b", Lane.CHANGE)

    bench.queue.start()
    await settled()

    assert ["b"] == bench.keys


@virtual
async def test_a_key_that_is_forgotten_while_it_runs_runs_once_more_for_what_came_meanwhile() -> None:
    bench = QueueBench(duration=10)
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await settled()

    bench.queue.add("a", Lane.CHANGE, "7")
    bench.queue.forget("a")
    await asyncio.sleep(100)

    assert ["a", "a"] == bench.keys


@virtual
async def test_a_queue_that_has_not_begun_keeps_no_more_than_one_entry_for_each_key() -> None:
    bench = QueueBench()
    for version in range(5000):
        bench.queue.add("changed", Lane.CHANGE, str(version))
        bench.queue.add(f"gone-{version}", Lane.URGENT, str(version))
        bench.queue.forget(f"gone-{version}")

    assert 1 == len(bench.queue)
    bench.queue.start()
    await settled()
    assert ["changed"] == bench.keys
