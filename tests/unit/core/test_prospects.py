"""What `plan` reports one ApiToken: what comes next, or what stands in the way, as the status tells it too."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, Condition
from mailtrap_operator.core.dry_run import in_words, steps_of
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.prospects import plan_with_refusals, prospect_of
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    HOUR,
    NOW,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.deleting import claimed

TOKEN_2 = a_remote_token(2)
OVERDUE = a_previous(2, delete_after=NOW)
NO_ACCOUNT = Unknown(Reason.ACCOUNT_NOT_FOUND, "There is no such account.")
FOREIGN_SECRET = a_secret(owner=None)


def told(world: Observation) -> tuple[str, str, str, str]:
    """Return the prospect, what would be done, the reason and the message."""
    s = ObservedState(world, NOW)
    planned = plan_with_refusals(s)
    steps = steps_of(planned, s)
    prospect = prospect_of(planned, steps, world.api_token.status)
    return prospect, in_words(steps), planned.finding.reason, planned.finding.message


def refused(reason: Reason, *, generation: int = 3, **status: Any) -> Any:
    """Return a status with a refusal on record."""
    stalled = Condition(
        type="Stalled",
        status="True",
        observed_generation=generation,
        last_transition_time=NOW - HOUR,
        reason=reason,
        message="No.",
    )
    return a_status(conditions=(stalled,), **status)


def unserved(reason: Reason, **given: Any) -> ApiToken:
    """Return an object that was refused its first token."""
    return an_api_token(status=refused(reason, current=None, secret_name=None, **given))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(seen(), ("nothing", "do nothing", "TokenPublished"), id="It is served."),
        pytest.param(
            seen(an_api_token(status=a_status(previous=(a_previous(2),))), listed=(TOKEN_1, TOKEN_2)),
            ("change", "delete token 2 later", "TokenPublished"),
            id="It is served, and an old token goes later.",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED, finalizers=()), secret=None, listed=()),
            ("change", "create a token", "FirstToken"),
            id="It is new.",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED, finalizers=()), secret=FOREIGN_SECRET, listed=()),
            ("blocked", "do nothing", "SecretNotOwned"),
            id="The Secret is someone else's.",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED, finalizers=()), secret=None, listed=NO_ACCOUNT),
            ("blocked", "do nothing", "AccountNotFound"),
            id="The account does not exist.",
        ),
        pytest.param(
            seen(an_api_token(display_name="other"), listed=TIMEOUT),
            ("unknown", "do nothing", "RemoteUnavailable"),
            id="The account does not answer.",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(operation=an_operation()))),
            ("wait", "do nothing", "AnswerLost"),
            id="The answer to an attempt may still take effect.",
        ),
        pytest.param(
            seen(claimed(), credential="0001"),
            ("blocked", "do nothing", "CredentialInUse"),
            id="It cannot go, as the operator works with its token.",
        ),
    ],
)
def test_preview_follows_from_the_observed_state(world: Observation, expected: tuple[str, str, str]) -> None:
    assert expected == told(world)[:3]


REFUSALS = [
    Reason.REQUEST_REFUSED,
    Reason.CLOCK_SKEWED,
    Reason.ACCESS_FORBIDDEN,
    Reason.NOT_FOUND,
    Reason.SECRET_WRITE_REFUSED,
    Reason.KUBERNETES_REFUSED,
]


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused_step_is_not_planned(reason: Reason) -> None:
    world = seen(unserved(reason), secret=None, listed=())

    assert ("blocked", "do nothing", reason, "No.") == told(world)


@pytest.mark.parametrize(
    "api_token",
    [
        pytest.param(
            unserved(Reason.REQUEST_REFUSED, generation=2), id="The spec has changed since the refusal."
        ),
        pytest.param(unserved(Reason.SECRET_NOT_OWNED), id="The foreign Secret is gone."),
        pytest.param(unserved(Reason.POLICY_VIOLATED), id="The policy allows it by now."),
    ],
)
def test_rotation_outside_the_period_does_not_count(api_token: ApiToken) -> None:
    assert ("change", "create a token") == told(seen(api_token, secret=None, listed=()))[:2]


def test_a_refusal_on_record_keeps_nothing_from_being_settled() -> None:
    assert ("nothing", "do nothing") == told(seen(an_api_token(status=refused(Reason.REQUEST_REFUSED))))[:2]


def test_a_rotation_that_was_refused_leaves_the_old_tokens_their_end() -> None:
    status = refused(Reason.REQUEST_REFUSED, previous=(a_previous(2),))
    world = seen(an_api_token(status=status, display_name="other"), listed=(TOKEN_1, TOKEN_2))

    assert ("blocked", "delete token 2 later", "RequestRefused") == told(world)[:3]


@pytest.mark.parametrize(
    ("reason", "spec", "expected"),
    [
        pytest.param(
            Reason.REQUEST_REFUSED,
            {"display_name": "other"},
            ("change", "delete token 2", "Revoking"),
            id="A token was refused: an old one goes in turn.",
        ),
        pytest.param(
            Reason.ACCESS_FORBIDDEN,
            {"display_name": "other"},
            ("change", "delete token 2", "Revoking"),
            id="A token was forbidden: an old one goes in turn.",
        ),
        pytest.param(
            Reason.DELETION_REFUSED,
            {},
            ("blocked", "delete token 2 later", "DeletionRefused"),
            id="The deletion was refused.",
        ),
        pytest.param(
            Reason.DELETION_REFUSED,
            {"display_name": "other"},
            ("change", "create a token, delete token 2, and delete token 1 later", "AccessChanged"),
            id="The deletion was refused, and a token is needed.",
        ),
    ],
)
def test_of_an_issue_and_a_deletion_only_what_was_refused_is_blocked(
    reason: Reason, spec: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    status = refused(reason, previous=(OVERDUE,))
    world = seen(an_api_token(status=status, **spec), listed=(TOKEN_1, TOKEN_2))

    assert expected == told(world)[:3]


def test_an_object_whose_tokens_may_not_be_deleted_does_not_go() -> None:
    status = refused(Reason.DELETION_REFUSED, operation=an_operation("Delete", nonce=""))

    assert ("blocked", "do nothing", "DeletionRefused") == told(
        seen(an_api_token(status=status, deleted=True))
    )[:3]


def test_a_retention_that_has_no_room_is_blocked() -> None:
    api_token = an_api_token(status=refused(Reason.TOO_MANY_RETAINED), deleted=True, deletion_policy="Retain")

    assert ("blocked", "do nothing", "TooManyRetained") == told(seen(api_token))[:3]
