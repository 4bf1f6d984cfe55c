"""What would be done where nothing may be done: told in words, decided as ever, recorded nowhere."""

from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, ApiToken, OrphanToken
from mailtrap_operator.core.actions import Done, State, record_of
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.dry_run import in_words, orphan_plans, plan_without_acting, steps_of
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.orphans import Swept
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.objects import account
from tests.unit.core.builders import (
    DAY,
    LOST_NONCE,
    NOW,
    SECOND,
    SECRET_1,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.deleting import claimed, deleting
from tests.unit.core.test_consumers import a_workload, moving
from tests.unit.core.test_secret_form import FORMER

UNUSED = an_api_token(status=WIPED, finalizers=())
CLAIMED = an_operation("Delete", nonce="")


TARGETS = ({"kind": "Deployment", "name": "web"},)


def overdue(*ids: int, **spec: Any) -> ApiToken:
    """Return an object with tokens whose overlap is over; that of token 7 is not."""
    previous = tuple(a_previous(id_, delete_after=NOW) for id_ in ids)
    return an_api_token(status=a_status(previous=(*previous, a_previous(7))), **spec)


def would(world: Observation) -> str:
    return in_words(steps_of(plan(world, NOW), ObservedState(world, NOW)))


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(seen(), "do nothing", id="nothing to do"),
        pytest.param(seen(UNUSED, secret=None, listed=()), "create a token", id="a first token"),
        pytest.param(seen(secret=None), "reset token 1, and delete token 1 later", id="a reset"),
        pytest.param(
            seen(an_api_token(display_name="other")),
            "create a token, and delete token 1 later",
            id="a replacement",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(operation=an_operation())), unpublished=a_value_in_memory()),
            "publish token 2, and delete token 1 later",
            id="a value in memory",
        ),
        pytest.param(
            moving(a_workload(2, name="a"), a_workload(2, name="b"), rollout="Due"),
            "restart Deployment a, Deployment b, and delete token 2 later",
            id="workloads to restart",
        ),
        pytest.param(seen(secret=a_secret(owners=())), "rewrite Secret billing", id="a Secret to repair"),
        pytest.param(
            seen(an_api_token(secret_name="renamed"), secret=None, former_secret=SECRET_1),
            "move Secret billing to renamed, and delete Secret billing",
            id="a Secret to move",
        ),
        pytest.param(
            seen(UNUSED, secret=FORMER, listed=()),
            "delete Secret billing, and create a token",
            id="a Secret left over",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(previous=(a_previous(7, delete_after=NOW),)))),
            "delete token 7",
            id="an overlap that is over",
        ),
        pytest.param(
            seen(overdue(5, 6, display_name="other"), listed=(TOKEN_1, a_remote_token(5), a_remote_token(6))),
            "create a token, delete token 5, 6, and delete token 1, 7 later",
            id="a replacement beside overlaps that are over, and one that is not",
        ),
        pytest.param(
            seen(overdue(5, 6), listed=(TOKEN_1, a_remote_token(6))),
            "delete token 6, delete token 5, and delete token 7 later",
            id="several overlaps that are over, one of them of a token that is not listed any more",
        ),
        pytest.param(seen(overdue()), "delete token 7 later", id="nothing but an overlap to wait for"),
        pytest.param(
            seen(overdue(5, 6), listed=(TOKEN_1, a_remote_token(5), a_remote_token(6)), credential="0005"),
            "delete token 6, and delete token 7 later",
            id="a token that the operator works with",
        ),
        pytest.param(
            seen(overdue(5), listed=TIMEOUT), "delete token 5, 7 later", id="an account that does not answer"
        ),
        pytest.param(seen(overdue(5, suspend=True)), "do nothing", id="suspended"),
        pytest.param(
            seen(overdue(1, display_name="other")),
            "create a token, and delete token 1, 7 later",
            id="the token that the Secret still holds is retired",
        ),
        pytest.param(
            seen(an_api_token(rollout_restart_targets=TARGETS), secret=None),
            "reset token 1, restart the workloads that use it, and delete token 1 later",
            id="a reset, and workloads that use the value",
        ),
        pytest.param(seen(an_api_token(finalizers=())), "put the finalizer back", id="a finalizer"),
        pytest.param(
            seen(an_api_token(finalizers=(), display_name="other")),
            "put the finalizer back, create a token, and delete token 1 later",
            id="a finalizer, and a replacement",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED, display_name="other"), listed=(TOKEN_1, a_remote_token(2))),
            "record what it found, create a token, and delete token 1, 2 later",
            id="a record that was lost, and a replacement",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(current=a_current(5)))),
            "record what it found, and delete token 5 later",
            id="a record",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(previous=(a_previous(7),)), deleted=True)),
            "delete token 1, 7, and remove the finalizer",
            id="a deletion that begins",
        ),
        pytest.param(
            seen(
                claimed(previous=(2,)),
                listed=(TOKEN_1, a_remote_token(2), a_remote_token(3, nonce=LOST_NONCE)),
            ),
            "delete token 1, 2, 3, and remove the finalizer",
            id="a deletion that continues",
        ),
        pytest.param(
            seen(claimed(previous=(2,)), listed=(TOKEN_1, a_remote_token(2)), credential="0001"),
            "delete token 2",
            id="a deletion that will wait for the token that the operator works with",
        ),
        pytest.param(seen(claimed(), credential="0001"), "do nothing", id="a deletion that waits for it"),
        pytest.param(
            seen(deleting(a_status()), credential="0001"),
            "record what it found",
            id="a deletion that begins, and will wait for it",
        ),
        pytest.param(
            seen(an_api_token(deleted=True), listed=TIMEOUT),
            "record what it found",
            id="a deletion that begins while the account does not answer",
        ),
        pytest.param(
            seen(deleting(deletion_policy="Retain")),
            "remove the finalizer",
            id="a deletion that leaves the tokens",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(current=None), deleted=True), secret=None, listed=()),
            "remove the finalizer",
            id="a deletion that begins, and nothing is on record",
        ),
        pytest.param(
            seen(
                an_api_token(status=a_status(operation=CLAIMED, current=None), deleted=True),
                secret=None,
                listed=(),
            ),
            "remove the finalizer",
            id="the end of a deletion",
        ),
    ],
)
def test_dry_run_describes_each_step(world: Observation, words: str) -> None:
    assert words == would(world)

    planned_without_acting = plan_without_acting(world, NOW)
    assert (None, record_of(world.api_token.status)) == (
        planned_without_acting.action,
        planned_without_acting.record,
    )


