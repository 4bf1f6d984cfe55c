"""What the exhaustive layers try, case by case."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tests.simulation.flows import Flow
from tests.simulation.seed import part

Case = tuple[str, str | None]
"""What was tried, and what it violated."""

First = TypeVar("First")

WHOLE = slice(None)
"""All second disturbances."""


def sample(
    pairs: Callable[[Flow, First, slice], Iterator[Case]],
    flow: Flow,
    firsts: Iterable[First],
    every: int,
    seed: int = 0,
) -> Iterator[Case]:
    """Run a flow with every first disturbance, and after each with every so many-th second one, by the seed."""
    for number, first in enumerate(firsts):
        yield from pairs(flow, first, part(every, number, seed))


def violations(cases: Iterable[Case]) -> dict[str, str]:
    """Return the cases that violate something."""
    return {case: violation for case, violation in cases if violation}
