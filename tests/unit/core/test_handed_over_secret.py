"""A Secret that someone made and hands over by its annotation: the ApiToken that it names writes its value there."""

from dataclasses import replace

import pytest

from mailtrap_operator.core.actions import IssueToken, State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.step import SECRET_RECHECK
from tests.unit.core.builders import (
    DAY,
    NAME,
    NOW,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_foreign_secret,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

HANDED_OVER = replace(a_foreign_secret(), handed_to=NAME)
NEW = an_api_token(status=WIPED, finalizers=())
HALF_DAY = DAY / 2
EXPIRED = a_status(current=a_current(expires_at=NOW - DAY))
NOT_OURS = (State.STALLED, Reason.SECRET_NOT_OWNED)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "There never was a token: the first one is issued, and no finalizer comes before.",
            seen(NEW, secret=HANDED_OVER, listed=()),
            does="create",
            says=(State.PROGRESSING, Reason.FIRST_TOKEN),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The Secret was lost and created again by hand: the living token gets a successor.",
            seen(secret=HANDED_OVER),
            does="reset 1",
            says=(State.PROGRESSING, Reason.SECRET_EDITED),
            records=Noted(current=None, previous=(Leaving(1, HALF_DAY),)),
            works=False,
        ),
        row(
            "So it was, and the token has expired.",
            seen(
                an_api_token(status=EXPIRED),
                secret=HANDED_OVER,
                listed=(a_remote_token(expires_at=NOW - DAY),),
            ),
            does="create",
            says=(State.PROGRESSING, Reason.TOKEN_EXPIRED),
            records=Noted(current=None, previous=(Leaving(1, HALF_DAY),)),
            works=False,
        ),
        row(
            "The object is suspended: nothing is written there.",
            seen(an_api_token(suspend=True), secret=HANDED_OVER),
            says=(State.READY, Reason.SUSPENDED),
            works=False,
        ),
        row(
            "The account does not answer: nothing is written there.",
            seen(secret=HANDED_OVER, listed=TIMEOUT),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
            works=False,
        ),
        row(
            "It names another ApiToken.",
            seen(secret=replace(HANDED_OVER, handed_to="another")),
            says=NOT_OURS,
            again=SECRET_RECHECK,
            works=False,
        ),
        row(
            "The object is deleted: its token goes, and what the Secret holds is no one's business.",
            seen(an_api_token(deleted=True), secret=HANDED_OVER),
            says=(State.PROGRESSING, Reason.DELETING),
            records=Noted(operation="Delete "),
            works=False,
        ),
    ],
)
def test_a_secret_that_is_handed_over_takes_the_value(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_value_is_written_into_the_very_version_that_was_handed_over() -> None:
    action = plan(seen(NEW, secret=HANDED_OVER, listed=()), NOW).action

    assert isinstance(action, IssueToken)
    assert HANDED_OVER.resource_version == action.secret.resource_version


def test_a_former_place_that_was_handed_over_is_not_deleted() -> None:
    moved = an_api_token(secret_name="renamed")
    former = replace(HANDED_OVER, name="former")

    world = seen(moved, secret=a_secret(name="renamed"), former_secret=former, listed=(TOKEN_1,))

    assert "nothing" == decision(world).does


@pytest.mark.parametrize(
    ("owner", "is_offered"),
    [
        pytest.param(None, True, id="nobody's"),
        pytest.param("aaaaaa-siblingaaa", False, id="another ApiToken's"),
    ],
)
def test_the_message_offers_it_for_a_secret_without_an_owner(owner: str | None, *, is_offered: bool) -> None:
    message = plan(seen(secret=replace(a_foreign_secret(), owner=owner)), NOW).finding.message

    assert is_offered == message.endswith(
        " Or let it be overwritten: annotate it with mailtrap-operator.io/hand-over-to: billing."
    )
