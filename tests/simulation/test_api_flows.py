"""What single fields ask for, and what others do to a token, comes out right whatever becomes of one I/O on the way."""

import pytest

from tests.simulation.api_flows import API_FLOWS
from tests.simulation.cases import violations
from tests.simulation.exhaustive import single_faults
from tests.simulation.flows import Flow
from tests.simulation.runs import without_faults
from tests.simulation.seed import part


@pytest.mark.parametrize("flow", API_FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


SINGLES = 4
"""Of the faults, each so many-th is tried here."""

LONGEST = {"workload slower than the hard limit": 11}
"""Where a flow looks at the same thing for an hour, only each so many-th fault of a sample is tried."""


@pytest.mark.parametrize("flow", API_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    sampled = part(SINGLES * LONGEST.get(flow.name, 1))

    assert {} == violations(single_faults(flow, sampled))
