"""An account whose credential is the value of an ApiToken: it stays alive, and is not taken away, whatever goes wrong."""

from dataclasses import replace

import pytest

from tests.simulation.cases import violations
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.exhaustive import single_faults
from tests.simulation.flows import Flow
from tests.simulation.runs import without_faults
from tests.simulation.schedules import single_preemptions
from tests.simulation.seed import part

LONGEST = {"own credential": 6}
"""Of the longest flow only each so many-th case of a sample is tried."""

SINGLES, PLAIN, PREEMPTIONS = 4, 8, 8
"""Of the faults, each so many-th is tried here, of those with the other form of paths, and of the preemptions."""


def sampled(flow: Flow, every: int) -> slice:
    return part(every * LONGEST.get(flow.name, 1))


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_faults(flow, sampled(flow, SINGLES)))


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise_where_no_path_names_the_account(flow: Flow) -> None:
    flow = replace(flow, paths="plain")

    assert without_faults(flow).violation is None
    assert {} == violations(single_faults(flow, sampled(flow, PLAIN)))


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_preemption_of_one_of_two_operators_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_preemptions(flow, sampled(flow, PREEMPTIONS)))
