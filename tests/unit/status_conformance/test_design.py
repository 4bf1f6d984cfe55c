"""The table of verdicts notices each status that says too little, too much or something else than it should."""

from typing import Any

import pytest

from tests.status_conformance.design import VIOLATIONS, violations

TOKEN: Any = {"current": {"id": 1}, "secretName": "billing"}
NO_REASON = "it is not Ready, and neither Reconciling, Stalled nor a suspension says why"
(MISSING, BOTH, UNTRUE, OTHER_GENERATION, NO_SECRET) = (words for words, _ in VIOLATIONS)


def an_object(
    *conditions: tuple[str, str], kind: str = "ApiToken", spec: Any = None, **status: Any
) -> dict[str, Any]:
    listed = [
        {"type": type_, "status": value, "observedGeneration": 3, "reason": "Why", "message": "Because."}
        for type_, value in conditions
    ]
    full = {"observedGeneration": 3, "conditions": listed} | status
    return {"kind": kind, "metadata": {"generation": 3}, "spec": spec or {}, "status": full}


WELL, ILL, BUSY, STUCK = ("Ready", "True"), ("Ready", "False"), ("Reconciling", "True"), ("Stalled", "True")
SUSPENDED: Any = {"suspend": True}
ACCOUNT = "MailtrapAccount"


@pytest.mark.parametrize(
    "body",
    [
        an_object(observedGeneration=-1),
        an_object(ILL, BUSY),
        an_object(ILL, STUCK),
        an_object(WELL, **TOKEN),
        an_object(WELL, ("RotationPending", "True"), **TOKEN),
        an_object(WELL, BUSY, **TOKEN),
        an_object(WELL, BUSY),
        an_object(WELL, STUCK, **TOKEN),
        an_object(WELL, spec=SUSPENDED, **TOKEN),
        an_object(ILL, spec=SUSPENDED),
        an_object(WELL, kind=ACCOUNT),
        an_object(ILL, kind=ACCOUNT),
        an_object(WELL, ("OrphansFound", "True"), kind="ClusterMailtrapAccount"),
    ],
)
def test_a_status_as_it_should_be_is_judged_as_the_table_says(body: dict[str, Any]) -> None:
    assert [] == list(violations(body))
    terminating = {**body, "metadata": {"generation": 3, "deletionTimestamp": "2026-03-01T12:00:00Z"}}
    assert [] == list(violations(terminating))


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        ([MISSING, NO_REASON], an_object()),
        ([BOTH], an_object(ILL, STUCK, BUSY)),
        ([BOTH], an_object(WELL, BUSY, STUCK, **TOKEN)),
        ([UNTRUE], an_object(WELL, ("Stalled", "False"), **TOKEN)),
        ([OTHER_GENERATION], an_object(WELL, observedGeneration=2, **TOKEN)),
        ([NO_SECRET], an_object(WELL)),
        ([NO_SECRET], an_object(WELL, current={"id": 1})),
        ([NO_REASON], an_object(ILL)),
    ],
)
def test_what_is_wrong_is_named(expected: list[str], body: dict[str, Any]) -> None:
    told = list(violations(body))

    assert expected == [words for words in told if ": kstatus says" not in words]


def test_a_judge_that_says_something_else_is_named() -> None:
    both = an_object(ILL, BUSY, STUCK)

    told = "someone must do something: kstatus says InProgress and Argo CD Degraded, not Failed and Degraded"
    assert [BOTH, told] == list(violations(both))
