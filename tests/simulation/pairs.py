"""All ordered pairs of faults within a flow: the second strikes while the operator still deals with the first.

The unit of work is a first fault; `following` runs everything that can come after it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.flows import Flow
from tests.simulation.network import Call
from tests.simulation.outcomes import DISTINCT, Outcome
from tests.simulation.runs import run, without_faults


@dataclass(frozen=True, slots=True)
class First:
    """The first fault of a pair."""

    flow: Flow
    call: Call
    outcome: Outcome


def firsts(flow: Flow) -> Iterator[First]:
    """Yield every fault that a flow can meet first."""
    for call in without_faults(flow).calls:
        for outcome in DISTINCT[call.kind]:
            yield First(flow, call, outcome)


def seconds(first: First) -> Iterator[tuple[Call, Outcome]]:
    """Yield every fault that can come after a first one."""
    for call in run(first.flow, {first.call.number: first.outcome}).calls[first.call.number + 1 :]:
        for outcome in DISTINCT[call.kind]:
            yield call, outcome


def following(first: First, *, every: int = 1, start: int = 0) -> tuple[int, dict[str, str]]:
    """Run a first fault with each `every`-th second one; return the number of runs and what was violated, by script."""
    chosen = list(seconds(first))[start::every]
    violations = {
        f"{first.flow}: {first.call.number}:{first.outcome}, {call.number}:{outcome}": violation
        for call, outcome in chosen
        if (violation := run(first.flow, _script(first, call, outcome)).violation)
    }
    return len(chosen), violations


def _script(first: First, call: Call, outcome: Outcome) -> dict[int, Outcome]:
    return {first.call.number: first.outcome, call.number: outcome}
