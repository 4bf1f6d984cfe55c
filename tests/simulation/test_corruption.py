"""Every persisted field, corrupted in every way, in every situation: nothing foreign is touched, all ends well."""

from typing import Any

import pytest

from tests.simulation.corruption import REFUSED, WELL, cases, every_case, run
from tests.simulation.persisted import corrupted, fields, named
from tests.simulation.schema_fields import schema_fields, schema_of
from tests.simulation.seed import part
from tests.simulation.situations import SITUATIONS, Situation, start_of

EVERY = 14
"""One case in so many is run here, others in each situation and with each seed; `corruption.check` runs any."""

CONDITIONS = {
    "SecretNotOwned": "the Secret does not say any more whose it is",
    "SecretWriteRefused": "the Secret has another controller, and cannot have two",
    "InstallationMismatch": "the status says that another installation serves it, and no Secret says otherwise",
    "AccountNotFound": "a token is on record in an account that does not exist, and perhaps lives there",
}
"""Where the user has to restore a field, and why no one else can know better."""


FOUND = (
    "one token: secret.ownerReferences[0].kind garbled",
    "one token: secret.annotations.mailtrap-operator.io/issuance.wishes.account.name garbled",
    "one token: status.current.id another object's",
    "overlap: status.previous[0].id as another field of that name",
    "overlap: status.previous[0].id another object's, deleted at once",
    "reset made: status.current.account.name garbled",
)
"""What once ended badly, or does so as soon as one guard is taken away."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_stays_well(name: str) -> None:
    violations = [run(case).violation for case in every_case() if name == str(case)]

    assert violations
    assert {None} == set(violations)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_corrupted_field_is_repaired_or_named(situation: Situation) -> None:
    part_of_all = part(EVERY, SITUATIONS.index(situation))
    results = [(case, run(case)) for case in cases(situation)[part_of_all]]

    assert [] == [f"{case}: {result.violation}" for case, result in results if result.violation]
    assert {end for _, result in results for end in result.ends} <= {REFUSED, WELL, *CONDITIONS}


def test_every_field_of_the_status_is_corrupted_in_some_situation() -> None:
    of_schema = {named("status", field) for field, _ in schema_fields(schema_of("status"))}
    corrupted = {
        named("status", field)
        for situation in SITUATIONS
        for field in fields(start_of(situation).own["status"])
    }

    assert set() == of_schema - corrupted, "add a situation in which the status holds these fields"


def test_a_document_is_corrupted_field_by_field() -> None:
    own = {"mark": {"id": "7", "json": '{"keys": ["a"]}'}}
    others = {"mark": {"id": "8", "json": '{"keys": ["a", "b"]}'}}
    older: dict[str, Any] = {"mark": {}}

    assert [
        "mark empty",
        "mark of a wrong type",
        "mark garbled",
        "mark another object's",
        "mark.id missing",
        "mark.id empty",
        "mark.id of a wrong type",
        "mark.id garbled",
        "mark.id another object's",
        "mark.json missing",
        "mark.json empty",
        "mark.json of a wrong type",
        "mark.json garbled",
        "mark.json another object's",
        "mark.json.keys missing",
        "mark.json.keys empty",
        "mark.json.keys of a wrong type",
        "mark.json.keys garbled",
        "mark.json.keys[0] empty",
        "mark.json.keys[0] of a wrong type",
    ] == [str(each) for each in corrupted(own, others, older)]
