import asyncio

from mailtrap_operator.runtime.liveness import Liveness


async def _end() -> None:
    """End at once."""


async def test_a_process_without_complaints_is_live() -> None:
    liveness = Liveness(lambda: None, lambda: None)

    assert None is liveness.complaint()


async def test_the_first_complaint_counts_at_each_question() -> None:
    complaints: list[str | None] = [None, "the watch is deaf", "a pass is stuck"]
    liveness = Liveness(*(lambda at=at: complaints[at] for at in range(3)))

    assert "the watch is deaf" == liveness.complaint()
    complaints[1] = None
    assert "a pass is stuck" == liveness.complaint()


async def test_a_part_that_comes_later_is_asked_too() -> None:
    liveness = Liveness(lambda: None)

    liveness.heed(lambda: None, lambda: "a pass is stuck")

    assert "a pass is stuck" == liveness.complaint()


async def test_a_task_that_ends_is_complained_of() -> None:
    liveness = Liveness(lambda: None)
    task = asyncio.create_task(_end())
    liveness.rely_on(task, "The resync has ended.")

    assert None is liveness.complaint()
    await task
    assert "The resync has ended." == liveness.complaint()
