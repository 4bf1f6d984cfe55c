"""What Mailtrap granted in place of the end that was asked for: it is told, and nothing is done about it."""

from datetime import datetime

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration
from mailtrap_operator.core.actions import Done, Notice
from mailtrap_operator.core.events import events_of
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    WIPED,
    a_current,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)

DEFAULT, NEVER = Expiration(), Expiration(policy="Never")
AFTER = Expiration(policy="After", after=90 * DAY)
AT = Expiration(policy="At", at=NOW + 60 * DAY)
END = NOW + 60 * DAY
"""Ninety days after the token was issued."""

PUBLISHED = Reason.TOKEN_PUBLISHED


def granted(end: datetime | None, asked: Expiration, desired: Expiration | None = None) -> Observation:
    """Return a served object that asks for one end and was granted another one; it was issued for `desired`."""
    issued_for = an_api_token(status=WIPED, expiration=desired or asked)
    return seen(
        an_api_token(
            status=a_status(current=a_current(desired=issued_for, expires_at=end)), expiration=asked
        ),
        secret=a_secret(issuance=an_issuance(desired=issued_for)),
        listed=(a_remote_token(expires_at=end),),
    )


def told(world: Observation) -> list[str]:
    return [notice.message for notice in plan(world, NOW).notices if notice.type == "ExpirationDiffers"]


@pytest.mark.parametrize(
    ("asked", "end", "words"),
    [
        pytest.param(
            AFTER,
            None,
            "asks for a token that lives for 90d, and Mailtrap granted token 1, which never "
            "expires. Set spec.rotation.every to have it replaced all the same.",
            id="none in place of a lifetime",
        ),
        pytest.param(
            AT,
            None,
            "asks for a token that expires at 2030-04-01T12:00:00Z, and Mailtrap granted token 1, which never "
            "expires. Set spec.rotation.every to have it replaced all the same.",
            id="none in place of a date",
        ),
        pytest.param(
            AFTER,
            END - DAY,
            "asks for a token that lives for 90d, and Mailtrap granted token 1, which expires at "
            "2030-03-31T12:00:00Z. Change spec.expiration to what Mailtrap grants.",
            id="an earlier one",
        ),
        pytest.param(
            AFTER,
            END + MINUTE + SECOND,
            "asks for a token that lives for 90d, and Mailtrap granted token 1, which expires at "
            "2030-04-01T12:01:01Z. Change spec.expiration to what Mailtrap grants.",
            id="a later one",
        ),
        pytest.param(
            NEVER,
            END,
            "asks for a token that never expires, and Mailtrap granted token 1, which expires at "
            "2030-04-01T12:00:00Z. Change spec.expiration to what Mailtrap grants.",
            id="one in place of none",
        ),
    ],
)
def test_another_end_than_was_asked_for_is_told_and_the_token_kept(
    asked: Expiration, end: datetime | None, words: str
) -> None:
    planned = plan(granted(end, asked), NOW)
    message = f"spec.expiration {words}"

    assert (Notice("ExpirationDiffers", Reason.EXPIRATION_NOT_GRANTED, message),) == planned.notices
    assert (None, PUBLISHED) == (planned.action, planned.finding.reason)
    (event,) = events_of(granted(end, asked).api_token, planned, Done())
    assert ("Warning", Reason.EXPIRATION_NOT_GRANTED, message) == (event.type, event.reason, event.message)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(granted(END, AFTER), id="a lifetime"),
        pytest.param(granted(END - MINUTE, AFTER), id="a lifetime in round minutes"),
        pytest.param(granted(END, AT), id="a date"),
        pytest.param(granted(None, NEVER), id="none"),
        pytest.param(granted(None, DEFAULT), id="the server's default: none"),
        pytest.param(granted(END, DEFAULT), id="the server's default: a date"),
        pytest.param(granted(None, AFTER, NEVER), id="what another spec asked for"),
        pytest.param(seen(an_api_token(expiration=AFTER), secret=None), id="no token"),
    ],
)
def test_what_was_granted_as_it_was_asked_for_is_no_news(world: Observation) -> None:
    assert [] == told(world)


def test_of_a_token_whose_end_is_not_known_nothing_is_told() -> None:
    desired = an_api_token(status=WIPED, expiration=AFTER)
    issuance = an_issuance(desired=desired, issued_at=NOW - HOUR / 100)

    assert [] == told(seen(desired, secret=a_secret(issuance=issuance), listed=()))
