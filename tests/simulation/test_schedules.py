"""Two operators at once, preempted at every I/O: one living token each, nothing leaked, no one cut off."""

import pytest

from tests.simulation.cases import sample, violations
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.schedules import first_preemptions, pairs, single_preemptions
from tests.simulation.seed import part, seed

SINGLES = 6
"""Of the preemptions, each so many-th is tried here."""

FIRSTS, SECONDS = 16, 12
"""Of the first preemptions of a pair and of the second ones, each so many-th is tried here."""


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_preemption_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_preemptions(flow, part(SINGLES)))


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_second_preemption_breaks_a_promise(flow: Flow) -> None:
    firsts = list(first_preemptions(flow))[part(FIRSTS)]

    assert {} == violations(sample(pairs, flow, firsts, SECONDS, seed() // FIRSTS))
