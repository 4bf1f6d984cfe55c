"""Turns: priorities that age, namespaces in turn, shares."""

import asyncio
import itertools
from collections.abc import Sequence

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
    workers: int = 100,
    begun: Sequence[Groups] = (),
    waiting: Sequence[Groups] = (),
    ended: Sequence[Groups] = (),
) -> list[str]:
    """Return who gets a worker, one after the other, where none gives it back.

    Those that have `begun` work, those that are `waiting` did so and wait for a server, those that have `ended` are no more.
    """
    turns: Turns[str] = Turns(workers)
    for groups in (*begun, *waiting, *ended):
        turns.begin(groups)
        turns.hold_worker(groups)
    for groups in (*waiting, *ended):
        turns.give_worker_back(groups)
    for groups in ended:
        turns.end(groups)
    for each in places:
        turns.add(each)
    taken = []
    while (first := turns.take(now)) is not None:
        turns.hold_worker(first.groups)
        if not first.is_in_progress:
            turns.begin(first.groups)
        taken.append(first.key)
    return taken


def place(
    key: str,
    priority: Priority = CHANGE,
    since: float = 0.0,
    owner: str = "",
    account: str | None = None,
    *,
    continues: bool = False,
) -> Place[str]:
    return Place(key, Groups(owner or key, account), priority, since, is_in_progress=continues)


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
    assert ["urgent", "old"] == order_at(1000, *places, ended=[Groups("old")])


def test_waiting_keys_of_a_namespace_delay_no_other_namespace() -> None:
    places = [place(f"evil{n}", URGENT, 0.0, "evil") for n in range(3)]

    order = order_at(1000, *places, place("shop", ROUTINE, 999.0), begun=[Groups("evil")])

    assert "shop" == order[0]


def test_equally_urgent_ones_go_round_the_namespaces() -> None:
    places = [place(f"evil{n}", CHANGE, n / 10, "evil", f"account {n}") for n in range(3)]

    order = order_at(2, *places, place("shop1", CHANGE, 1.0, "shop"), place("shop2", CHANGE, 1.1, "shop"))

    assert ["evil0", "shop1", "evil1", "shop2", "evil2"] == order


@pytest.mark.parametrize(
    ("waiting", "able"),
    [
        ([Groups("x", "default")] * 4, {"namespace", "neither"}),
        ([Groups("evil", f"account {n}") for n in range(8)], {"account", "neither"}),
        ([Groups("x")] * 16, {"continues"}),
    ],
    ids=["of an account", "of a namespace", "of all"],
)
def test_where_as_many_are_in_progress_as_may_be_no_other_of_the_group_begins(
    waiting: Sequence[Groups], able: set[str]
) -> None:
    places = (
        place("both", URGENT, 0.0, "evil", "default"),
        place("account", URGENT, 0.0, "shop", "default"),
        place("namespace", ROUTINE, 0.0, "evil"),
        place("neither", ROUTINE, 0.0, "shop"),
        place("continues", ROUTINE, 0.0, "evil", "default", continues=True),
    )

    first = {order_at(0, *places, workers=1, waiting=waiting)[0]}
    alone = {each.key for each in places if order_at(0, each, workers=1, waiting=waiting)}

    assert able | {"continues"} == alone
    assert first <= alone


def test_those_that_continue_come_before_those_of_their_namespace_that_begin() -> None:
    places = [
        place("urgent", URGENT, 0.0, "shop"),
        place("continues", ROUTINE, 9.0, "shop", "default", continues=True),
        place("of another", ROUTINE, 9.0, "team"),
    ]

    assert ["continues", "of another", "urgent"] == order_at(9, *places)
    assert ["of another", "continues", "urgent"] == order_at(9, *places, begun=[Groups("shop")])


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
    harness = QueueBench(workers=1, groups_of=lambda _: Groups("one"), duration=1)
    harness.queue.add("routine", ROUTINE)
    await asyncio.sleep(10 * AGEING)
    harness.queue.add("urgent", URGENT)

    harness.queue.start()
    await asyncio.sleep(10)

    assert ["urgent", "routine"] == harness.keys


@virtual
async def test_a_namespace_with_many_keys_delays_another_one_by_one_reconcile() -> None:
    harness = QueueBench(workers=4, groups_of=lambda key: Groups(key[0]), duration=10)
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
            st.sampled_from(Priority),
            st.floats(0, 200),
            st.sampled_from("abc"),
            st.sampled_from(["x", "y", None]),
        ),
        max_size=30,
    ),
    workers=st.integers(1, 4),
)
def test_no_worker_is_idle_while_a_namespace_that_has_none_waits(
    keys: list[tuple[Priority, float, str, str | None]], workers: int
) -> None:
    places = [place(str(n), *rest) for n, rest in enumerate(keys)]
    by_key = {each.key: each for each in places}

    started = order_at(200, *places, workers=workers)

    owners = {by_key[key].groups.owner for key in started}
    assert len(set(started)) == len(started) <= workers
    assert len(started) == workers or owners == {each.groups.owner for each in places}
