"""Each mutant fits the code: a text that is not there exactly once would break nothing."""

from pathlib import Path

import pytest

import mailtrap_operator
from tests.simulation.mutants import MUTANTS, Mutant

_SOURCE = Path(mailtrap_operator.__file__).parent


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_has_one_place_in_the_code(mutant: Mutant) -> None:
    assert mutant.fits(_SOURCE)
