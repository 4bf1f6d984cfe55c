import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.priorities import Priority
from tests.unit.clock import now, run_virtual, settled, virtual, virtual_loop

PERIOD = 10.0
A_WHILE = 1000.0


def pacer_of(limit: int) -> Pacer:
    return Pacer(limit, timedelta(seconds=PERIOD))


async def call(
    pacer: Pacer, priority: Priority = Priority.CHANGE, duration: float = 0.0, namespace: str | None = None
) -> float:
    """Make one call and return when it was sent."""
    async with pacer.slot(priority, namespace):
        sent = now()
        await asyncio.sleep(duration)
    return sent


async def free_slots(pacer: Pacer, most: int) -> int:
    """Count the slots that can be had at this instant; they are used up by that."""
    tasks = [asyncio.create_task(call(pacer)) for _ in range(most + 1)]
    await settled()
    free = sum(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return free


@virtual
async def test_a_slot_is_free_again_one_period_after_the_answer() -> None:
    pacer = pacer_of(2)

    sent = await asyncio.gather(*(call(pacer, duration=3.0) for _ in range(5)))

    assert [0, 0, 13, 13, 26] == [round(time) for time in sent]


@virtual
async def test_a_slow_call_holds_its_own_slot_alone() -> None:
    pacer = pacer_of(2)

    slow = asyncio.create_task(call(pacer, duration=100.0))
    await settled()
    sent = [await call(pacer) for _ in range(3)]

    assert [0, 10, 20] == [round(time) for time in sent]
    await slow


@virtual
async def test_urgent_calls_go_first_and_equal_ones_in_order() -> None:
    pacer = pacer_of(1)
    order: list[str] = []

    async def named(name: str, priority: Priority) -> None:
        await call(pacer, priority)
        order.append(name)

    tasks = [asyncio.create_task(named("first", Priority.ROUTINE))]
    await settled()
    for name, priority in [
        ("routine", Priority.ROUTINE),
        ("change 1", Priority.CHANGE),
        ("urgent 1", Priority.URGENT),
        ("change 2", Priority.CHANGE),
        ("urgent 2", Priority.URGENT),
    ]:
        tasks.append(asyncio.create_task(named(name, priority)))
    await asyncio.gather(*tasks)

    assert ["first", "urgent 1", "urgent 2", "change 1", "change 2", "routine"] == order


@virtual
async def test_a_waiter_that_is_cancelled_leaves_its_turn_to_the_next() -> None:
    pacer = pacer_of(1)
    await call(pacer)
    given_up, patient = asyncio.create_task(call(pacer)), asyncio.create_task(call(pacer))
    await settled()

    given_up.cancel()

    assert 10 == round(await patient)


@virtual
async def test_a_waiter_that_is_cancelled_at_the_moment_of_its_turn_gives_it_back() -> None:
    pacer = pacer_of(1)
    await call(pacer)
    given_up, patient = asyncio.create_task(call(pacer)), asyncio.create_task(call(pacer))
    await settled()

    # The timer that releases the slot was set before this one for the same instant: the turn is given, then taken away.
    asyncio.get_running_loop().call_at(PERIOD, given_up.cancel)

    assert 10 == round(await patient)
    assert given_up.cancelled()


@virtual
async def test_a_call_that_fails_or_is_cancelled_occupies_its_slot_for_a_period_too() -> None:
    pacer = pacer_of(2)

    async def failing() -> None:
        async with pacer.slot(Priority.CHANGE, None):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await failing()
    cancelled = asyncio.create_task(call(pacer, duration=A_WHILE))
    await asyncio.sleep(5)
    cancelled.cancel()

    assert [10, 15] == [round(await call(pacer)), round(await call(pacer))]


@virtual
async def test_a_pause_holds_everything_back_and_is_never_shortened() -> None:
    pacer = pacer_of(5)

    pacer.pause(timedelta(seconds=30))
    waiting = asyncio.create_task(call(pacer, Priority.URGENT))
    await asyncio.sleep(20)
    pacer.pause(timedelta(seconds=1))
    late = asyncio.create_task(call(pacer))

    assert [30, 30] == [round(await waiting), round(await late)]


@virtual
async def test_a_pause_can_be_prolonged_while_calls_wait() -> None:
    pacer = pacer_of(5)
    pacer.pause(timedelta(seconds=30))
    waiting = asyncio.create_task(call(pacer))
    await asyncio.sleep(20)

    pacer.pause(timedelta(seconds=30))

    assert 50 == round(await waiting)


@virtual
async def test_no_pause_is_longer_than_a_minute() -> None:
    pacer = pacer_of(5)

    pacer.pause(timedelta(hours=1))

    assert 60 == round(await call(pacer))


@virtual
async def test_a_pause_sets_one_timer_however_many_wait_and_however_often_the_server_asks_for_it() -> None:
    pacer = pacer_of(5)
    for number in range(20):
        pacer.pause(timedelta(seconds=30 + number))
    waiting = [asyncio.create_task(call(pacer)) for _ in range(5)]
    await settled()

    assert 1 == virtual_loop().timers
    assert [49] * 5 == [round(time) for time in await asyncio.gather(*waiting)]


@virtual
async def test_calls_go_round_the_namespaces() -> None:
    pacer = pacer_of(1)
    order: list[str] = []

    async def named(name: str, priority: Priority = Priority.CHANGE) -> None:
        await call(pacer, priority, namespace=name)
        order.append(name)

    tasks = [asyncio.create_task(named("first"))]
    await settled()
    tasks += [asyncio.create_task(named(name)) for name in ("evil", "evil", "evil", "shop", "shop")]
    tasks.append(asyncio.create_task(named("evil", Priority.URGENT)))
    await settled()
    await asyncio.sleep(2.5 * PERIOD)
    tasks.append(asyncio.create_task(named("late")))
    await asyncio.gather(*tasks)

    # The urgent one comes first of its namespace, and then it is the turn of the others.
    assert ["first", "evil", "shop", "late", "evil", "shop", "evil", "evil"] == order


@virtual
async def test_what_a_namespace_has_waiting_delays_another_by_one_call_however_urgent_and_old_it_is() -> None:
    pacer = pacer_of(1)
    await call(pacer, namespace="evil")
    flood = [asyncio.create_task(call(pacer, Priority.URGENT, namespace="evil")) for _ in range(20)]
    await asyncio.sleep(9.5 * PERIOD)

    routine = asyncio.create_task(call(pacer, Priority.ROUTINE, namespace="shop"))

    assert 100 == round(await routine)
    for task in flood:
        task.cancel()
    await asyncio.gather(*flood, return_exceptions=True)


@virtual
async def test_no_priority_is_starved_for_longer_than_it_ages() -> None:
    pacer = pacer_of(1)
    flood: list[asyncio.Task[float]] = []

    async def come() -> None:
        while True:
            flood.append(asyncio.create_task(call(pacer, Priority.URGENT)))
            await asyncio.sleep(PERIOD / 2)

    coming = asyncio.create_task(come())
    await asyncio.sleep(12)
    routine = asyncio.create_task(call(pacer, Priority.ROUTINE))
    change = asyncio.create_task(call(pacer, Priority.CHANGE))

    # Each goes at the first slot after it has aged to an urgent one.
    assert (50, 80) == (round(await change), round(await routine))
    for task in (coming, *flood):
        task.cancel()
    await asyncio.gather(coming, *flood, return_exceptions=True)


@virtual
async def test_only_who_has_to_wait_for_a_slot_is_told_to_wait_and_until_it_is_had() -> None:
    waits: list[tuple[float, float]] = []

    @asynccontextmanager
    async def waiting() -> AsyncIterator[None]:
        begun = now()
        yield
        waits.append((begun, now()))

    pacer = Pacer(1, timedelta(seconds=PERIOD), waiting)
    await call(pacer)
    assert [] == waits
    await asyncio.sleep(3)

    await call(pacer)

    assert [(3, 10)] == [(round(begun), round(ended)) for begun, ended in waits]


@virtual
async def test_a_slot_that_is_given_while_its_caller_still_waits_for_something_else_is_not_lost() -> None:
    @asynccontextmanager
    async def waiting() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(100)

    pacer = Pacer(1, timedelta(seconds=PERIOD), waiting)
    await call(pacer)
    task = asyncio.create_task(call(pacer))
    await asyncio.sleep(50)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert 50 == round(await call(pacer))


@virtual
async def test_the_server_may_say_that_fewer_calls_are_left() -> None:
    pacer = pacer_of(5)

    pacer.note_remaining(2)
    sent = await asyncio.gather(*(call(pacer) for _ in range(5)))

    assert [0, 0, 10, 10, 10] == [round(time) for time in sent]


@pytest.mark.parametrize(("remaining", "free"), [(0, 0), (-7, 0), (3, 3), (5, 5), (1000, 5)])
@virtual
async def test_the_server_never_makes_the_window_wider(remaining: int, free: int) -> None:
    pacer = pacer_of(5)

    pacer.note_remaining(remaining)
    at_first = await free_slots(pacer, 5)
    await asyncio.sleep(PERIOD)
    afterwards = await free_slots(pacer, 5)

    assert (free, 5) == (at_first, afterwards)


@pytest.mark.parametrize("pause", [0, 30], ids=["the window is full", "the server asked for a pause"])
@virtual
async def test_at_the_end_no_one_waits_and_what_is_in_progress_continues(pause: float) -> None:
    pacer = pacer_of(1)
    under_way = asyncio.create_task(call(pacer, duration=5))
    await settled()
    pacer.pause(timedelta(seconds=pause))
    waiting = asyncio.create_task(call(pacer))
    await settled()

    pacer.end_waiting()
    late = asyncio.create_task(call(pacer))
    await settled()

    assert (True, True) == (waiting.cancelled(), late.cancelled())
    assert 0 == await under_way


@virtual
async def test_at_the_end_a_slot_that_is_free_can_still_be_had_and_none_is_lost() -> None:
    pacer = pacer_of(2)
    await asyncio.gather(call(pacer), call(pacer))
    waiting = asyncio.create_task(call(pacer))
    await settled()

    pacer.end_waiting()
    await asyncio.sleep(PERIOD)
    sent = await asyncio.gather(call(pacer), call(pacer))

    assert waiting.cancelled()
    assert [10, 10] == [round(time) for time in sent]


@dataclass(frozen=True)
class Traffic:
    """One call of another part of the process: `cancel_after` its start, counted by the server on its way."""

    start: float
    priority: Priority
    namespace: str
    duration: float
    counted_at: float
    cancel_after: float | None
    remaining: int | None
    pause: float | None


moments = st.floats(0, 40).map(lambda value: round(value, 2))
traffic = st.builds(
    Traffic,
    start=moments,
    priority=st.sampled_from(Priority),
    namespace=st.sampled_from(["team", "shop"]),
    duration=moments,
    counted_at=st.floats(0, 1),
    cancel_after=st.none() | moments,
    remaining=st.none() | st.integers(0, 6),
    pause=st.none() | st.floats(0, 15),
)


@settings(max_examples=150, deadline=None)
@given(limit=st.integers(1, 4), calls=st.lists(traffic, max_size=30))
def test_no_window_of_the_server_ever_holds_more_calls_than_the_limit(
    limit: int, calls: list[Traffic]
) -> None:
    counted: list[float] = []
    pacer = pacer_of(limit)

    async def one(call: Traffic) -> None:
        await asyncio.sleep(call.start)
        async with asyncio.timeout(call.cancel_after), pacer.slot(call.priority, call.namespace):
            sent = now()
            try:
                await asyncio.sleep(call.duration)
            finally:
                counted.append(sent + call.counted_at * (now() - sent))
        if call.remaining is not None:
            pacer.note_remaining(call.remaining)
        if call.pause is not None:
            pacer.pause(timedelta(seconds=call.pause))

    async def main() -> tuple[list[BaseException | None], int]:
        results = await asyncio.gather(*map(one, calls), return_exceptions=True)
        # Longer than any pause, and one period longer than any call.
        await asyncio.sleep(15 + PERIOD)
        return results, await free_slots(pacer, limit)

    results, free = run_virtual(main())

    counted.sort()
    spans = [later - earlier for earlier, later in zip(counted, counted[limit:], strict=False)]
    assert [] == [span for span in spans if span < PERIOD - 1e-6]
    assert all(result is None or isinstance(result, TimeoutError) for result in results)
    assert limit == free, "a slot was lost or made up"
