"""Why another token is issued."""

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration, Resource
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
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
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

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
            "Its tokens were all given up: the object starts again.",
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
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The token was deleted in Mailtrap, and the Secret too.",
            seen(secret=None, listed=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=SUPERSEDED,
            works=False,
        ),
        row(
            "The status was wiped and the token is gone: the Secret tells that there was one.",
            seen(an_api_token(status=a_status(current=None)), listed=()),
            does="create",
            says=progressing(Reason.TOKEN_GONE),
            records=SUPERSEDED,
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
            "Someone shortened the token's life in Mailtrap to nothing: the LIST counts, not the record.",
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
            records=SUPERSEDED,
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
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR), Leaving(5, 12 * HOUR))),
            works=False,
        ),
        row(
            "The desired expiration changed.",
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
            "Someone reset the token in Mailtrap: it ends within twelve hours, so its renewal is due.",
            seen(listed=(a_remote_token(expires_at=NOW + 12 * HOUR),)),
            does="reset 1",
            says=progressing(Reason.RENEWAL_DUE),
            records=SUPERSEDED,
        ),
        row(
            "Older tokens are retired: they keep their dates.",
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
def test_no_token_is_issued_while_the_desired_account_does_not_answer(world: Observation) -> None:
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
