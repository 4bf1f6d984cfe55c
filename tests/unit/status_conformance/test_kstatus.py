"""The port of kstatus says what the original says."""

from typing import Any

import pytest

from tests.status_conformance.kstatus import Result, Status, compute


def an_object(*conditions: tuple[str, str], generation: Any = 3, **status: Any) -> dict[str, Any]:
    listed = [
        {"type": type_, "status": value, "reason": "Why", "message": f"{type_} is {value}."}
        for type_, value in conditions
    ]
    meta = {"name": "billing"} | ({} if generation is None else {"generation": generation})
    full = ({"conditions": listed} if listed else {}) | status
    return {"kind": "ApiToken", "metadata": meta, "spec": {}} | ({"status": full} if full else {})


UNSEEN = "ApiToken generation is 3, but latest observed generation is {}"


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        (Result(Status.CURRENT, "Resource is current"), an_object()),
        (Result(Status.CURRENT, "Resource is current"), an_object(("Synced", "False"))),
        (Result(Status.CURRENT, "Resource is current"), an_object(observedGeneration=3)),
        (Result(Status.CURRENT, "Resource is Ready"), an_object(("Ready", "True"))),
        (Result(Status.CURRENT, "Resource is Ready"), an_object(("Ready", "True"), observedGeneration=3)),
        (Result(Status.CURRENT, "Resource is Ready"), an_object(("Stalled", "False"), ("Ready", "True"))),
        (Result(Status.IN_PROGRESS, "Ready is False."), an_object(("Ready", "False"))),
        (Result(Status.IN_PROGRESS, "Ready is Unknown."), an_object(("Ready", "Unknown"))),
        (Result(Status.IN_PROGRESS, UNSEEN.format(-1)), an_object(observedGeneration=-1)),
        (
            Result(Status.IN_PROGRESS, UNSEEN.format(2)),
            an_object(("Stalled", "True"), ("Ready", "True"), observedGeneration=2),
        ),
        (
            Result(Status.CURRENT, "Resource is Ready"),
            an_object(("Ready", "True"), generation=None, observedGeneration=2),
        ),
        (
            Result(Status.IN_PROGRESS, "Reconciling is True."),
            an_object(("Ready", "True"), ("Reconciling", "True")),
        ),
        (Result(Status.FAILED, "Stalled is True."), an_object(("Ready", "True"), ("Stalled", "True"))),
        (Result(Status.FAILED, "Stalled is True."), an_object(("Stalled", "True"), ("Reconciling", "True"))),
        (
            Result(Status.IN_PROGRESS, "Reconciling is True."),
            an_object(("Reconciling", "True"), ("Stalled", "True")),
        ),
    ],
)
def test_a_status_is_judged_by_generation_then_by_what_is_wrong_then_by_ready(
    expected: Result, body: dict[str, Any]
) -> None:
    assert expected == compute(body)


def test_object_being_deleted_is_terminating_whatever_its_status_says() -> None:
    body = an_object(("Ready", "True"), ("Stalled", "True"), observedGeneration=2)
    body["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"

    assert Result(Status.TERMINATING, "Resource scheduled for deletion") == compute(body)
