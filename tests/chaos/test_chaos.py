from pathlib import Path

from tests.chaos.run import run


def test_twenty_five_kills_cost_no_token(tmp_path: Path) -> None:
    report = run(25, "twenty-five", tmp_path)

    assert "" == report.details()
    assert report.figures["kills (SIGKILL)"] >= 25
    assert report.figures["consumer's calls"] > 0
    assert report.figures["witness's looks"] > 0
