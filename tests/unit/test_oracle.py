"""Each rule of the oracle: a state that breaks it, and the sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.oracle import Body, left_over, unaccounted, unrest

DUE = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATE = (DUE - timedelta(seconds=1)).isoformat()
NOT_READY = "it is not Ready: Why"
NO_TOKEN = "the Secret holds no living token"


def a_status(*others: str, ready: str = "True", **fields: Any) -> Body:
    """Return the status of an object that is served with token 1; token 2 is retired."""
    states = {"Ready": ready} | dict.fromkeys(others, "True")
    told = {"reason": "Why", "observedGeneration": 1}
    conditions = [{"type": type_, "status": status, **told} for type_, status in states.items()]
    retired = [{"id": 2, "deleteAfter": DATE}]
    return {"conditions": conditions, "current": {"id": 1}, "previous": retired} | fields


def an_object(status: Body, spec: Body | None = None, **meta: Any) -> Body:
    return {"metadata": {"generation": 1} | meta, "spec": spec or {}, "status": status}


ASKED = {"mailtrap-operator.io/rotate": "now"}
SERVED = an_object(a_status())
LIVING = {1: True, 2: True}


@pytest.mark.parametrize(
    ("expected", "body", "held", "tokens"),
    [
        ([], SERVED, 1, LIVING),
        ([], an_object(a_status(), {"suspend": True}, annotations=ASKED), 1, LIVING),
        (["it is still being deleted"], an_object(a_status(), deletionTimestamp=DATE), 1, LIVING),
        ([NOT_READY], an_object(a_status(ready="False")), 1, LIVING),
        ([NOT_READY], an_object(a_status("Reconciling")), 1, LIVING),
        ([NOT_READY], an_object(a_status("Stalled")), 1, LIVING),
        (["its status is old"], an_object(a_status(), generation=2), 1, LIVING),
        (["a requested rotation was not made"], an_object(a_status(), annotations=ASKED), 1, LIVING),
        (["an operation is still open"], an_object(a_status(operation={"nonce": "a"})), 1, LIVING),
        ([NO_TOKEN], SERVED, 1, {1: False}),
        (["the status names another token"], an_object(a_status(current={"id": 3})), 1, LIVING),
        (["tokens [3] are left over"], SERVED, 1, {**LIVING, 3: False}),
    ],
)
def test_what_keeps_an_object_from_being_served_is_named(
    expected: list[str], body: Body, held: int | None, tokens: dict[int, bool]
) -> None:
    assert expected == [*unrest(body, held, tokens)]


def test_an_object_that_does_not_exist_is_not_served() -> None:
    assert "it does not exist" == next(unrest({}, None, {}))


def test_an_object_whose_secret_holds_no_token_of_its_own_is_not_served() -> None:
    assert [NO_TOKEN, "the status names another token", "tokens [1] are left over"] == [
        *unrest(SERVED, None, LIVING)
    ]


def test_a_retired_token_is_to_be_deleted_when_its_date_is_over() -> None:
    assert ["tokens [2] are still to be deleted"] == [*unrest(SERVED, 1, LIVING, DUE)]
    assert [] == [*unrest(SERVED, 1, LIVING, DUE - timedelta(seconds=1))]


@pytest.mark.parametrize(
    ("unknown", "left", "body", "held"),
    [
        ([3, 4], [3, 4], SERVED, 1),
        ([4], [1, 4], SERVED, 3),
        ([3, 4], [1, 3, 4], SERVED, None),
        ([1, 2, 3, 4], [1, 2, 3, 4], {}, None),
    ],
    ids=["served", "another one is published", "the Secret is lost", "there is no object"],
)
def test_tokens_outside_of_secret_and_status_are_named(
    unknown: list[int], left: list[int], body: Body, held: int | None
) -> None:
    assert (unknown, left) == (unaccounted(body, held, range(1, 5)), left_over(body, held, range(1, 5)))
