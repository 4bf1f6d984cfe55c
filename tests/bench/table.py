"""The figures of all runs as a table that a page of `docs/` can show."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

HERE, THERE = "here", "there"

Runs = Mapping[str, Mapping[str, Sequence[float]]]
"""The figures of all runs, by checkout and name."""


def percentile(values: Sequence[float], part: int) -> float:
    """Return the value that so many percent of all do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * part / 100) - 1)]


def table(runs: Runs) -> Iterator[str]:
    """Yield a Markdown table: of each figure the least, the median and the most of all runs; with two checkouts, the ratio."""
    names = list(runs)
    ratio = " ratio of the medians |" if len(names) > 1 else ""
    yield f"| figure | {' | '.join(f'{name}: min, median, max' for name in names)} |{ratio}"
    yield "|---" * (len(names) + 1 + bool(ratio)) + "|"
    for figure in runs[HERE]:
        cells = [_spread(runs[name].get(figure, [])) for name in names]
        yield f"| {figure} | {' | '.join(cells)} |{_ratio(runs, figure) if ratio else ''}"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return ", ".join(f"{value:.4g}" for value in (min(values), statistics.median(values), max(values)))


def _ratio(runs: Runs, figure: str) -> str:
    here, there = (statistics.median(runs[name].get(figure) or [0]) for name in (HERE, THERE))
    return f" {here / there:.2f} |" if there else " – |"
