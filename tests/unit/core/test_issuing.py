"""Why another token is issued, and how: by a reset where that can do it, else by a create."""

from typing import Any

import pytest
from tests.unit.core.builders import (
    ACCOUNT,
    DAY,
    FRESH,
    HOUR,
    ME,
    NOW,
    OTHER_ACCOUNT,
    OWNER_MARK,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    an_issuance,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

from mailtrap_operator.api.v1alpha1 import Expiration, OperationStatus, Resource, Rotation
from mailtrap_operator.core.actions import IssueToken, ServerDefault, State
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.step import MOST_ON_RECORD
from mailtrap_operator.core.reasons import WHY, Reason

SOON = NOW + HOUR
ENDING = a_current(issued_at=NOW - 90 * DAY, expires_at=SOON)
VIEWER = Resource(type="domain", id=7, access_level="Viewer")
ROUTED = an_api_token(account_ref=OTHER_ACCOUNT)
SUPERSEDED = Noted(current=None, previous=(Leaving(1, 12 * HOUR),))


def progressing(reason: Reason) -> tuple[State, Reason]:
    return State.PROGRESSING, reason


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Its tokens were all given up: the object begins anew.",
            seen(an_api_token(status=a_status(current=None)), secret=None, listed=()),
            does="create",
            says=progressing(Reason.FIRST_TOKEN),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The token was deleted in Mailtrap.",
            seen(listed=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The token was deleted in Mailtrap, and the Secret too.",
            seen(secret=None, listed=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The status was wiped and the token is gone: the Secret tells that there was one.",
            seen(an_api_token(status=a_status(current=None)), listed=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The token has expired; the server still lists it.",
            seen(
                an_api_token(status=a_status(current=a_current(expires_at=NOW))),
                listed=(a_remote_token(expires_at=NOW),),
            ),
            does="create",
            says=progressing(Reason.TOKEN_EXPIRED),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "Somebody shortened the token's life in Mailtrap to nothing: the LIST counts, not the record.",
            seen(listed=(a_remote_token(expires_at=NOW - SECOND),)),
            does="create",
            says=progressing(Reason.TOKEN_EXPIRED),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The permissions changed.",
            seen(an_api_token(resources=(VIEWER,))),
            does="create",
            says=progressing(Reason.ACCESS_CHANGED),
            records=SUPERSEDED,
        ),
        row(
            "The account changed: the token in the former one is retired there.",
            seen(ROUTED, listed=(), listed_elsewhere=(TOKEN_1,)),
            does="create",
            says=progressing(Reason.ACCESS_CHANGED),
            records=SUPERSEDED,
        ),
        row(
            "The account changed and the former one does not answer: the token there stays on record.",
            seen(ROUTED, listed=(), listed_elsewhere=TIMEOUT),
            does="create",
            says=progressing(Reason.ACCESS_CHANGED),
            records=SUPERSEDED,
        ),
        row(
            "The account changed and the token in the former one is gone.",
            seen(ROUTED, listed=(), listed_elsewhere=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The Secret was deleted.",
            seen(secret=None),
            does="reset 1",
            says=progressing(Reason.SECRET_MISSING),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The Secret was deleted, and with it a rename is wanted whose former Secret is gone, too.",
            seen(an_api_token(secret_name="renamed"), secret=None),
            does="reset 1",
            says=progressing(Reason.SECRET_MISSING),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The Secret was renamed, but the former one was edited: there is no value to move.",
            seen(an_api_token(secret_name="renamed"), secret=None, former_secret=an_edited_secret()),
            does="reset 1",
            says=progressing(Reason.SECRET_MISSING),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The value in the Secret was edited, or its key lost.",
            seen(secret=an_edited_secret()),
            does="reset 1",
            says=progressing(Reason.SECRET_EDITED),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The Secret was put back to a value whose token is dead: the living one is on record.",
            seen(secret=a_secret(5)),
            does="reset 1",
            says=progressing(Reason.SECRET_EDITED),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The wished expiration changed.",
            seen(an_api_token(expiration=Expiration(policy="Never"))),
            does="reset 1",
            says=progressing(Reason.EXPIRATION_CHANGED),
            records=SUPERSEDED,
        ),
        row(
            "The renewal is due.",
            seen(an_api_token(status=a_status(current=ENDING)), listed=(a_remote_token(expires_at=SOON),)),
            does="reset 1",
            says=progressing(Reason.RENEWAL_DUE),
            records=SUPERSEDED,
        ),
        row(
            "Somebody reset the token in Mailtrap: it ends within twelve hours, so its renewal is due.",
            seen(listed=(a_remote_token(expires_at=NOW + 12 * HOUR),)),
            does="reset 1",
            says=progressing(Reason.RENEWAL_DUE),
            records=SUPERSEDED,
        ),
        row(
            "Older tokens are on their way out: they keep their dates.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(3),))),
                secret=None,
                listed=(TOKEN_1, a_remote_token(3)),
            ),
            does="reset 1",
            says=progressing(Reason.SECRET_MISSING),
            records=Noted(current=None, previous=(Leaving(3, HOUR), Leaving(1, 12 * HOUR))),
            works=False,
        ),
    ],
)
def test_why_another_token_is_issued(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(seen(secret=None, listed=TIMEOUT), id="the Secret is lost"),
        pytest.param(seen(secret=an_edited_secret(), listed=TIMEOUT), id="the Secret is edited"),
        pytest.param(seen(an_api_token(display_name="other"), listed=TIMEOUT), id="the name changed"),
        pytest.param(seen(ROUTED, listed=TIMEOUT, listed_elsewhere=(TOKEN_1,)), id="the account changed"),
        pytest.param(
            seen(an_api_token(status=a_status(current=ENDING)), listed=TIMEOUT), id="the renewal is due"
        ),
        pytest.param(
            seen(an_api_token(status=a_status(current=a_current(expires_at=NOW))), listed=TIMEOUT),
            id="the token has expired",
        ),
    ],
)
def test_no_token_is_issued_while_the_wished_account_does_not_answer(world: Observation) -> None:
    planned = plan(world, NOW)

    assert planned.action is None
    assert (State.BLOCKED, TIMEOUT.reason, TIMEOUT.message) == (
        planned.finding.state,
        planned.finding.reason,
        planned.finding.message,
    )
    assert world.api_token.status.current == planned.record.current


