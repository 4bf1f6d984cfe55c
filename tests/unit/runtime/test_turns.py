"""Whose turn it is: lanes that age, namespaces in turn, shares."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.lanes import AGEING, Lane
from mailtrap_operator.runtime.turns import Groups, Place, Turns
from tests.unit.clock import virtual
from tests.unit.runtime.queue_bench import QueueBench, seconds

URGENT, CHANGE, ROUTINE = Lane


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


def place(key: str, lane: Lane = CHANGE, since: float = 0.0, *groups: str) -> Place[str]:
    return Place(key, groups or (key,), lane, since)


@pytest.mark.parametrize(
    ("lane", "now", "first"),
    [
        (CHANGE, AGEING - 0.1, "urgent"),
        (CHANGE, AGEING, "old"),
        (ROUTINE, 2 * AGEING - 0.1, "urgent"),
        (ROUTINE, 2 * AGEING, "old"),
    ],
)
def test_who_has_waited_for_long_enough_counts_as_one_lane_more_urgent(
    lane: Lane, now: float, first: str
) -> None:
    assert first == order_at(now, place("old", lane, 0.0), place("urgent", URGENT, now))[0]


def test_nobody_becomes_more_urgent_than_urgent() -> None:
    places = (place("old", ROUTINE, 0.0), place("urgent", URGENT, 500.0))

    assert ["old", "urgent"] == order_at(1000, *places)
    assert ["urgent", "old"] == order_at(1000, *places, ended=(("old",),))


def test_what_a_namespace_has_waiting_however_urgent_or_old_delays_no_other() -> None:
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
async def test_no_lane_is_starved_for_longer_than_it_ages() -> None:
    bench = QueueBench(workers=2, duration=1)
    bench.queue.start()
    bench.queue.add("warm-up", URGENT)

    async def flood() -> None:
        for number in itertools.count():
            bench.queue.add(f"urgent{number}", URGENT)
            await asyncio.sleep(0.25)

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(10)
    bench.queue.add("change", CHANGE)
    bench.queue.add("routine", ROUTINE)
    await asyncio.sleep(200)
    flooding.cancel()

    assert 10 + AGEING <= bench.starts("change")[0] <= 10 + AGEING + 2
    assert 10 + 2 * AGEING <= bench.starts("routine")[0] <= 10 + 2 * AGEING + 2
    await bench.queue.drain(seconds(5))


@virtual
async def test_what_waits_for_the_start_does_not_age() -> None:
    bench = QueueBench(workers=1, groups_of=lambda _: ("one",), duration=1)
    bench.queue.add("routine", ROUTINE)
    await asyncio.sleep(10 * AGEING)
    bench.queue.add("urgent", URGENT)

    bench.queue.start()
    await asyncio.sleep(10)

    assert ["urgent", "routine"] == bench.keys


@virtual
async def test_a_namespace_with_many_keys_delays_another_one_by_one_pass() -> None:
    bench = QueueBench(workers=4, groups_of=lambda key: (key[0],), duration=10)
    bench.queue.start()
    for number, name in itertools.product(range(50), "abcd"):
        bench.queue.add(f"{name}{number}", CHANGE)
    await asyncio.sleep(15)

    bench.queue.add("shop", CHANGE)
    await asyncio.sleep(100)

    assert [20] == bench.starts("shop")
    await bench.queue.drain(seconds(10))


@settings(max_examples=60, deadline=None)
@given(
    keys=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.sampled_from(Lane), st.floats(0, 200)),
        max_size=30,
    ),
    share=st.integers(1, 4),
)
def test_nobody_is_left_out_who_may_start(keys: list[tuple[str, str, Lane, float]], share: int) -> None:
    places = [place(str(n), lane, since, *groups) for n, (*groups, lane, since) in enumerate(keys)]
    by_key = {each.key: each for each in places}

    started = order_at(200, *places, share=share)

    counts = [group for key in started for group in by_key[key].groups]
    assert all(counts.count(group) <= share for group in counts)
    left = [each for each in places if each.key not in started]
    assert all(any(counts.count(group) == share for group in each.groups) for each in left)
