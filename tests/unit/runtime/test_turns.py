"""Turns: priorities that age, namespaces in turn, shares."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.priorities import AGEING, Priority
from mailtrap_operator.runtime.turns import Groups, Place, Turns
from tests.unit.clock import virtual
from tests.unit.runtime.queue_harness import QueueBench, seconds

URGENT, CHANGE, ROUTINE = Priority


def order_at(
    now: float,
    *places: Place[str],
    share: int = 100,
    begun: tuple[Groups, ...] = (),
    ended: tuple[Groups, ...] = (),
) -> list[str]:
    """Return who starts, one after the other, where none ends; `begun` and `ended` did so before."""
    turns: Turns[str] = Turns(share)
    for groups in (*begun, *ended):
        turns.begin(groups)
    for groups in ended:
        turns.end(groups)
    for each in places:
        turns.add(each)
    taken = []
    while (first := turns.take(now)) is not None:
        turns.begin(first.groups)
        taken.append(first.key)
    return taken


def place(key: str, priority: Priority = CHANGE, since: float = 0.0, *groups: str) -> Place[str]:
    return Place(key, groups or (key,), priority, since)


@pytest.mark.parametrize(
    ("priority", "now", "first"),
    [
        (CHANGE, AGEING - 0.1, "urgent"),
        (CHANGE, AGEING, "old"),
        (ROUTINE, 2 * AGEING - 0.1, "urgent"),
        (ROUTINE, 2 * AGEING, "old"),
    ],
)
def test_waiting_raises_the_priority_by_one(priority: Priority, now: float, first: str) -> None:
    assert first == order_at(now, place("old", priority, 0.0), place("urgent", URGENT, now))[0]


def test_priority_never_rises_above_urgent() -> None:
    places = (place("old", ROUTINE, 0.0), place("urgent", URGENT, 500.0))

    assert ["old", "urgent"] == order_at(1000, *places)
    assert ["urgent", "old"] == order_at(1000, *places, ended=(("old",),))


def test_waiting_keys_of_a_namespace_delay_no_other_namespace() -> None:
    places = [place(f"evil{n}", URGENT, 0.0, "evil") for n in range(3)]

    order = order_at(1000, *places, place("shop", ROUTINE, 999.0), begun=(("evil",),))

    assert "shop" == order[0]


def test_equally_urgent_ones_go_round_the_namespaces() -> None:
    places = [place(f"evil{n}", CHANGE, n / 10, "evil", f"account {n}") for n in range(3)]

    order = order_at(2, *places, place("shop1", CHANGE, 1.0, "shop"), place("shop2", CHANGE, 1.1, "shop"))

    assert ["evil0", "shop1", "evil1", "shop2", "evil2"] == order


def test_a_full_group_keeps_only_its_own_from_starting() -> None:
    places = (
        place("both", URGENT, 0.0, "evil", "default"),
        place("account", URGENT, 0.0, "shop", "default"),
        place("namespace", ROUTINE, 0.0, "evil"),
        place("neither", ROUTINE, 0.0, "shop"),
    )

    assert ["neither"] == order_at(0, *places, share=1, begun=(("evil", "default"),))
    assert ["namespace", "neither"] == sorted(order_at(0, *places, share=1, begun=(("x", "default"),)))


@virtual
async def test_no_priority_is_starved_for_longer_than_it_ages() -> None:
    harness = QueueBench(workers=2, duration=1)
    harness.queue.start()
    harness.queue.add("warm-up", URGENT)

    async def flood() -> None:
        for number in itertools.count():
            harness.queue.add(f"urgent{number}", URGENT)
            await asyncio.sleep(0.25)

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(10)
    harness.queue.add("change", CHANGE)
    harness.queue.add("routine", ROUTINE)
    await asyncio.sleep(200)
    flooding.cancel()

    assert 10 + AGEING <= harness.starts("change")[0] <= 10 + AGEING + 2
    assert 10 + 2 * AGEING <= harness.starts("routine")[0] <= 10 + 2 * AGEING + 2
    await harness.queue.drain(seconds(5))


@virtual
async def test_what_waits_for_the_start_does_not_age() -> None:
    harness = QueueBench(workers=1, groups_of=lambda _: ("one",), duration=1)
    harness.queue.add("routine", ROUTINE)
    await asyncio.sleep(10 * AGEING)
    harness.queue.add("urgent", URGENT)

    harness.queue.start()
    await asyncio.sleep(10)

    assert ["urgent", "routine"] == harness.keys


@virtual
async def test_a_namespace_with_many_keys_delays_another_one_by_one_reconcile() -> None:
    harness = QueueBench(workers=4, groups_of=lambda key: (key[0],), duration=10)
    harness.queue.start()
    for number, name in itertools.product(range(50), "abcd"):
        harness.queue.add(f"{name}{number}", CHANGE)
    await asyncio.sleep(15)

    harness.queue.add("shop", CHANGE)
    await asyncio.sleep(100)

    assert [20] == harness.starts("shop")
    await harness.queue.drain(seconds(10))


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(Priority), st.floats(0, 200)
        ),
        max_size=30,
    ),
    share=st.integers(1, 4),
)
def test_every_key_that_may_start_gets_a_turn(
    keys: list[tuple[str, str, Priority, float]], share: int
) -> None:
    places = [place(str(n), priority, since, *groups) for n, (*groups, priority, since) in enumerate(keys)]
    by_key = {each.key: each for each in places}

    started = order_at(200, *places, share=share)

    counts = [group for key in started for group in by_key[key].groups]
    assert all(counts.count(group) <= share for group in counts)
    left = [each for each in places if each.key not in started]
    assert all(any(counts.count(group) == share for group in each.groups) for each in left)