def test_a_missing_account_object_does_not_make_the_permissions_look_changed() -> None:
    missing = Unknown(Reason.ACCOUNT_NOT_FOUND, "Create it.")
    world = seen(listed=missing)

    assert (State.BLOCKED, Reason.ACCOUNT_NOT_FOUND) == (decision(world).state, decision(world).reason)


LONG_NAME = "n" * 240


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


def test_a_reset_names_its_base_and_asks_for_the_wished_expiration() -> None:
    api_token = an_api_token(expiration=Expiration(policy="After", after=90 * DAY))
    action = plan(seen(api_token), NOW).action

    assert isinstance(action, IssueToken)
    assert (
        OperationStatus(type="Reset", nonce=FRESH, base=1, started_at=NOW, holder=ME, account=ACCOUNT)
        == action.operation
    )
    assert NOW + 90 * DAY == action.expires_at
    assert an_issuance(issued_at=NOW, wishes=api_token) == action.issuance
    assert "20" == action.secret.resource_version


def test_a_create_names_no_base() -> None:
    api_token = an_api_token(display_name="mailer", account_ref=OTHER_ACCOUNT)
    action = plan(seen(api_token, listed=(), listed_elsewhere=(TOKEN_1,)), NOW).action

    assert isinstance(action, IssueToken)
    assert (
        OperationStatus(type="Create", nonce=FRESH, started_at=NOW, holder=ME, account=OTHER_ACCOUNT)
        == action.operation
    )
    assert f"mailer [k8s:{OWNER_MARK}-{FRESH}]" == action.remote_name
    assert ServerDefault.LEFT_OUT is action.expires_at
    assert an_issuance(account=OTHER_ACCOUNT, issued_at=NOW, wishes=api_token) == action.issuance


def test_a_renewal_goes_before_the_rest() -> None:
    due = plan(
        seen(an_api_token(status=a_status(current=ENDING)), listed=(a_remote_token(expires_at=SOON),)), NOW
    )
    changed = plan(seen(an_api_token(display_name="other")), NOW)

    assert isinstance(due.action, IssueToken)
    assert isinstance(changed.action, IssueToken)
    assert (Lane.URGENT, Lane.CHANGE) == (due.action.lane, changed.action.lane)


def test_each_reason_to_issue_is_explained() -> None:
    message = plan(seen(secret=None), NOW).finding.message

    assert f"A token is being issued: {WHY[Reason.SECRET_MISSING]}." == message


FULL = tuple(a_previous(id_) for id_ in range(100, 100 + MOST_ON_RECORD))
ALL_LISTED = (TOKEN_1, *(a_remote_token(token.id) for token in FULL))
STORM = (State.STALLED, Reason.ROTATION_STORM)


def test_a_rotation_storm_stops_when_too_many_tokens_wait_for_their_end() -> None:
    world = seen(an_api_token(status=a_status(previous=FULL)), secret=None, listed=ALL_LISTED)

    assert ("nothing", *STORM) == (decision(world).does, decision(world).state, decision(world).reason)


def test_one_token_fewer_and_the_storm_goes_on() -> None:
    world = seen(
        an_api_token(status=a_status(previous=FULL[1:])), secret=None, listed=ALL_LISTED[:1] + ALL_LISTED[2:]
    )

    assert "reset 1" == decision(world).does


def test_a_storm_ends_when_tokens_are_gone_or_overdue() -> None:
    gone = seen(an_api_token(status=a_status(previous=FULL)), secret=None, listed=ALL_LISTED[:-1])
    assert Reason.REVOKED == decision(gone).reason

    overdue = (*FULL[:-1], a_previous(FULL[-1].id, delete_after=NOW))
    world = seen(an_api_token(status=a_status(previous=overdue)), secret=None, listed=ALL_LISTED)
    assert f"revoke {FULL[-1].id}" == decision(world).does
