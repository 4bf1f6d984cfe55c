"""Policies that change, strip or add one field of whatever is written: few calls, no value lost, and all ends well."""

import pytest

from tests.simulation.admissions import meddlings
from tests.simulation.cases import violations
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.seed import part

EVERY = 19
"""One policy in so many is tried here with each flow, others with each seed; `python -m tests.simulation admissions` tries all."""


@pytest.mark.parametrize(("number", "flow"), list(enumerate(FLOWS)), ids=[str(flow) for flow in FLOWS])
def test_no_policy_that_changes_a_write_makes_a_loop(number: int, flow: Flow) -> None:
    cases = list(meddlings(flow, part(EVERY, number)))

    assert cases
    assert {} == violations(cases)
