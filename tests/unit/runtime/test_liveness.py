import asyncio

from mailtrap_operator.runtime.liveness import Liveness


async def _end() -> None:
    """End at once."""


async def test_process_without_problems_is_live() -> None:
    liveness = Liveness(lambda: None, lambda: None)

    assert None is liveness.unhealthy_reason()


async def test_first_problem_counts_at_each_question() -> None:
    checks: list[str | None] = [None, "the watch is deaf", "a reconcile is stuck"]
    liveness = Liveness(*(lambda at=at: checks[at] for at in range(3)))

    assert "the watch is deaf" == liveness.unhealthy_reason()
    checks[1] = None
    assert "a reconcile is stuck" == liveness.unhealthy_reason()


async def test_a_part_that_comes_later_is_asked_too() -> None:
    liveness = Liveness(lambda: None)

    liveness.add_checks(lambda: None, lambda: "a reconcile is stuck")

    assert "a reconcile is stuck" == liveness.unhealthy_reason()


async def test_task_that_ends_is_reported() -> None:
    liveness = Liveness(lambda: None)
    task = asyncio.create_task(_end())
    liveness.watch_task(task, "The resync has ended.")

    assert None is liveness.unhealthy_reason()
    await task
    assert "The resync has ended." == liveness.unhealthy_reason()
