"""The first token of an object whose owner tag was never used needs no LIST."""

import pytest

from mailtrap_operator.api.v1alpha1 import ApiTokenStatus, OperationStatus
from mailtrap_operator.core.actions import DesiredSecret, IssueToken, ServerDefault, State
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_unused
from tests.unit.core.builders import (
    ACCOUNT,
    DOMAIN,
    FRESH,
    ME,
    NOW,
    OWNER_MARK,
    SECOND,
    UID,
    WIPED,
    a_current,
    a_previous,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Noted, decision, row

UNLISTED = Unknown(Reason.ACCOUNT_NOT_LISTED, "The account's tokens were not listed yet; they will be.")
UNUSED = an_api_token(status=WIPED, finalizers=())
FIRST = (State.PROGRESSING, Reason.FIRST_TOKEN)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object, before its account was ever listed.",
            seen(UNUSED, secret=None, listed=UNLISTED),
            does="create",
            says=FIRST,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "A new object whose account was listed.",
            seen(UNUSED, secret=None, listed=()),
            does="create",
            says=FIRST,
            records=Noted(current=None),
            works=False,
        ),
    ],
)
def test_an_unused_object_gets_its_first_token_at_once(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


# An unused object has nothing on record that could turn out to be another installation's.
NO_TROUBLE = {Reason.ACCOUNT_NOT_LISTED, Reason.INSTALLATION_MISMATCH}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in NO_TROUBLE])
def test_a_known_trouble_of_the_account_stops_even_the_first_token(reason: Reason) -> None:
    world = seen(UNUSED, secret=None, listed=Unknown(reason, "said so", 7 * SECOND))

    assert Decision(
        does="nothing",
        state=State.BLOCKED,
        reason=reason,
        records=Noted(current=None, secret_name=None),
        again=7 * SECOND,
        works=False,
    ) == decision(world)


USED: dict[str, tuple[ApiTokenStatus, tuple[str, ...]]] = {
    "our finalizer: it once had a token, or soon would have": (
        WIPED,
        ("mailtrap-operator.io/revoke-remote-tokens",),
    ),
    "an operation": (a_status(operation=an_operation(), current=None), ()),
    "a current token": (a_status(current=a_current()), ()),
    "a retired token": (a_status(current=None, previous=(a_previous(1),)), ()),
}


@pytest.mark.parametrize(("status", "finalizers"), USED.values(), ids=USED.keys())
def test_an_object_with_any_sign_of_use_waits_for_a_list(
    status: ApiTokenStatus, finalizers: tuple[str, ...]
) -> None:
    world = seen(an_api_token(status=status, finalizers=finalizers), secret=None, listed=UNLISTED)

    assert not is_unused(world)
    assert not isinstance(plan(world, NOW).action, IssueToken)


def test_an_object_with_a_secret_of_its_own_waits_for_a_list() -> None:
    world = seen(UNUSED, secret=a_secret(), listed=UNLISTED)

    assert not is_unused(world)
    assert not isinstance(plan(world, NOW).action, IssueToken)


def test_first_token_is_requested_as_the_spec_asks_for() -> None:
    planned = plan(seen(UNUSED, secret=None, listed=UNLISTED), NOW)

    desired = an_issuance(issued_at=NOW)
    assert planned.action == IssueToken(
        reason=Reason.FIRST_TOKEN,
        priority=Priority.CHANGE,
        why="the ApiToken has none yet",
        operation=OperationStatus(
            type="Create", nonce=FRESH, started_at=NOW, holder=ME, account=ACCOUNT, cause=Reason.FIRST_TOKEN
        ),
        remote_name=f"shop/billing [k8s:{OWNER_MARK}-{FRESH}]",
        resources=(DOMAIN,),
        expires_at=ServerDefault.LEFT_OUT,
        issuance=desired,
        secret=DesiredSecret(
            namespace="shop",
            name="billing",
            owner=OWNER_MARK,
            api_token_name="billing",
            api_token_uid=UID,
            is_owned=True,
            labels={"app.kubernetes.io/managed-by": "mailtrap-operator"},
            annotations={},
            data={"token": "${token}"},
            former=None,
            resource_version=None,
        ),
    )
    assert "A token is being issued: the ApiToken has none yet." == planned.finding.message
