"""Two operators at once, preempted at every I/O: one living token each, nothing leaked, nobody cut off."""

import pytest

from tests.simulation.cases import sample, violations
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.schedules import first_preemptions, pairs, single_preemptions

SAMPLE = 50
"""Of the second preemptions, each so many-th is tried here; `make simulate` tries them all."""


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_preemption_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_preemptions(flow))


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_second_preemption_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(sample(pairs, flow, first_preemptions(flow), SAMPLE))
