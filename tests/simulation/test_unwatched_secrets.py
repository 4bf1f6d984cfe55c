"""Operators that may not watch Secrets come to the same ends, and keep the same promises on the way."""

import pytest

from mailtrap_operator.runtime.scope import Scope
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.operator_instance import Sight
from tests.simulation.outcomes import DISTINCT
from tests.simulation.runs import play, without_faults

UNWATCHED = Sight(Scope(watches_secrets=False))
SAMPLE = 4
"""Of the faults of a flow each so many-th is tried; of a lost Secret, which nothing reports here, all."""


@pytest.mark.parametrize("flow", [*FLOWS, *CREDENTIAL_FLOWS], ids=str)
def test_a_flow_comes_to_the_same_end(flow: Flow) -> None:
    run = play(flow, {}, sight=UNWATCHED)

    assert (None, without_faults(flow).ending) == (run.violation, run.ending)
    assert without_faults(flow).minted == run.minted


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_no_fault_breaks_a_promise(flow: Flow) -> None:
    calls = play(flow, {}, sight=UNWATCHED).calls
    faults = [(call.number, outcome) for call in calls for outcome in DISTINCT[call.kind]]

    faults = faults[::SAMPLE] if flow.name != "Secret lost" else faults
    violations = {
        f"{number} {calls[number].what}: {outcome}": play(flow, {number: outcome}, sight=UNWATCHED).violation
        for number, outcome in faults
    }

    assert {} == {fault: violation for fault, violation in violations.items() if violation}
