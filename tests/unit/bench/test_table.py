import pytest

from tests.bench.table import Runs, percentile, table

ONE: Runs = {"here": {"new: s": [3.0, 1.0, 2.0]}}
TWO: Runs = {"here": {"new: s": [1.0]}, "there": {"new: s": [4.0]}}
NEW: Runs = {"here": {"new: s": [1.0]}, "there": {}}


@pytest.mark.parametrize(
    ("expected", "runs"),
    [
        pytest.param("| new: s | 1, 2, 3 |", ONE, id="least, median and most of the runs of one checkout"),
        pytest.param("| new: s | 1, 1, 1 | 4, 4, 4 | 0.25 |", TWO, id="two checkouts and their ratio"),
        pytest.param("| new: s | 1, 1, 1 | – | – |", NEW, id="a figure that the other does not have"),
    ],
)
def test_a_figure_has_one_line(expected: str, runs: Runs) -> None:
    assert expected == list(table(runs))[-1]


@pytest.mark.parametrize(("expected", "part"), [(5, 50), (10, 99), (10, 100), (1, 0)])
def test_a_percentile_is_one_of_the_values(expected: float, part: int) -> None:
    assert expected == percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], part)
