"""An account whose credential is the value of an ApiToken: it stays alive, and is not taken away, whatever goes wrong."""

from dataclasses import replace
from itertools import islice

import pytest

from tests.simulation.cases import violations
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.exhaustive import single_faults
from tests.simulation.flows import Flow
from tests.simulation.preempting import run
from tests.simulation.runs import without_faults
from tests.simulation.schedules import once

SAMPLED = {"own credential": 6}
"""Of the longest flow each so many-th fault is tried."""

SAMPLE = 6
"""Of the faults with the other form of paths, each so many-th is tried, and of the preemptions."""


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    part = slice(None, None, SAMPLED.get(flow.name))

    assert {} == violations(single_faults(flow, part))


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise_where_no_path_names_the_account(flow: Flow) -> None:
    flow, every = replace(flow, paths="plain"), SAMPLE * SAMPLED.get(flow.name, 1)

    assert without_faults(flow).violation is None
    assert {} == violations(single_faults(flow, slice(None, None, every)))


@pytest.mark.parametrize("flow", CREDENTIAL_FLOWS, ids=str)
def test_no_preemption_of_one_of_two_operators_breaks_a_promise(flow: Flow) -> None:
    tried = islice(once(flow), 0, None, SAMPLE * SAMPLED.get(flow.name, 1))

    assert {} == violations((str(each), run(flow, (each,)).violation) for each in tried)
