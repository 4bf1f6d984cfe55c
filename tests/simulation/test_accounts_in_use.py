"""Accounts are held and released, and orphans go, whatever becomes of one I/O on the way; no promise is broken by that."""

import pytest

from tests.simulation.account_flows import ACCOUNT_FLOWS
from tests.simulation.cases import violations
from tests.simulation.exhaustive import single_faults
from tests.simulation.flows import Flow
from tests.simulation.runs import without_faults
from tests.simulation.seed import part


@pytest.mark.parametrize("flow", ACCOUNT_FLOWS, ids=str)
def test_a_flow_without_faults_comes_to_its_end(flow: Flow) -> None:
    assert without_faults(flow).violation is None


SINGLES = 4
"""Of the faults, each so many-th is tried here."""


@pytest.mark.parametrize("flow", ACCOUNT_FLOWS, ids=str)
def test_no_single_fault_breaks_a_promise(flow: Flow) -> None:
    assert {} == violations(single_faults(flow, part(SINGLES)))