def test_dry_run_is_a_condition() -> None:
    world = seen(listed=(a_remote_token(expires_at=NOW + DAY),))
    planned_without_acting = plan_without_acting(world, NOW)

    conditions = {
        c.type: c for c in status_after(world.api_token, planned_without_acting, Done(), NOW).conditions
    }
    assert {"Ready", "Reconciling", "Planned"} == conditions.keys()
    assert ("True", Reason.RENEWAL_DUE) == (conditions["Planned"].status, conditions["Planned"].reason)
    assert "It would reset token 1, and delete token 1 later: " in conditions["Planned"].message
    assert "True" == conditions["Ready"].status


def test_where_nothing_is_to_be_done_nothing_is_planned() -> None:
    assert plan(seen(), NOW) == plan_without_acting(seen(), NOW)
    assert State.READY is plan_without_acting(seen(), NOW).finding.state


def an_orphan(id_: int, age: timedelta) -> OrphanToken:
    return OrphanToken(id=id_, last_four=f"{id_:04}", seen_at=NOW - age)


@pytest.mark.parametrize(
    ("policy", "age", "expected"),
    [
        (
            "Delete",
            DAY + SECOND,
            ("delete token 5", "{}, and has been an orphan for 1d."),
        ),
        (
            "Delete",
            DAY,
            ("delete token 5 later", "{}; it is deleted when it has been an orphan for 1d."),
        ),
        ("Report", 2 * DAY, ("", "{}; orphanPolicy is Report.")),
    ],
    ids=["its day is over", "its day is not over", "only reported"],
)
def test_dry_run_describes_each_orphan(policy: str, age: timedelta, expected: tuple[str, str]) -> None:
    body = account()
    found = Account.model_validate(body | {"spec": body["spec"] | {"orphanPolicy": policy}})
    token = a_remote_token(5)

    ((told, step, why),) = orphan_plans(Swept((token,), (an_orphan(5, age), an_orphan(6, DAY))), found, NOW)

    lost = "It has the tag of this installation and belongs to no ApiToken"
    assert (token, expected[0], expected[1].format(lost)) == (told, step, why)
