"""`python -m distribution`: writes anew all that is generated of the chart and of `deploy/`."""

from pathlib import Path

from distribution import chart

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write the files, and remove those that are generated no more."""
    chart.write(ROOT)


if __name__ == "__main__":
    main()
