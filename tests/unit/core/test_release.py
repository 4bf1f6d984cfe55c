"""An object that is being deleted goes without its tokens being deleted: Retain, the escape, no finalizer of ours."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.names import ABANDON_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiToken
from mailtrap_operator.core.actions import RemoveFinalizer, Retention, RevokeToken, State
from mailtrap_operator.core.deletion import held_up
from mailtrap_operator.core.observation import Observation, Tenancy
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    NOW,
    OTHER_ACCOUNT,
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
from tests.unit.core.deleting import deleting
from tests.unit.core.rows import Decision, Noted, decision

ESCAPE = {ABANDON_ANNOTATION: "true"}
LEAVING_THEM = a_status(current=a_current(3), previous=(a_previous(9),))


@pytest.mark.parametrize(
    ("api_token", "reason"),
    [
        pytest.param(deleting(LEAVING_THEM, deletion_policy="Retain"), Reason.RETAINED, id="Retain"),
        pytest.param(deleting(LEAVING_THEM, annotations=ESCAPE), Reason.ABANDONED, id="the escape"),
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
    assert RemoveFinalizer(reason, retention) == planned.action
    assert reason is planned.finding.reason
    assert f"Tokens left in Mailtrap ({', '.join(map(str, left_behind))}), because" in planned.finding.message


def test_the_escape_works_although_a_claim_is_made_and_blocked() -> None:
    api_token = deleting(a_status(operation=an_operation("Delete")), annotations=ESCAPE)

    assert RemoveFinalizer(Reason.ABANDONED) == plan(seen(api_token, listed=TIMEOUT), NOW).action


def test_the_escape_must_be_exactly_true() -> None:
    world = seen(deleting(annotations={ABANDON_ANNOTATION: "yes"}))

    assert ("nothing", "Delete ") == (decision(world).does, decision(world).records.operation)


def test_no_token_known_is_said_so() -> None:
    planned = plan(seen(deleting(WIPED, deletion_policy="Retain"), secret=None, listed=()), NOW)

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
    api_token = deleting(LEAVING_THEM).model_copy(update={"unreadable": {field: f"spec.{field}: wrong"}})

    planned = plan(seen(api_token), NOW)
    assert (None, State.BLOCKED, Reason.SPEC_INVALID) == (
        planned.action,
        planned.finding.state,
        planned.finding.reason,
    )
    assert f"The spec is invalid: spec.{field}: wrong." in planned.finding.message
    escaped = deleting(LEAVING_THEM, annotations=ESCAPE).model_copy(
        update={"unreadable": {field: f"spec.{field}: wrong"}}
    )
    assert isinstance(plan(seen(escaped), NOW).action, RemoveFinalizer)


def test_a_deletion_does_not_need_the_rest_of_the_spec() -> None:
    api_token = deleting(LEAVING_THEM).model_copy(update={"unreadable": {"rotation": "wrong"}})

    assert plan(seen(deleting(LEAVING_THEM)), NOW) == plan(seen(api_token), NOW)


TO_RETAIN = deleting(LEAVING_THEM, deletion_policy="Retain")
NOTHING = deleting(WIPED, deletion_policy="Retain")
STRICT = AccountPolicy.model_validate({"allowedNamespaces": {"names": ["*"]}, "deletionPolicies": ["Delete"]})
LENIENT = AccountPolicy.model_validate(
    {"allowedNamespaces": {"names": ["*"]}, "deletionPolicies": ["Delete", "Retain"]}
)


def retention_of(world: Observation) -> tuple[AccountRef, ...]:
    """Return the accounts in which it is put on record that tokens stay."""
    action = plan(world, NOW).action
    assert isinstance(action, RemoveFinalizer)
    return action.retention.accounts if action.retention else ()


@pytest.mark.parametrize(
    ("world", "accounts"),
    [
        pytest.param(seen(TO_RETAIN, listed=()), (ACCOUNT,), id="They are on record."),
        pytest.param(
            seen(NOTHING, secret=None, listed=(a_remote_token(5),)), (ACCOUNT,), id="One is listed."
        ),
        pytest.param(seen(NOTHING, listed=()), (ACCOUNT,), id="The Secret holds one."),
        pytest.param(
            seen(
                deleting(a_status(current=None, operation=an_operation()), deletion_policy="Retain"),
                secret=None,
                listed=(),
            ),
            (ACCOUNT,),
            id="One may still come.",
        ),
        pytest.param(seen(NOTHING, secret=None, listed=TIMEOUT), (ACCOUNT,), id="No one can say."),
        pytest.param(seen(NOTHING, secret=None, listed=()), (), id="There is none."),
        pytest.param(
            seen(NOTHING, secret=None, listed=TIMEOUT, tenancy=Tenancy(AccountPolicy())),
            (),
            id="There was no place for any: the account does not serve the namespace.",
        ),
        pytest.param(
            seen(TO_RETAIN, listed=(a_remote_token(3),), listed_elsewhere=()),
            (ACCOUNT,),
            id="In another account there is none.",
        ),
    ],
)
def test_it_is_on_record_where_tokens_stay_and_nowhere_else(
    world: Observation, accounts: tuple[AccountRef, ...]
) -> None:
    assert accounts == retention_of(world)


@pytest.mark.parametrize(
    ("api_token", "says"),
    [
        pytest.param(
            TO_RETAIN,
            "The deletionPolicy Retain does not count: deletionPolicies of ClusterMailtrapAccount default is Delete alone.",
            id="Retain",
        ),
        pytest.param(
            deleting(LEAVING_THEM, annotations=ESCAPE),
            f"The annotation {ABANDON_ANNOTATION} does not count: deletionPolicies of ClusterMailtrapAccount default is "
            "Delete alone.",
            id="the escape",
        ),
    ],
)
def test_where_the_policy_demands_it_the_tokens_are_deleted_whatever_is_asked_for(
    api_token: ApiToken, says: str
) -> None:
    world = seen(api_token, listed=(a_remote_token(3),), tenancy=Tenancy(STRICT))
    planned = plan(world, NOW)

    assert ("nothing", "Delete ") == (decision(world).does, decision(world).records.operation)
    assert f"The tokens are about to be deleted. {says}" == planned.finding.message


def test_an_account_that_demands_deletion_has_a_say_wherever_the_spec_points_by_then() -> None:
    api_token = deleting(LEAVING_THEM, deletion_policy="Retain", account_ref=OTHER_ACCOUNT)
    world = seen(api_token, listed=(), listed_elsewhere=(a_remote_token(3),))
    desired, former = world.accounts
    strict = replace(world, accounts=(desired, replace(former, tenancy=Tenancy(STRICT))))

    assert "let go" == decision(world).does
    assert "Delete " == decision(strict).records.operation


@pytest.mark.parametrize("tenancy", [None, Tenancy(LENIENT)], ids=["the account is gone", "both are allowed"])
def test_where_no_policy_demands_deletion_tokens_may_stay(tenancy: Tenancy | None) -> None:
    for api_token in (TO_RETAIN, deleting(LEAVING_THEM, annotations=ESCAPE)):
        assert "let go" == decision(seen(api_token, tenancy=tenancy)).does


@pytest.mark.parametrize("is_strict", [False, True])
def test_a_deletion_that_waits_names_the_way_out_where_there_is_one(*, is_strict: bool) -> None:
    tenancy = Tenancy(STRICT) if is_strict else None
    claimed = deleting(a_status(operation=an_operation("Delete", nonce="")))
    blocked = plan(seen(claimed, listed=TIMEOUT, tenancy=tenancy), NOW)
    revoked = plan(seen(claimed, tenancy=tenancy), NOW).action

    assert is_strict == (ABANDON_ANNOTATION not in blocked.finding.message)
    assert isinstance(revoked, RevokeToken)
    assert is_strict == (not revoked.may_be_left)
    assert is_strict == (ABANDON_ANNOTATION not in held_up(TIMEOUT, may_be_left=revoked.may_be_left).message)
