"""Status, annotations and Secret of one object, forged together: no token is touched that the object may not have."""

import pytest

from tests.simulation.forgeries import FORGERIES, TARGETS, Target, run
from tests.simulation.seed import part

EVERY = 7
"""One forgery in so many is run here, others for each target and with each seed; `forgeries.check` runs any."""


@pytest.mark.parametrize(
    ("number", "target"), list(enumerate(TARGETS)), ids=[target.__name__ for target in TARGETS]
)
def test_a_forged_record_moves_the_operator_against_no_token(number: int, target: Target) -> None:
    forgeries = [forgery for forgery in FORGERIES if forgery.target is target][part(EVERY, number)]

    assert forgeries
    assert {} == {str(forgery): violations for forgery in forgeries if (violations := run(forgery))}
