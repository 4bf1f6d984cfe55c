"""The status that follows from a plan and its outcome: the conditions, clean for kstatus."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus, Condition
from mailtrap_operator.core.actions import (
    WORKING,
    Done,
    Failed,
    Finding,
    IssueToken,
    Outcome,
    Plan,
    Published,
    Record,
    State,
)
from mailtrap_operator.core.conditions import merge_conditions, status_after, status_of_claim
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    INSTALLATION,
    NOW,
    SECOND,
    TIMEOUT,
    WIPED,
    a_foreign_secret,
    a_remote_token,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)

REFUSED = Unknown(Reason.REQUEST_REFUSED, 'Mailtrap answered 422: "no". Correct the spec.')
PUBLISHED = Published(a_remote_token(2), an_issuance(issued_at=NOW))
OUTCOMES: dict[str, Outcome] = {
    "done": Done(),
    "published": PUBLISHED,
    "failed": Failed(TIMEOUT),
    "failed, the claim is closed": Failed(TIMEOUT, closes_claim=True),
    "failed, the value waits": Failed(TIMEOUT, holds_value=True),
    "refused": Failed(REFUSED, is_final=True),
    "refused, the claim is closed": Failed(REFUSED, is_final=True, closes_claim=True),
}


def a_plan(state: State = State.PROGRESSING, *, works: bool = True, action: Any = None) -> Plan:
    """Return a plan that says `Deleting`, which no outcome says."""
    record = Record(None, None, (), None)
    return Plan(NOW, action, record, Finding(state, Reason.DELETING, "The plan's words."), works)


def conditions(planned: Plan, outcome: Outcome, subject: ApiToken | None = None) -> dict[str, Condition]:
    status = status_after(subject or an_api_token(), planned, outcome, NOW)
    return {condition.type: condition for condition in status.conditions}


def short(planned: Plan, outcome: Outcome) -> dict[str, tuple[str, str]]:
    return {name: (c.status, c.reason) for name, c in conditions(planned, outcome).items()}


DELETING, REFUSAL, SILENCE, WELL = "Deleting", "RequestRefused", "RemoteUnavailable", "TokenPublished"


@pytest.mark.parametrize(
    ("state", "works", "outcome", "expected"),
    [
        (State.READY, True, "done", {"Ready": ("True", DELETING)}),
        (State.READY, False, "done", {"Ready": ("False", DELETING)}),
        (State.PROGRESSING, True, "done", {"Ready": ("True", WELL), "Reconciling": ("True", DELETING)}),
        (State.PROGRESSING, False, "done", {"Ready": ("False", DELETING), "Reconciling": ("True", DELETING)}),
        (State.BLOCKED, True, "done", {"Ready": ("True", WELL), "Reconciling": ("True", DELETING)}),
        (State.BLOCKED, False, "done", {"Ready": ("False", DELETING), "Reconciling": ("True", DELETING)}),
        (State.STALLED, True, "done", {"Ready": ("True", WELL), "Stalled": ("True", DELETING)}),
        (State.STALLED, False, "done", {"Ready": ("False", DELETING), "Stalled": ("True", DELETING)}),
        (State.PROGRESSING, True, "published", {"Ready": ("True", WELL)}),
        (State.PROGRESSING, False, "published", {"Ready": ("True", WELL)}),
        (State.PROGRESSING, True, "failed", {"Ready": ("True", WELL), "Reconciling": ("True", SILENCE)}),
        (State.PROGRESSING, False, "failed", {"Ready": ("False", SILENCE), "Reconciling": ("True", SILENCE)}),
        (State.PROGRESSING, True, "refused", {"Ready": ("True", WELL), "Stalled": ("True", REFUSAL)}),
        (State.PROGRESSING, False, "refused", {"Ready": ("False", REFUSAL), "Stalled": ("True", REFUSAL)}),
    ],
)
def test_which_conditions_tell_how_it_stands(
    state: State,
    works: bool,  # noqa: FBT001 - a column of the table
    outcome: str,
    expected: dict[str, tuple[str, str]],
) -> None:
    assert expected == short(a_plan(state, works=works), OUTCOMES[outcome])


@pytest.mark.parametrize("works", [True, False], ids=["the value works", "it does not work"])
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_ready_is_always_there_and_the_others_only_while_true_and_never_both(
    state: State,
    outcome: Outcome,
    works: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    found = conditions(a_plan(state, works=works), outcome)

    assert "Ready" in found
    assert set(found) <= {"Ready", "Reconciling", "Stalled"}
    assert all("True" == found[name].status for name in found if name != "Ready")
    assert not {"Reconciling", "Stalled"} <= set(found)
    assert all(3 == condition.observed_generation for condition in found.values())
    assert not works or "True" == found["Ready"].status


def test_a_reset_that_mailtrap_refuses_is_not_the_end_for_the_next_reconcile_creates() -> None:
    reset = plan(seen(secret=None), NOW)
    create = plan(seen(an_api_token(display_name="other")), NOW)
    refused = Failed(REFUSED, is_final=True, closes_claim=True)

    assert {"Ready": ("False", REFUSAL), "Reconciling": ("True", REFUSAL)} == short(reset, refused)
    assert {"Ready": ("True", WELL), "Stalled": ("True", REFUSAL)} == short(create, refused)
    by_kubernetes = Failed(REFUSED, is_final=True)
    assert {"Ready": ("False", REFUSAL), "Stalled": ("True", REFUSAL)} == short(reset, by_kubernetes)


def test_a_reset_that_is_refused_for_the_clocks_waits_for_someone_to_correct_them() -> None:
    reset = plan(seen(secret=None), NOW)
    skewed = Failed(Unknown(Reason.CLOCK_SKEWED, "no"), is_final=True, closes_claim=True)

    assert {"Ready", "Stalled"} == set(short(reset, skewed))


def test_the_words_are_the_plans_or_the_causes() -> None:
    assert "The plan's words." == conditions(a_plan(), Done())["Reconciling"].message
    assert TIMEOUT.message == conditions(a_plan(), Failed(TIMEOUT))["Reconciling"].message
    assert conditions(a_plan(), PUBLISHED)["Ready"].message.startswith(WORKING)
    assert conditions(a_plan(), Done())["Ready"].message.startswith(WORKING)


def a_condition(type_: str = "Ready", status: Any = "True", since: datetime = NOW - DAY) -> Condition:
    return Condition(
        type=type_,
        status=status,
        observed_generation=1,
        last_transition_time=since,
        reason="Before",
        message="x",
    )


def test_a_condition_that_keeps_its_status_keeps_its_time_though_its_words_change() -> None:
    before = (a_condition(), a_condition("Reconciling"))
    subject = an_api_token(status=a_status(conditions=before))

    after = conditions(a_plan(works=True), Done(), subject)

    assert (NOW - DAY, NOW - DAY) == (
        after["Ready"].last_transition_time,
        after["Reconciling"].last_transition_time,
    )
    assert ("TokenPublished", 3) == (after["Ready"].reason, after["Ready"].observed_generation)


def test_a_condition_whose_status_changes_or_that_is_new_gets_the_present_time() -> None:
    subject = an_api_token(status=a_status(conditions=(a_condition(), a_condition("Stalled"))))

    after = conditions(a_plan(works=False), Done(), subject)

    assert {"Ready": NOW, "Reconciling": NOW} == {name: c.last_transition_time for name, c in after.items()}


def test_conditions_come_in_the_desired_order_and_no_others_stay() -> None:
    wanted = [("B", "True", "Why", "w"), ("A", "False", "Why", "w")]
    merged = merge_conditions((a_condition("A", "False"), a_condition("Old")), wanted, 7, NOW)

    assert [("B", NOW), ("A", NOW - DAY)] == [(c.type, c.last_transition_time) for c in merged]


def test_the_status_speaks_of_the_generation_that_was_read() -> None:
    assert 3 == status_after(an_api_token(), a_plan(), Done(), NOW).observed_generation


def test_a_claim_says_nothing_but_the_operation_and_whose_it_is() -> None:
    api_token = an_api_token()
    action = plan(seen(secret=None), NOW).action
    assert isinstance(action, IssueToken)

    claimed = status_of_claim(api_token, action, NOW + 9 * SECOND / 2)

    assert action.operation.model_copy(update={"started_at": NOW + 4 * SECOND}) == claimed.operation
    assert (INSTALLATION, None) == (claimed.installation, api_token.status.installation)
    assert api_token.status == claimed.model_copy(update={"operation": None, "installation": None})


IDLE: dict[str, Observation] = {
    "all is well": seen(),
    "it is suspended": seen(an_api_token(suspend=True)),
    "it is suspended and has no token": seen(
        an_api_token(suspend=True, status=WIPED, finalizers=()), secret=None, listed=()
    ),
    "its Secret is foreign": seen(secret=a_foreign_secret()),
    "its account does not answer": seen(secret=None, listed=TIMEOUT),
    "its account is gone": seen(listed=Unknown(Reason.ACCOUNT_NOT_FOUND, "Create it.")),
    "its token will expire": seen(listed=(a_remote_token(expires_at=NOW + 300 * DAY),)),
    "it is being deleted and blocked": seen(an_api_token(deleted=True), listed=TIMEOUT),
    "it is being deleted without our finalizer": seen(an_api_token(deleted=True, finalizers=())),
}


@pytest.mark.parametrize("world", IDLE.values(), ids=IDLE.keys())
def test_an_object_in_which_nothing_changes_is_written_once_and_never_again(world: Observation) -> None:
    def passed(subject: ApiToken, later: timedelta) -> ApiTokenStatus:
        found = replace(world, api_token=subject)
        return status_after(subject, plan(found, NOW + later), Done(), NOW + later)

    subject = world.api_token
    for later in (0 * SECOND, SECOND / 3):
        subject = subject.model_copy(update={"status": passed(subject, later)})
    settled = subject.status

    for later in (SECOND, 7 * SECOND, HOUR):
        assert settled == passed(subject, later)
