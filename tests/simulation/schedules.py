"""Two operators on one object, in every order in which their I/Os can come with one or two preemptions.

Each generator yields its cases one after the other: how to name the case, and what it violated, if anything.
"""

from collections.abc import Iterator
from itertools import islice

from tests.simulation.cases import WHOLE, Case
from tests.simulation.flows import Flow
from tests.simulation.preempting import How, Preemption, Run, run


def once(flow: Flow) -> Iterator[Preemption]:
    """Yield every single preemption of a flow."""
    undisturbed = run(flow, ())
    for how in How:
        for is_stale in (False, True):
            yield from _preemptions(undisturbed, how, is_stale=is_stale)


def single_preemptions(flow: Flow, part: slice = WHOLE) -> Iterator[Case]:
    """Run a flow with every single preemption, or with a part of them."""
    for first in islice(once(flow), part.start, part.stop, part.step):
        yield _case(flow, first)


def first_preemptions(flow: Flow) -> Iterator[Preemption]:
    """Yield what pairs can begin with; a process that was stopped for long is not stale besides."""
    return (first for first in once(flow) if first.how is How.HELD or not first.is_stale)


def pairs(flow: Flow, first: Preemption, part: slice = WHOLE) -> Iterator[Case]:
    """Run a flow with a first preemption and each of a part of those of its kind that can come after it."""
    came_to = run(flow, (first,))
    after = next(n + 1 for n in range(len(came_to.calls)) if came_to.io(n) == (first.operator, first.io))
    seconds = _preemptions(came_to, first.how, is_stale=first.is_stale, after=after)
    for second in islice(seconds, part.start, part.stop, part.step):
        yield _case(flow, first, second)


def _preemptions(of: Run, how: How, *, is_stale: bool, after: int = 0) -> Iterator[Preemption]:
    for number in range(after, len(of.calls)):
        yield Preemption(*of.io(number), how, is_stale)


def _case(flow: Flow, *schedule: Preemption) -> Case:
    return f"{flow}: {', then '.join(map(str, schedule))}", run(flow, schedule).violation
