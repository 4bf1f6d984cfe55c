"""How another token is issued: by a reset where that can do it, else by a create; and what the old one has left."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, Expiration, OperationStatus, Rotation
from mailtrap_operator.core.actions import IssueToken, ServerDefault
from mailtrap_operator.core.causes import BY_REASON
from mailtrap_operator.core.observation import Permission, RemoteToken, SecretState, Tenancy
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.overlap import kept_until
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    DAY,
    DOMAIN,
    FOREIGN_TAG,
    FRESH,
    HOUR,
    ME,
    NOW,
    OTHER_ACCOUNT,
    OWNER_MARK,
    SECOND,
    SECRET_1,
    SIBLINGS_TAG,
    TOKEN_1,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)
from tests.unit.core.named import ELSEWHERE, NAMED, asked, named
from tests.unit.core.rows import Leaving, decision

SOON = NOW + HOUR
ENDING = a_current(issued_at=NOW - 90 * DAY, expires_at=SOON)
LONG_NAME = "n" * 240


def test_a_token_with_a_successor_is_not_reset_again() -> None:
    successor = a_remote_token(2, name=f"{TOKEN_1.name} 2")
    status = a_status(previous=(a_previous(2),))

    for secret, reason in ((None, Reason.SECRET_MISSING), (SECRET_1, Reason.TOKEN_RESET)):
        world = seen(an_api_token(status=status), secret=secret, listed=(TOKEN_1, successor))
        assert ("create", reason) == (decision(world).does, decision(world).reason)


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param((), id="no list shows it"),
        pytest.param((a_remote_token(tag=None, name="by hand"),), id="it has no tag"),
        pytest.param((a_remote_token(tag=SIBLINGS_TAG),), id="it has another object's tag"),
        pytest.param((a_remote_token(tag=FOREIGN_TAG),), id="it has another installation's tag"),
    ],
)
@pytest.mark.parametrize("secret", [None, SECRET_1], ids=["without a Secret", "with one"])
def test_only_a_token_is_reset_that_a_list_shows_with_our_tag(
    listed: tuple[RemoteToken, ...], secret: SecretState | None
) -> None:
    rotating = an_api_token(annotations={ROTATE_ANNOTATION: "now"})

    assert "reset 1" == decision(seen(rotating, secret=secret)).does
    assert "create" == decision(seen(rotating, secret=secret, listed=listed)).does


@pytest.mark.parametrize(
    ("spec", "current", "token", "does"),
    [
        pytest.param({}, a_current(), TOKEN_1, "reset 1", id="A reset keeps the old value working."),
        pytest.param(
            {"rotation": Rotation(strategy="Replace")},
            a_current(),
            TOKEN_1,
            "create",
            id="The strategy is Replace.",
        ),
        pytest.param(
            {}, a_current(reset_refused=True), TOKEN_1, "create", id="The server refused to reset this token."
        ),
        pytest.param(
            {"display_name": "other"}, a_current(), TOKEN_1, "create", id="A reset cannot change the name."
        ),
        pytest.param(
            {},
            a_current(),
            a_remote_token(name=LONG_NAME),
            "reset 1",
            id="The name has room for one more suffix.",
        ),
        pytest.param(
            {},
            a_current(),
            a_remote_token(name=LONG_NAME + "n"),
            "create",
            id="Resets have made the name so long that the server might cut the tag.",
        ),
    ],
)
def test_a_lost_secret_leads_to_a_reset_where_that_can_do_it(
    spec: dict[str, Any], current: Any, token: Any, does: str
) -> None:
    world = seen(an_api_token(status=a_status(current=current), **spec), secret=None, listed=(token,))

    assert does == decision(world).does


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        pytest.param({}, 12 * HOUR, id="a reset: the server's"),
        pytest.param({"overlap": HOUR}, 12 * HOUR, id="a reset: the server's, whatever the spec says"),
        pytest.param({"overlap": HOUR, "strategy": "Replace"}, HOUR, id="a replacement: the spec's"),
        pytest.param({"strategy": "Replace"}, 12 * HOUR, id="a replacement: twelve hours by default"),
        pytest.param(
            {"overlap": 0 * HOUR, "strategy": "Replace"}, 0 * HOUR, id="a replacement without overlap"
        ),
    ],
)
def test_how_long_a_superseded_token_has_left(spec: dict[str, Any], left: Any) -> None:
    world = seen(an_api_token(rotation=Rotation(**spec), expiration=Expiration(policy="Never")))

    assert (Leaving(1, left),) == decision(world).records.previous


def test_an_overlap_is_never_cut_short_by_rounding() -> None:
    moment = NOW + SECOND / 4
    previous = plan(seen(secret=None), moment).record.previous[0]

    assert moment + 12 * HOUR < previous.delete_after < moment + 12 * HOUR + SECOND


def test_a_reset_names_its_base_and_asks_for_the_desired_expiration() -> None:
    api_token = an_api_token(expiration=Expiration(policy="After", after=90 * DAY))
    action = plan(seen(api_token), NOW).action

    assert isinstance(action, IssueToken)
    assert (
        OperationStatus(
            type="Reset",
            nonce=FRESH,
            base=1,
            started_at=NOW,
            holder=ME,
            account=ACCOUNT,
            cause=Reason.EXPIRATION_CHANGED,
        )
        == action.operation
    )
    assert NOW + 90 * DAY == action.expires_at
    assert an_issuance(issued_at=NOW, desired=api_token) == action.issuance
    assert "20" == action.secret.resource_version


def test_a_create_names_no_base() -> None:
    api_token = an_api_token(display_name="mailer", account_ref=OTHER_ACCOUNT)
    action = plan(seen(api_token, listed=(), listed_elsewhere=(TOKEN_1,)), NOW).action

    assert isinstance(action, IssueToken)
    assert (
        OperationStatus(
            type="Create",
            nonce=FRESH,
            started_at=NOW,
            holder=ME,
            account=OTHER_ACCOUNT,
            cause=Reason.ACCESS_CHANGED,
        )
        == action.operation
    )
    assert f"mailer [k8s:{OWNER_MARK}-{FRESH}]" == action.remote_name
    assert ServerDefault.LEFT_OUT is action.expires_at
    assert an_issuance(account=OTHER_ACCOUNT, issued_at=NOW, desired=api_token) == action.issuance


def test_a_renewal_goes_before_the_rest() -> None:
    due = plan(
        seen(an_api_token(status=a_status(current=ENDING)), listed=(a_remote_token(expires_at=SOON),)), NOW
    )
    changed = plan(seen(an_api_token(display_name="other")), NOW)

    assert isinstance(due.action, IssueToken)
    assert isinstance(changed.action, IssueToken)
    assert (Priority.URGENT, Priority.CHANGE) == (due.action.priority, changed.action.priority)


def test_each_reason_to_issue_is_explained() -> None:
    message = plan(seen(secret=None), NOW).finding.message

    assert f"A token is being issued: {BY_REASON[Reason.SECRET_MISSING].why}." == message


EVERYTHING, VIEWER_ALONE, ONE_DOMAIN = (
    AccountPolicy.model_validate({"allowedNamespaces": {"names": ["*"]}} | rules)
    for rules in (
        {},
        {"maxAccessLevel": "Viewer"},
        {"allowedResources": [{"type": "domain", "id": 7}]},
    )
)
AS_VIEWER = {"resources": (DOMAIN.model_copy(update={"access_level": "Viewer"}),)}


def may_do(*permissions: tuple[str, str, str]) -> RemoteToken:
    """Return token 1 with these rights, as Mailtrap tells them."""
    return replace(TOKEN_1, permissions=tuple(Permission(*each) for each in permissions))


@pytest.mark.parametrize(
    ("spec", "policy", "token", "does"),
    [
        pytest.param(
            {}, EVERYTHING, may_do(("domain", "7", "Admin")), "reset 1", id="It keeps to the policy."
        ),
        pytest.param(
            AS_VIEWER, VIEWER_ALONE, may_do(("domain", "7", "Viewer")), "reset 1", id="As much as is allowed."
        ),
        pytest.param(
            AS_VIEWER,
            VIEWER_ALONE,
            may_do(("domain", "7", "Admin")),
            "create",
            id="It may do more than the highest level.",
        ),
        pytest.param(
            {},
            ONE_DOMAIN,
            may_do(("domain", "7", "Admin"), ("domain", "9", "Viewer")),
            "create",
            id="And more.",
        ),
        pytest.param(
            {}, EVERYTHING, may_do(("account", "3229", "Admin")), "create", id="It may manage the account."
        ),
        pytest.param({}, ONE_DOMAIN, TOKEN_1, "create", id="What it may do is not told."),
        pytest.param({}, None, TOKEN_1, "reset 1", id="No one asks what it may do."),
    ],
)
def test_a_reset_keeps_no_rights_beyond_the_policy(
    spec: dict[str, Any], policy: AccountPolicy | None, token: RemoteToken, does: str
) -> None:
    current = a_current(desired=an_api_token(**spec))
    secret = a_secret(issuance=an_issuance(desired=an_api_token(**spec)), data={})
    world = seen(
        an_api_token(status=a_status(current=current), **spec),
        secret=secret,
        listed=(token,),
        tenancy=Tenancy(policy) if policy else None,
    )

    assert does == decision(world).does


@pytest.mark.parametrize(
    ("policy", "does"),
    [
        pytest.param(EVERYTHING, "reset 1", id="Nothing is limited: a reset keeps what was granted."),
        pytest.param(VIEWER_ALONE, "nothing", id="The level is."),
        pytest.param(ONE_DOMAIN, "nothing", id="The resources are."),
    ],
)
def test_while_a_name_stands_for_nothing_a_limited_account_renews_nothing(
    policy: AccountPolicy, does: str
) -> None:
    unknown = NAMED.model_copy(update={"access_level": "Viewer"})
    world = seen(
        named(unknown), secret=None, listed=(may_do(("domain", "7", "Viewer")),), tenancy=Tenancy(policy)
    )

    assert does == decision(asked(world, ELSEWHERE)).does


def test_a_token_in_another_account_is_not_reset_whatever_is_on_record_of_it() -> None:
    forged = a_current(account=OTHER_ACCOUNT).model_copy(
        update={"access_digest": an_issuance().access_digest}
    )
    world = seen(
        an_api_token(status=a_status(current=forged)),
        secret=None,
        listed=(),
        listed_elsewhere=(a_remote_token(account=OTHER_ACCOUNT),),
    )

    assert "create" == decision(world).does


@pytest.mark.parametrize(
    ("rotation", "left"),
    [
        pytest.param(Rotation(), HOUR, id="a reset"),
        pytest.param(Rotation(strategy="Replace", overlap=HOUR / 2), HOUR / 2, id="a shorter overlap"),
    ],
)
def test_a_policy_may_end_an_overlap_early(rotation: Rotation, left: timedelta) -> None:
    policy = EVERYTHING.model_copy(update={"max_overlap": HOUR})
    world = seen(
        an_api_token(rotation=rotation, expiration=Expiration(policy="Never")),
        listed=(may_do(("domain", "7", "Admin")),),
        tenancy=Tenancy(policy),
    )

    assert (Leaving(1, left),) == decision(world).records.previous


def test_a_policy_may_end_the_waiting_for_consumers_early() -> None:
    policy = EVERYTHING.model_copy(update={"max_overlap": HOUR})
    token = a_previous(2).model_copy(update={"retired_at": NOW, "waits_for": "Consumers"})

    assert NOW + HOUR == kept_until(ObservedState(seen(tenancy=Tenancy(policy)), NOW), token)
    assert NOW + 72 * HOUR == kept_until(ObservedState(seen(tenancy=Tenancy(EVERYTHING)), NOW), token)
