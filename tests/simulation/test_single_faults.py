"""Every I/O of every flow, ended in every way there is: nothing is leaked, doubled or cut off, and all ends well."""

import pytest

from tests.simulation.flows import FLOWS, Flow
from tests.simulation.outcomes import ALL
from tests.simulation.runs import run, without_faults

# Nothing is on record there: that a list is short can be seen by nothing.
_BLIND = {("Secret and status lost", "short list")}


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    violations = {
        f"{call.number} {call.what}: {outcome}": violation
        for call in without_faults(flow).calls
        for outcome in ALL[call.kind]
        if (flow.name, outcome.name) not in _BLIND
        if (violation := run(flow, {call.number: outcome}).violation)
    }

    assert {} == violations
