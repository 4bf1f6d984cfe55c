"""What each change of a spec costs: every field, from one value to another, in every trouble there is."""

from collections.abc import Iterable

import pytest

from tests.simulation.effects import EFFECTS, Trial, wrong_with
from tests.simulation.persisted import named
from tests.simulation.schema_fields import schema_fields, schema_of
from tests.simulation.seed import part
from tests.simulation.transitions import Transition, odd_transitions, right_transitions
from tests.simulation.troubles import NOTHING, TROUBLES, Trouble

FIELDS = {named("spec", field): field for field, _ in schema_fields(schema_of("spec"))}

SAMPLE = 5
"""Of the changes, each so many-th meets a trouble here."""

each_field = pytest.mark.parametrize("name", FIELDS)
each_trouble = pytest.mark.parametrize("trouble", TROUBLES, ids=str)


def violations(trials: Iterable[Trial]) -> dict[str, str]:
    return {str(trial[0]): wrong for trial in trials if (wrong := wrong_with(trial))}


def of_field(name: str, transitions: Iterable[Transition]) -> list[Transition]:
    return [transition for transition in transitions if transition.field == FIELDS[name]]


def test_every_field_of_the_spec_has_its_effect_in_the_table() -> None:
    missing, unknown = FIELDS.keys() - EFFECTS.keys(), EFFECTS.keys() - FIELDS.keys()

    assert set() == missing, "say in EFFECTS what a change of these fields leads to; the design's table knows"
    assert set() == unknown, "the CRD has no such fields any more; drop them from EFFECTS"


@each_field
def test_a_change_costs_what_the_table_says(name: str) -> None:
    assert {} == violations((change, NOTHING, False) for change in of_field(name, right_transitions()))


@each_trouble
def test_a_change_in_the_midst_of_trouble_costs_no_more(trouble: Trouble) -> None:
    sampled = list(right_transitions())[part(SAMPLE, TROUBLES.index(trouble))]

    assert {} == violations((change, trouble, False) for change in sampled)


@each_trouble
def test_an_object_that_is_born_into_trouble_gets_one_token(trouble: Trouble) -> None:
    # Each field meets another trouble here; all meet all in the whole list of trials.
    changes = list(right_transitions())[TROUBLES.index(trouble) :: len(TROUBLES)]

    assert {} == violations((change, trouble, True) for change in changes)


@each_field
def test_an_odd_value_changes_nothing_for_good(name: str) -> None:
    assert {} == violations((change, NOTHING, False) for change in of_field(name, odd_transitions()))
