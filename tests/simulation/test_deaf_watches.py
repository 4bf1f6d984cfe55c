"""Operators whose watches tell them nothing come to the same ends by their resync, only later."""

import pytest

from mailtrap_operator.runtime.scope import Scope
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.operator_instance import Sight
from tests.simulation.runs import play, without_faults

DEAF = {
    "all watches are deaf": Sight(is_deaf=True),
    "Secrets are not watched, and all else is deaf": Sight(Scope(watches_secrets=False), is_deaf=True),
}


@pytest.mark.parametrize("sight", DEAF.values(), ids=DEAF)
@pytest.mark.parametrize("flow", [*FLOWS, *CREDENTIAL_FLOWS], ids=str)
def test_a_flow_comes_to_the_same_end(flow: Flow, sight: Sight) -> None:
    run = play(flow, {}, sight=sight)

    assert (None, without_faults(flow).ending) == (run.violation, run.ending)
    assert run.minted <= without_faults(flow).minted, (
        "one that came and went between two looks is never known"
    )
