"""Every I/O of every flow, ended in every way there is: nothing is leaked, doubled or cut off, and all ends well."""

from dataclasses import replace

import pytest

from tests.simulation.cases import sample, violations
from tests.simulation.exhaustive import first_faults, pairs, single_faults
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.runs import without_faults
from tests.simulation.seed import part, seed

SINGLES, PLAIN = 3, 12
"""Of the faults, each so many-th is tried here, and of those with the other form of paths."""

FIRSTS, SECONDS = 10, 25
"""Of the first faults of a pair and of the second ones, each so many-th is tried here."""


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_faults(flow, part(SINGLES)))


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_second_fault_breaks_a_promise(flow: Flow) -> None:
    firsts = list(first_faults(flow))[part(FIRSTS)]

    assert {} == violations(sample(pairs, flow, firsts, SECONDS, seed() // FIRSTS))


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise_where_no_path_names_the_account(flow: Flow) -> None:
    flow = replace(flow, paths="plain")

    assert without_faults(flow).violation is None
    assert {} == violations(single_faults(flow, part(PLAIN)))
