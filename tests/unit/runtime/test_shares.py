"""Shares: a group that is alone uses what there is, and another one that comes finds a place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.runtime.shares import Shares


def held(total: int, weight: float, groups: int) -> list[int]:
    """Return what each of some groups holds where all take in turn as much as they may."""
    shares = Shares(total, weight)
    while able := [group for group in range(groups) if shares.may_take(group)]:
        for group in able:
            if shares.may_take(group):
                shares.take(group)
    return [shares.held_by(group) for group in range(groups)]


@pytest.mark.parametrize(
    ("total", "weight", "groups", "each"),
    [
        (32, 3.0, 1, [24]),
        (32, 3.0, 2, [14, 14]),
        (32, 3.0, 4, [8, 8, 7, 7]),
        (1, 3.0, 1, [1]),
        (512, 1.0, 1, [256]),
        (512, 0.25, 1, [103]),
        (512, 0.25, 4, [64, 64, 64, 64]),
    ],
)
def test_a_group_holds_as_much_as_its_weight_and_the_others_leave_it(
    total: int, weight: float, groups: int, each: list[int]
) -> None:
    assert each == held(total, weight, groups)


@settings(deadline=None)
@given(
    total=st.integers(1, 64),
    weight=st.sampled_from([0.25, 1.0, 3.0]),
    takes=st.data(),
)
def test_none_takes_more_than_there_is_and_a_free_place_is_open_to_a_newcomer(
    total: int, weight: float, takes: st.DataObject
) -> None:
    shares, taken = Shares(total, weight), list[str]()
    for group in takes.draw(st.lists(st.sampled_from(["a", "b", "c", "give back"]), max_size=200)):
        if group != "give back" and shares.may_take(group):
            shares.take(group)
            taken.append(group)
        elif group == "give back" and taken:
            shares.give_back(taken.pop(0))

        assert len(taken) == shares.taken <= total
        assert all(taken.count(each) == shares.held_by(each) for each in "abc")
        assert (shares.taken < total) == shares.may_take("newcomer")
