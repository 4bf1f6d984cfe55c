"""Tokens with our tag that neither the Secret nor the status knows are recorded, with a date."""

import pytest

from mailtrap_operator.api.v1alpha1 import Rotation
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import Observation, RemoteToken
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.step import MOST_ON_RECORD
from tests.unit.core.builders import (
    FOREIGN_TAG,
    HOUR,
    LOST_NONCE,
    NOW,
    OLD_NONCE,
    OTHER_ACCOUNT,
    SIBLINGS_TAG,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    an_edited_secret,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

LOST = (State.PROGRESSING, Reason.UNTRACKED)
CAME = a_remote_token(2, nonce=LOST_NONCE)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The status was wiped, the Secret too: every token with our tag is recorded, in order.",
            seen(
                an_api_token(status=WIPED, rotation=Rotation(overlap=HOUR)),
                secret=None,
                listed=(a_remote_token(3, nonce=OLD_NONCE), TOKEN_1),
            ),
            says=LOST,
            records=Noted(
                current=None,
                previous=(Leaving(1, HOUR), Leaving(3, HOUR)),
                secret_name=None,
            ),
            works=False,
        ),
        row(
            "A token of ours turns up late, after everything had settled.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(4),))),
                listed=(TOKEN_1, CAME, a_remote_token(4)),
            ),
            says=LOST,
            records=Noted(previous=(Leaving(4, HOUR), Leaving(2, 12 * HOUR))),
        ),
        row(
            "A token of ours turns up in the other account.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(4, account=OTHER_ACCOUNT),))),
                listed_elsewhere=(
                    a_remote_token(4, account=OTHER_ACCOUNT),
                    a_remote_token(5, account=OTHER_ACCOUNT),
                ),
            ),
            says=LOST,
            records=Noted(previous=(Leaving(4, HOUR), Leaving(5, 12 * HOUR))),
        ),
        row(
            "Only what the operation made is known to be used by no one; it comes with one that no one knows.",
            seen(
                an_api_token(status=a_status(operation=an_operation(ago=HOUR))),
                listed=(TOKEN_1, CAME, a_remote_token(3, nonce=OLD_NONCE)),
            ),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED), Leaving(3, 12 * HOUR))),
        ),
        row(
            "Suspension does not hinder the book-keeping.",
            seen(an_api_token(suspend=True), listed=(TOKEN_1, CAME)),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR),)),
        ),
        row(
            "The Secret was edited after the status was wiped: its token is not held any more.",
            seen(an_api_token(status=WIPED), secret=an_edited_secret()),
            says=LOST,
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),), secret_name=None),
            works=False,
        ),
    ],
)
def test_tokens_with_our_tag_that_no_one_knows_are_retired(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(a_remote_token(9, tag=None), id="without a tag"),
        pytest.param(a_remote_token(9, tag=FOREIGN_TAG), id="of another cluster"),
        pytest.param(a_remote_token(9, tag=SIBLINGS_TAG), id="of another object"),
    ],
)
def test_a_token_that_does_not_have_our_tag_does_not_concern_us(token: RemoteToken) -> None:
    ready = Decision("nothing", State.READY, Reason.TOKEN_PUBLISHED, Noted(), None, works=True)

    assert ready == decision(seen(listed=(TOKEN_1, token)))


def test_no_more_tokens_are_put_on_record_than_it_holds() -> None:
    leaving = tuple(a_previous(id_) for id_ in range(100, 100 + MOST_ON_RECORD - 1))
    listed = tuple(a_remote_token(token.id) for token in leaving)
    world = seen(
        an_api_token(status=a_status(previous=leaving)), listed=(TOKEN_1, *listed, CAME, a_remote_token(3))
    )

    recorded = decision(world).records.previous

    assert MOST_ON_RECORD == len(recorded)
    assert Leaving(2, 12 * HOUR) == recorded[-1]


def test_when_the_record_is_full_the_rest_waits_and_the_work_continues() -> None:
    leaving = tuple(a_previous(id_) for id_ in range(100, 100 + MOST_ON_RECORD))
    listed = tuple(a_remote_token(token.id) for token in leaving)
    world = seen(an_api_token(status=a_status(previous=leaving)), listed=(TOKEN_1, *listed, CAME))

    assert State.READY == decision(world).state


def test_a_token_attached_again_and_a_lost_one_are_told_apart() -> None:
    world = seen(an_api_token(status=WIPED), listed=(TOKEN_1, CAME))
    recorded = plan(world, NOW).record

    assert a_current() == recorded.current

    then = seen(an_api_token(status=a_status(current=recorded.current)), listed=(TOKEN_1, CAME))
    assert (Leaving(2, 12 * HOUR),) == decision(then).records.previous
