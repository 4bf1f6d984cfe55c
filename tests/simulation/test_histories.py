"""Random histories keep every promise; one that does not is named by its seed, which replays it."""

import pytest

from tests.simulation.histories import check, describe
from tests.simulation.seed import part

HISTORIES = 2000
EVERY = 8
"""One history in so many is played here, others with each seed; `make simulation-full` plays them all."""

_CHUNK = 100


@pytest.mark.parametrize("first", range(0, HISTORIES, _CHUNK))
def test_no_history_breaks_a_promise(first: int) -> None:
    seeds = range(first, first + _CHUNK)[part(EVERY)]

    assert {} == {seed: violation for seed in seeds if (violation := check(seed))}


def test_a_seed_tells_the_same_history_each_time() -> None:
    assert describe(1) == describe(1)
