"""Reconciles that wait for something hold no worker, and are still counted."""

import asyncio
import random
from contextlib import suppress

import pytest

from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result, WorkQueue
from tests.unit.clock import now, settled, virtual
from tests.unit.runtime.queue_harness import QueueBench, seconds


def namespace(key: str) -> Groups:
    return Groups(key.partition("/")[0])


@virtual
async def test_while_passes_wait_their_workers_serve_others() -> None:
    harness = QueueBench(workers=4)
    harness.queue.start()
    for number in range(20):
        harness.waits[f"slow{number}"] = 1000
        harness.queue.add(f"slow{number}", Priority.URGENT)
    await settled()

    harness.queue.add("other", Priority.ROUTINE)
    await settled()

    assert 21 == len(harness.passes)
    assert ([0], 0) == (harness.starts("other"), harness.queue.running)
    assert harness.passes[-1].end is not None
    await harness.queue.drain(seconds(2000))


@virtual
async def test_anyone_who_has_waited_takes_the_next_worker_before_anyone_starts() -> None:
    harness = QueueBench(workers=2, duration=10)
    harness.queue.start()
    for key in ("w1", "w2"):
        harness.waits[key] = 25
        harness.queue.add(key, Priority.ROUTINE)
    await asyncio.sleep(5)

    # They wait from 10 to 35; six others take the workers until 40.
    for number in range(8):
        harness.queue.add(f"n{number}", Priority.URGENT)
    await asyncio.sleep(200)

    assert [50, 50] == [round(one.end or 0) for one in harness.passes if one.key in harness.waits]
    assert [10, 10, 20, 20, 30, 30, 50, 50] == [round(one.start) for one in harness.passes[2:]]
    assert 2 == harness.most


@virtual
async def test_those_that_wait_are_bounded_and_delay_no_other_namespace() -> None:
    harness = QueueBench(workers=2, groups_of=namespace)
    harness.queue.start()
    for number in range(40):
        harness.waits[f"evil/{number}"] = 100
        harness.queue.add(f"evil/{number}", Priority.CHANGE)
    await settled()
    assert 16 == len(harness.passes)

    harness.queue.add("shop/a", Priority.CHANGE)
    await settled()
    assert [0] == harness.starts("shop/a")

    await asyncio.sleep(100)
    assert 32 == len([key for key in harness.keys if key.startswith("evil/")])
    await harness.queue.drain(seconds(2000))


@virtual
async def test_an_account_that_hangs_holds_up_no_other_of_its_namespace() -> None:
    harness = QueueBench(workers=2, groups_of=lambda key: Groups("team", key.partition("/")[0]))
    harness.queue.start()
    for number in range(40):
        harness.waits[f"hangs/{number}"] = 1000
        harness.queue.add(f"hangs/{number}", Priority.URGENT)
    await asyncio.sleep(1)

    for number in range(40):
        harness.queue.add(f"other/{number}", Priority.ROUTINE)
    await settled()

    assert 7 == sum(key.startswith("hangs/") for key in harness.keys)
    assert 40 == sum(key.startswith("other/") for key in harness.keys)
    await harness.queue.drain(seconds(2000))


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
@virtual
async def test_a_wait_that_ends_by_an_error_continues_with_a_worker_too(
    error: type[Exception] | None,
) -> None:
    working: list[int] = []

    async def work(_: str) -> Result:
        with suppress(ZeroDivisionError):
            async with queue.without_worker():
                working.append(queue.running)
                await asyncio.sleep(10)
                if error:
                    raise error
        working.append(queue.running)
        return Result()

    queue = WorkQueue(work, workers=2, groups_of=Groups, rng=random.Random(7))
    queue.start()
    queue.add("a", Priority.CHANGE)
    await asyncio.sleep(20)

    assert [0, 1] == working
    assert 0 == queue.running


@virtual
async def test_what_is_added_while_a_reconcile_waits_runs_once_more_after_it() -> None:
    harness = QueueBench(workers=4, duration=10)
    harness.waits["a"] = 100
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await asyncio.sleep(50)

    harness.queue.add("a", Priority.URGENT)
    await asyncio.sleep(50)
    assert ([0], 0) == (harness.starts(), harness.queue.running)
    await asyncio.sleep(500)

    assert [0, 120] == harness.starts()


@virtual
async def test_a_task_that_is_no_reconcile_has_no_worker_to_give_back() -> None:
    harness = QueueBench(workers=1, duration=10)
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    harness.queue.add("b", Priority.CHANGE)
    await asyncio.sleep(5)

    async with harness.queue.without_worker():
        await settled()
        assert (["a"], 1) == (harness.keys, harness.queue.running)

    await asyncio.sleep(100)
    assert ["a", "b"] == harness.keys


@virtual
async def test_draining_lets_those_that_wait_come_to_their_end() -> None:
    harness = QueueBench(workers=1, duration=10)
    harness.waits = {"a": 5, "b": 5}
    harness.queue.start()
    for key in ("a", "b", "c"):
        harness.queue.add(key, Priority.CHANGE)
    await asyncio.sleep(12)
    assert ["a", "b"] == harness.keys

    await harness.queue.drain(seconds(100))

    assert [30, 40] == [round(one.end or 0) for one in harness.passes]
    assert 40 == round(now())


@pytest.mark.parametrize("when", [15, 22], ids=["while it waits", "while it waits for a worker"])
@virtual
async def test_anyone_who_is_cancelled_takes_no_worker_along(when: float) -> None:
    harness = QueueBench(workers=1, duration=10)
    harness.waits["a"] = 8
    harness.durations["b"] = 15
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)
    await settled()
    (task,) = (each for each in asyncio.all_tasks() if each.get_name() == "reconcile a")
    harness.queue.add("b", Priority.CHANGE)
    await asyncio.sleep(when)

    task.cancel()
    harness.queue.add("c", Priority.CHANGE)
    await asyncio.sleep(300)

    assert {"a", "b", "c"} == set(harness.keys)
    assert (0, 1) == (harness.queue.running, harness.most)
    assert when == round(harness.passes[0].end or 0)


@virtual
async def test_reconciles_that_wait_for_ever_are_complained_of() -> None:
    harness = QueueBench(workers=4)
    harness.waits["a"] = 3 * 3600
    harness.queue.start()
    harness.queue.add("a", Priority.CHANGE)

    await asyncio.sleep(3601)

    assert "1 of the running reconciles do not end." == harness.queue.unhealthy_reason()
    await harness.queue.drain(seconds(0))
