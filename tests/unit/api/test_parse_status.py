from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.api.v1alpha1 import ApiTokenStatus, parse_status

ACCOUNT = {"kind": "ClusterMailtrapAccount", "name": "default"}
CONDITION = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 3,
    "lastTransitionTime": "2030-01-31T12:00:00Z",
    "reason": "TokenIssued",
    "message": "",
}
OPERATION = {
    "type": "Create",
    "nonce": "abcdefgh",
    "startedAt": "2030-01-31T12:00:00Z",
    "holder": "pod-1",
    "account": ACCOUNT,
}
CURRENT = {
    "id": 7,
    "lastFour": "beef",
    "issuedAt": "2030-01-31T12:00:00Z",
    "accessDigest": "a1",
    "expirationDigest": "e1",
    "account": ACCOUNT,
}
PREVIOUS = {
    "id": 6,
    "lastFour": "cafe",
    "deleteAfter": "2030-01-31T12:00:00Z",
    "reason": "Rotated",
    "account": ACCOUNT,
}
BOUND = {"type": "domain", "name": "example.com", "id": 7, "accountId": 3229}
STORED: dict[str, Any] = {
    "observedGeneration": 3,
    "conditions": [CONDITION],
    "operation": OPERATION,
    "current": CURRENT,
    "previous": [PREVIOUS, {**PREVIOUS, "id": 5}],
    "resources": [BOUND, {**BOUND, "type": "project", "id": "ab-1"}],
    "secretName": "billing",
    "renewalTime": "2030-01-31T12:00:00Z",
}
READ = ApiTokenStatus.model_validate(STORED)


def test_a_sound_status_is_read_whole() -> None:
    assert READ == parse_status(STORED)


def test_no_status_is_the_default() -> None:
    assert ApiTokenStatus() == parse_status(None)


@pytest.mark.parametrize("raw", ["Ready", 5, True, [], [STORED]])
def test_what_is_no_object_is_dropped_whole(raw: object) -> None:
    assert ApiTokenStatus() == parse_status(raw)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        pytest.param({"operation": "Create"}, {"operation": None}, id="wrong type"),
        pytest.param(
            {"operation": {**OPERATION, "startedAt": "noon"}},
            {"operation": None},
            id="one wrong field inside drops the operation alone",
        ),
        pytest.param(
            {"operation": {**OPERATION, "account": {"kind": "Bank"}}},
            {"operation": None},
            id="a wrong field two levels down",
        ),
        pytest.param({"current": {"id": 7}}, {"current": None}, id="missing fields"),
        pytest.param({"current": {**CURRENT, "id": "7"}}, {"current": None}, id="id as text"),
        pytest.param({"current": {**CURRENT, "id": True}}, {"current": None}, id="id true"),
        pytest.param(
            {"previous": [{"id": 4}, PREVIOUS, "x", {**PREVIOUS, "id": 5}]},
            {},
            id="sound entries stay",
        ),
        pytest.param({"previous": {"id": 6}}, {"previous": ()}, id="object instead of list"),
        pytest.param({"previous": [PREVIOUS] * 300}, {"previous": ()}, id="more entries than allowed"),
        pytest.param({"conditions": [{**CONDITION, "status": "Yes"}]}, {"conditions": ()}),
        pytest.param({"observedGeneration": "3"}, {"observed_generation": -1}),
        pytest.param({"observedGeneration": None}, {"observed_generation": -1}),
        pytest.param({"secretName": {}}, {"secret_name": None}),
        pytest.param({"renewalTime": 1896091200}, {"renewal_time": None}),
        pytest.param({"renewalTime": "0001-01-01T00:00:00+12:00"}, {"renewal_time": None}),
        pytest.param(
            {"resources": [{**BOUND, "id": 0}, BOUND, {**BOUND, "type": "project", "id": "ab-1"}]},
            {},
            id="a name that stands for no id",
        ),
        pytest.param({"phase": "Old", "extra": [1]}, {}, id="unknown fields are no damage"),
        pytest.param(
            {"operation": 1, "current": 2, "renewalTime": 3},
            {"operation": None, "current": None, "renewal_time": None},
            id="several at once",
        ),
    ],
)
def test_a_damaged_part_is_dropped_alone(damage: dict[str, Any], lost: dict[str, Any]) -> None:
    assert READ.model_copy(update=lost) == parse_status({**STORED, **damage})


def test_a_field_in_python_spelling_is_unknown() -> None:
    assert ApiTokenStatus() == parse_status({"observed_generation": 3, "secret_name": 5})


def test_the_stored_object_is_not_changed_by_reading_it() -> None:
    raw = {"previous": ["x", PREVIOUS], "operation": 5}
    parse_status(raw)
    assert {"previous": ["x", PREVIOUS], "operation": 5} == raw


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["7", "Ready", "Create"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*STORED, *CURRENT, *PREVIOUS, *OPERATION, *CONDITION, *BOUND]), inner, max_size=6
        )
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(JSON)
def test_reading_never_raises_and_what_is_read_can_be_written(raw: object) -> None:
    status = parse_status(raw)
    dump = status.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert status == parse_status(dump)
