import asyncio

import pytest

from tests.unit.clock import now, run_virtual, settled


def test_time_jumps_to_the_next_timer_in_order() -> None:
    rung: list[tuple[str, float]] = []

    async def bell(name: str, after: float) -> None:
        await asyncio.sleep(after)
        rung.append((name, now()))

    async def main() -> float:
        await asyncio.gather(bell("month", 2_592_000.0), bell("second", 1.0), bell("hour", 3600.0))
        return now()

    assert 2_592_000.0 == run_virtual(main())
    assert [("second", 1.0), ("hour", 3600.0), ("month", 2_592_000.0)] == rung


def test_a_timeout_ends_a_wait_for_what_never_comes() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await asyncio.Event().wait()
        return now()

    assert 10.0 == run_virtual(main())


def test_waiting_for_nothing_is_an_error_instead_of_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="stuck"):
        run_virtual(main())


def test_settling_lets_ready_tasks_run_without_reaching_the_next_second() -> None:
    seen: list[int] = []

    async def steps() -> None:
        for number in range(20):
            seen.append(number)
            await asyncio.sleep(0)

    async def main() -> float:
        task = asyncio.create_task(steps())
        await settled()
        assert task.done()
        return now()

    assert 0.001 > run_virtual(main())
    assert list(range(20)) == seen
