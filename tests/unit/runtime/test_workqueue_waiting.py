"""Passes that wait for something hold no worker, and still take their share."""

import asyncio

import pytest

from mailtrap_operator.core.lanes import Lane
from tests.unit.clock import now, settled, virtual
from tests.unit.runtime.queue_bench import QueueBench, seconds


def namespace(key: str) -> tuple[str]:
    return (key.partition("/")[0],)


@virtual
async def test_while_passes_wait_their_workers_serve_others() -> None:
    bench = QueueBench(workers=4)
    bench.queue.start()
    for number in range(20):
        bench.waits[f"slow{number}"] = 1000
        bench.queue.add(f"slow{number}", Lane.URGENT)
    await settled()

    bench.queue.add("other", Lane.ROUTINE)
    await settled()

    assert 21 == len(bench.passes)
    assert ([0], 0) == (bench.starts("other"), bench.queue.running)
    assert bench.passes[-1].end is not None
    await bench.queue.drain(seconds(2000))


@virtual
async def test_whoever_has_waited_takes_the_next_worker_before_anybody_starts() -> None:
    bench = QueueBench(workers=2, duration=10)
    bench.queue.start()
    for key in ("w1", "w2"):
        bench.waits[key] = 25
        bench.queue.add(key, Lane.ROUTINE)
    await asyncio.sleep(5)

    # They wait from 10 to 35; six others take the workers until 40.
    for number in range(8):
        bench.queue.add(f"n{number}", Lane.URGENT)
    await asyncio.sleep(200)

    assert [50, 50] == [round(one.end or 0) for one in bench.passes if one.key in bench.waits]
    assert [10, 10, 20, 20, 30, 30, 50, 50] == [round(one.start) for one in bench.passes[2:]]
    assert 2 == bench.most


@virtual
async def test_those_that_wait_are_no_more_than_their_share() -> None:
    bench = QueueBench(workers=8, groups_of=namespace)
    bench.queue.start()
    for number in range(40):
        bench.waits[f"evil/{number}"] = 100
        bench.queue.add(f"evil/{number}", Lane.CHANGE)
    await settled()
    assert 2 == len(bench.passes)

    bench.queue.add("shop/a", Lane.CHANGE)
    await settled()
    assert [0] == bench.starts("shop/a")

    await asyncio.sleep(100)
    assert 4 == len([key for key in bench.keys if key.startswith("evil/")])
    await bench.queue.drain(seconds(2000))


@virtual
async def test_what_is_added_while_a_pass_waits_runs_once_more_after_it() -> None:
    bench = QueueBench(workers=4, duration=10)
    bench.waits["a"] = 100
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await asyncio.sleep(50)

    bench.queue.add("a", Lane.URGENT)
    await asyncio.sleep(50)
    assert ([0], 0) == (bench.starts(), bench.queue.running)
    await asyncio.sleep(500)

    assert [0, 120] == bench.starts()


@virtual
async def test_a_task_that_is_no_pass_has_no_worker_to_give_back() -> None:
    bench = QueueBench(workers=1, duration=10)
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    bench.queue.add("b", Lane.CHANGE)
    await asyncio.sleep(5)

    async with bench.queue.without_worker():
        await settled()
        assert (["a"], 1) == (bench.keys, bench.queue.running)

    await asyncio.sleep(100)
    assert ["a", "b"] == bench.keys


@virtual
async def test_draining_lets_those_that_wait_come_to_their_end() -> None:
    bench = QueueBench(workers=1, duration=10)
    bench.waits = {"a": 5, "b": 5}
    bench.queue.start()
    for key in ("a", "b", "c"):
        bench.queue.add(key, Lane.CHANGE)
    await asyncio.sleep(12)
    assert ["a", "b"] == bench.keys

    await bench.queue.drain(seconds(100))

    assert [30, 40] == [round(one.end or 0) for one in bench.passes]
    assert 40 == round(now())


@pytest.mark.parametrize("when", [15, 22], ids=["while it waits", "while it waits for a worker"])
@virtual
async def test_whoever_is_cancelled_takes_no_worker_along(when: float) -> None:
    bench = QueueBench(workers=1, duration=10)
    bench.waits["a"] = 8
    bench.durations["b"] = 15
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)
    await settled()
    (task,) = (each for each in asyncio.all_tasks() if each.get_name() == "pass a")
    bench.queue.add("b", Lane.CHANGE)
    await asyncio.sleep(when)

    task.cancel()
    bench.queue.add("c", Lane.CHANGE)
    await asyncio.sleep(300)

    assert {"a", "b", "c"} == set(bench.keys)
    assert (0, 1) == (bench.queue.running, bench.most)
    assert when == round(bench.passes[0].end or 0)


@virtual
async def test_passes_that_wait_for_ever_are_complained_of() -> None:
    bench = QueueBench(workers=4)
    bench.waits["a"] = 3 * 3600
    bench.queue.start()
    bench.queue.add("a", Lane.CHANGE)

    await asyncio.sleep(3601)

    assert "1 of the passes under way do not end." == bench.queue.complaint()
    await bench.queue.drain(seconds(0))
