"""When too many tokens wait for their end, no other one is issued."""

from mailtrap_operator.core.actions import State
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.step import MOST_ON_RECORD
from tests.unit.core.builders import (
    DAY,
    NOW,
    SECOND,
    TOKEN_1,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.rows import decision

FULL = tuple(a_previous(id_) for id_ in range(100, 100 + MOST_ON_RECORD))
ALL_LISTED = (TOKEN_1, *(a_remote_token(token.id) for token in FULL))
STORM = (State.STALLED, Reason.ROTATION_STORM)


def test_a_rotation_storm_stops_when_too_many_tokens_wait_for_their_end() -> None:
    world = seen(an_api_token(status=a_status(previous=FULL)), secret=None, listed=ALL_LISTED)

    assert ("nothing", *STORM) == (decision(world).does, decision(world).state, decision(world).reason)


def test_one_token_fewer_and_the_storm_continues() -> None:
    world = seen(
        an_api_token(status=a_status(previous=FULL[1:])), secret=None, listed=ALL_LISTED[:1] + ALL_LISTED[2:]
    )

    assert "reset 1" == decision(world).does


def test_a_storm_ends_when_tokens_are_overdue() -> None:
    overdue = (*FULL[:-1], a_previous(FULL[-1].id, delete_after=NOW))
    world = seen(an_api_token(status=a_status(previous=overdue)), secret=None, listed=ALL_LISTED)
    assert f"revoke {FULL[-1].id}" == decision(world).does


def test_even_in_a_storm_the_token_of_the_secret_stays_though_our_clock_calls_it_dead() -> None:
    overdue = (a_previous(1, delete_after=NOW - DAY), *FULL[1:])
    listed = (a_remote_token(expires_at=NOW - SECOND), *ALL_LISTED[2:])
    world = seen(an_api_token(status=a_status(previous=overdue, current=None)), listed=listed)

    assert ("nothing", *STORM) == (decision(world).does, decision(world).state, decision(world).reason)
