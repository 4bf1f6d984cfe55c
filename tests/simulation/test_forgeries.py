"""Status, annotations and Secret of one object, forged together: no token is touched that the object may not have."""

import pytest

from tests.simulation.forgeries import FORGERIES, TARGETS, run

EVERY = 7
"""One forgery in so many is run here, others for each target; `forgeries.check` runs any."""


@pytest.mark.parametrize("target", [target for target, _ in TARGETS], ids=lambda target: target.__name__)
def test_a_forged_record_moves_the_operator_against_no_token(target: object) -> None:
    first = [target for target, _ in TARGETS].index(target)
    forgeries = [forgery for forgery in FORGERIES if forgery.target is target][first % EVERY :: EVERY]

    assert forgeries
    assert {} == {str(forgery): wrongs for forgery in forgeries if (wrongs := run(forgery))}
