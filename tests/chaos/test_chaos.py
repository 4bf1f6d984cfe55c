from pathlib import Path

from tests.chaos.failovers import Failovers
from tests.chaos.operators import Operators
from tests.chaos.run import run


def test_twenty_five_kills_cost_no_token(tmp_path: Path) -> None:
    report = run(Operators, 25, "twenty-five", tmp_path)

    assert "" == report.details()
    assert report.figures["kills (SIGKILL)"] >= 25
    assert report.figures["consumer's calls"] > 0
    assert report.figures["witness's looks"] > 0


def test_six_failovers_cost_no_token(tmp_path: Path) -> None:
    report = run(Failovers, 6, "six", tmp_path)

    assert "" == report.details()
    assert report.figures["failovers"] >= 6
    assert report.figures["consumer's calls"] > 0
