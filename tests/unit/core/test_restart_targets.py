"""Targets of a restart are looked at when a spec names them: a wrong one is reported before the first rotation."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, Condition, RestartTarget
from mailtrap_operator.core.actions import Done, IssueToken, Notice, Published
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.events import Event, events_of
from mailtrap_operator.core.observation import Found, Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import unproven_targets
from mailtrap_operator.core.workloads import MissingTarget
from tests.unit.core.builders import (
    HOUR,
    MINUTE,
    NOW,
    WIPED,
    a_remote_token,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)
from tests.unit.core.test_consumers import a_workload

TARGETS = (RestartTarget(kind="Deployment", name="nosuch"),)
MISSING = MissingTarget("Deployment nosuch does not exist.")
FORBIDDEN = Unknown(Reason.KUBERNETES_REFUSED, "forbidden")
ADVICE = (
    "Create what is missing, or correct spec.rolloutRestartTargets: a token that is replaced is kept for it until "
    "rotation.maxOverlap ends."
)
IS_MISSING = Notice("RolloutRestart", Reason.TARGET_MISSING, f"Deployment nosuch does not exist. {ADVICE}")


def a_condition(
    reason: Reason = Reason.TARGET_MISSING,
    *,
    type_: str = "RolloutRestart",
    ago: timedelta = MINUTE,
    generation: int = 3,
    message: str = IS_MISSING.message,
) -> Condition:
    return Condition(
        type=type_,
        status="True",
        observed_generation=generation,
        last_transition_time=NOW - ago,
        reason=reason,
        message=message,
    )


NOT_THERE = Found((MISSING,))


def naming(*conditions: Condition, looked_at: Any = NOT_THERE, **spec: Any) -> Observation:
    """Return a served object whose spec names a target, and what was seen of it."""
    status = a_status(conditions=conditions)
    api_token = an_api_token(status=status, rollout_restart_targets=TARGETS, **spec)
    return replace(seen(api_token), workloads=looked_at)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(naming(), (IS_MISSING,), id="it does not exist"),
        pytest.param(naming(looked_at=Found((a_workload(name="nosuch"),))), (), id="it exists"),
        pytest.param(
            naming(looked_at=FORBIDDEN),
            (
                Notice(
                    "RolloutRestart",
                    Reason.KUBERNETES_REFUSED,
                    "The workloads to restart cannot be read: forbidden",
                ),
            ),
            id="the operator may not read it",
        ),
        pytest.param(
            naming(suspend=True), (IS_MISSING,), id="it does not exist, and the object is suspended"
        ),
    ],
)
def test_a_target_that_is_wrong_is_reported_before_a_rotation(
    world: Observation, expected: tuple[Notice, ...]
) -> None:
    planned = plan(world, NOW)

    assert (expected, None) == (planned.notices, planned.action)


def test_it_is_told_with_the_first_token_in_a_condition_and_once_in_an_event() -> None:
    api_token = an_api_token(status=WIPED, finalizers=(), rollout_restart_targets=TARGETS)
    world = replace(seen(api_token, secret=None, listed=()), workloads=Found((MISSING,)))
    planned, issued = plan(world, NOW), Published(a_remote_token(2), an_issuance())
    warning = Event("Warning", Reason.TARGET_MISSING, IS_MISSING.message)

    status = status_after(api_token, planned, issued, NOW)

    assert isinstance(planned.action, IssueToken)
    assert {"Ready": "TokenPublished", "RolloutRestart": "TargetMissing"} == {
        c.type: c.reason for c in status.conditions
    }
    assert warning == list(events_of(api_token, planned, issued))[-1]
    served = api_token.model_copy(update={"status": status})
    assert warning not in events_of(served, planned, Done())


@pytest.mark.parametrize(
    ("before", "is_told"),
    [
        pytest.param(a_condition(message="another one is missing"), False, id="of the same spec"),
        pytest.param(a_condition(generation=2), False, id="of a former spec, in the same words"),
        pytest.param(
            a_condition(generation=2, message="another one is missing"),
            True,
            id="of a former spec, in other words",
        ),
    ],
)
def test_each_spec_has_its_own_event(before: Condition, *, is_told: bool) -> None:
    world = naming(before)

    assert is_told == bool(list(events_of(world.api_token, plan(world, NOW), Done())))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        pytest.param((), MINUTE, id="seen for the first time: it may be made together with the object"),
        pytest.param((a_condition(ago=3 * MINUTE),), 3 * MINUTE, id="seen for some minutes"),
        pytest.param((a_condition(ago=HOUR),), 10 * MINUTE, id="seen for long"),
    ],
)
def test_a_target_that_is_missing_is_looked_at_again(
    conditions: tuple[Condition, ...], expected: timedelta
) -> None:
    assert expected == plan(naming(*conditions), NOW).requeue_after


def of_generation(observed: int, *conditions: Condition, **spec: Any) -> ApiToken:
    status = a_status(conditions=conditions).model_copy(update={"observed_generation": observed})
    return an_api_token(status=status, **{"rollout_restart_targets": TARGETS, **spec})


@pytest.mark.parametrize(
    ("api_token", "expected"),
    [
        pytest.param(of_generation(-1), TARGETS, id="a new object"),
        pytest.param(of_generation(2), TARGETS, id="another spec"),
        pytest.param(of_generation(2, rollout_restart_targets=()), (), id="it names none"),
        pytest.param(of_generation(3), (), id="the same spec: they were there"),
        pytest.param(of_generation(3, a_condition()), TARGETS, id="the same spec: one was missing"),
        pytest.param(
            of_generation(3, a_condition(Reason.KUBERNETES_REFUSED)), TARGETS, id="they could not be read"
        ),
        pytest.param(of_generation(3, a_condition(Reason.RESTARTING)), (), id="they were restarted"),
        pytest.param(
            of_generation(3, a_condition(Reason.RENEWAL_DUE, type_="RotationPending")),
            (),
            id="another trouble",
        ),
    ],
)
def test_targets_are_looked_at_once_for_each_spec_and_while_they_are_in_trouble(
    api_token: ApiToken, expected: tuple[RestartTarget, ...]
) -> None:
    assert expected == unproven_targets(api_token)
