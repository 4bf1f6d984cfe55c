"""An object that is being deleted goes without its tokens being deleted: Retain, the escape, no finalizer of ours."""

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.actions import RemoveFinalizer, Retention, State
from mailtrap_operator.core.deletion import ABANDON_ANNOTATION
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    NOW,
    OWNER,
    TIMEOUT,
    WIPED,
    Tokens,
    a_current,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.doomed import doomed
from tests.unit.core.rows import Decision, Noted, decision

ESCAPE = {ABANDON_ANNOTATION: "true"}
LEAVING_THEM = a_status(current=a_current(3), previous=(a_previous(9),))


@pytest.mark.parametrize(
    ("api_token", "reason"),
    [
        pytest.param(doomed(LEAVING_THEM, deletion_policy="Retain"), Reason.RETAINED, id="Retain"),
        pytest.param(doomed(LEAVING_THEM, annotations=ESCAPE), Reason.ABANDONED, id="the escape"),
    ],
)
@pytest.mark.parametrize(
    ("listed", "left_behind"),
    [
        pytest.param((a_remote_token(3), a_remote_token(5)), (3, 5, 9), id="the account answers"),
        pytest.param(TIMEOUT, (3, 9), id="the account does not answer"),
    ],
)
def test_tokens_that_are_to_stay_are_named_and_left(
    api_token: ApiToken, reason: Reason, listed: Tokens, left_behind: tuple[int, ...]
) -> None:
    planned = plan(seen(api_token, listed=listed), NOW)

    retention = Retention(OWNER, (ACCOUNT,)) if reason is Reason.RETAINED else None
    assert RemoveFinalizer(reason, left_behind, retention) == planned.action
    assert reason is planned.finding.reason
    assert f"Tokens left in Mailtrap ({', '.join(map(str, left_behind))}), because" in planned.finding.message


def test_the_escape_works_although_a_claim_is_made_and_blocked() -> None:
    api_token = doomed(a_status(operation=an_operation("Delete")), annotations=ESCAPE)

    assert RemoveFinalizer(Reason.ABANDONED, (1,)) == plan(seen(api_token, listed=TIMEOUT), NOW).action


def test_the_escape_must_be_exactly_true() -> None:
    world = seen(doomed(annotations={ABANDON_ANNOTATION: "yes"}))

    assert ("nothing", "Delete ") == (decision(world).does, decision(world).records.operation)


def test_no_token_known_is_said_so() -> None:
    planned = plan(seen(doomed(WIPED, deletion_policy="Retain"), secret=None, listed=()), NOW)

    assert (
        "Tokens left in Mailtrap (none known), because deletionPolicy is Retain." == planned.finding.message
    )


@pytest.mark.parametrize(
    "finalizers", [(), ("example.com/other",)], ids=["none left", "only others' are left"]
)
def test_without_our_finalizer_nothing_is_done_any_more(finalizers: tuple[str, ...]) -> None:
    world = seen(an_api_token(deleted=True, finalizers=finalizers))

    assert Decision("nothing", State.READY, Reason.DELETING, Noted(), None, works=False) == decision(world)


@pytest.mark.parametrize("field", ["deletionPolicy", "accountRef"])
def test_a_deletion_waits_while_it_cannot_be_read_what_is_to_become_of_the_tokens(field: str) -> None:
    api_token = doomed(LEAVING_THEM).model_copy(update={"unreadable": {field: f"{field}: wrong"}})

    planned = plan(seen(api_token), NOW)
    assert (None, State.BLOCKED, Reason.SPEC_INVALID) == (
        planned.action,
        planned.finding.state,
        planned.finding.reason,
    )
    assert f"The spec cannot be read: spec.{field}: wrong." in planned.finding.message
    escaped = doomed(LEAVING_THEM, annotations=ESCAPE).model_copy(
        update={"unreadable": {field: f"{field}: wrong"}}
    )
    assert isinstance(plan(seen(escaped), NOW).action, RemoveFinalizer)


def test_a_deletion_does_not_need_the_rest_of_the_spec() -> None:
    api_token = doomed(LEAVING_THEM).model_copy(update={"unreadable": {"rotation": "wrong"}})

    assert plan(seen(doomed(LEAVING_THEM)), NOW) == plan(seen(api_token), NOW)
