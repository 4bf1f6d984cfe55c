"""After a lost answer: wait until nothing can come late any more, then continue."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, OperationStatus
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ANOTHER_OPERATOR,
    DAY,
    HOUR,
    LOST_NONCE,
    MINUTE,
    NOW,
    OLD_NONCE,
    OTHER_ACCOUNT,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

WAITING = (State.PROGRESSING, Reason.ANSWER_LOST)
BLOCKED = (State.BLOCKED, Reason.REMOTE_UNAVAILABLE)
LOST = (State.PROGRESSING, Reason.UNTRACKED)
CAME = a_remote_token(2, nonce=LOST_NONCE)


def begun(operation: OperationStatus) -> ApiToken:
    """Return a served object with an operation in progress."""
    return an_api_token(status=a_status(operation=operation))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The answer to a create is missing and no token shows: it may still come.",
            seen(begun(an_operation(ago=20 * SECOND))),
            says=WAITING,
            again=40 * SECOND,
        ),
        row(
            "Another operator's create shows: perhaps it is about to publish the value.",
            seen(begun(an_operation(ago=20 * SECOND, holder=ANOTHER_OPERATOR)), listed=(TOKEN_1, CAME)),
            says=WAITING,
            again=40 * SECOND,
        ),
        row(
            "Another operator's reset shows.",
            seen(
                begun(an_operation("Reset", base=1, holder=ANOTHER_OPERATOR)),
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The answer to a reset is missing, its base and an unrelated token show.",
            seen(begun(an_operation("Reset", base=1)), listed=(TOKEN_1, a_remote_token(5, nonce=OLD_NONCE))),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The answer to a reset is missing and its base is gone: nothing tells what it made.",
            seen(begun(an_operation("Reset", base=1)), listed=(a_remote_token(2),)),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "The answer is missing and the spec was changed meanwhile: first the answer.",
            seen(an_api_token(display_name="other", status=a_status(operation=an_operation()))),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The answer is missing and the account was changed meanwhile: the former one tells.",
            seen(
                an_api_token(account_ref=OTHER_ACCOUNT, status=a_status(operation=an_operation())),
                listed=(),
                listed_elsewhere=(TOKEN_1,),
            ),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The answer is missing and the Secret was deleted: no second create beside the first.",
            seen(begun(an_operation()), secret=None),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "A deletion's claim on an object that lives, as from a backup: it settles like any other.",
            seen(begun(an_operation("Delete", nonce=""))),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The object was suspended meanwhile.",
            seen(an_api_token(suspend=True, status=a_status(operation=an_operation()))),
            says=WAITING,
            again=59 * SECOND,
        ),
        row(
            "The account does not answer: not even time tells what happened.",
            seen(begun(an_operation(ago=DAY)), listed=TIMEOUT),
            says=BLOCKED,
        ),
        row(
            "The account was changed meanwhile and the former one does not answer.",
            seen(
                an_api_token(account_ref=OTHER_ACCOUNT, status=a_status(operation=an_operation(ago=DAY))),
                listed=(),
                listed_elsewhere=TIMEOUT,
            ),
            says=BLOCKED,
        ),
    ],
)
def test_a_lost_answer_is_waited_for(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_message_of_a_lost_answer_says_how_long_it_takes_and_stays_the_same() -> None:
    world = seen(begun(an_operation(ago=20 * SECOND)))
    message = plan(world, NOW).finding.message

    assert (
        "The answer to a create is missing. Its effect is visible within 1m; "
        "then the operator continues by itself." == message
    )
    later = replace(world, claim_age=25 * SECOND)
    assert message == plan(later, NOW + 5 * SECOND).finding.message


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Our own create shows and its value is not in memory: no need to wait, it is lost.",
            seen(begun(an_operation()), listed=(TOKEN_1, CAME)),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
        ),
        row(
            "Our own reset shows by the name of its base.",
            seen(begun(an_operation("Reset", base=1)), listed=(TOKEN_1, a_remote_token(2))),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
        ),
        row(
            "Another operator's create shows and has settled: its value never reached the Secret.",
            seen(begun(an_operation(ago=MINUTE, holder=ANOTHER_OPERATOR)), listed=(TOKEN_1, CAME)),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
        ),
        row(
            "The create was made in the former account: it is retired there.",
            seen(
                an_api_token(account_ref=OTHER_ACCOUNT, status=a_status(operation=an_operation())),
                listed=(),
                listed_elsewhere=(TOKEN_1, CAME),
            ),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
        ),
        row(
            "The create was for a Secret that was renamed meanwhile.",
            seen(
                an_api_token(secret_name="renamed", status=a_status(operation=an_operation())),
                secret=None,
                former_secret=a_secret(),
                listed=(TOKEN_1, CAME),
            ),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
            works=False,
        ),
        row(
            "The value reached the Secret and was edited away before it was recorded.",
            seen(begun(an_operation(ago=MINUTE)), secret=an_edited_secret(2), listed=(TOKEN_1, CAME)),
            says=LOST,
            records=Noted(previous=(Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
            works=False,
        ),
    ],
)
def test_a_token_whose_value_is_lost_is_retired(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The create settled and made nothing; the served object only forgets it.",
            seen(begun(an_operation(ago=MINUTE))),
            says=(State.PROGRESSING, Reason.REVOKED),
            records=Noted(),
        ),
        row(
            "The create settled and made nothing: the token that is still needed is issued by a new attempt.",
            seen(
                an_api_token(status=a_status(operation=an_operation(ago=MINUTE), current=None)),
                secret=None,
                listed=(),
            ),
            does="create",
            says=(State.PROGRESSING, Reason.FIRST_TOKEN),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The reset settled and made nothing: it is tried again.",
            seen(begun(an_operation("Reset", base=1, ago=MINUTE)), secret=None),
            does="reset 1",
            says=(State.PROGRESSING, Reason.SECRET_MISSING),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
            works=False,
        ),
        row(
            "The create in the former account settled and made nothing: the account is changed now.",
            seen(
                an_api_token(account_ref=OTHER_ACCOUNT, status=a_status(operation=an_operation(ago=DAY))),
                listed=(),
                listed_elsewhere=(TOKEN_1,),
            ),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A deletion's claim on an object that lives has settled: life continues.",
            seen(begun(an_operation("Delete", nonce="", ago=MINUTE))),
            says=(State.PROGRESSING, Reason.REVOKED),
            records=Noted(),
        ),
        row(
            "The claim names an account that was not looked at: only time can settle it.",
            seen(begun(an_operation(account=OTHER_ACCOUNT))),
            says=WAITING,
            again=59 * SECOND,
        ),
    ],
)
def test_failed_operation_is_started_again_after_the_settle_time(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


def test_an_answer_can_come_until_the_settle_time_is_over_to_the_second() -> None:
    world = seen(begun(an_operation(ago=MINUTE - SECOND)), secret=None)

    assert WAITING == (decision(world).state, decision(world).reason)
    assert "reset 1" == decision(replace(world, claim_age=MINUTE)).does


@pytest.mark.parametrize("ahead", [-DAY, -MINUTE, MINUTE, DAY], ids=str)
def test_a_wrong_clock_makes_the_wait_neither_shorter_nor_longer(ahead: timedelta) -> None:
    claim = an_operation(ago=-ahead)
    world = replace(seen(begun(claim)), claim_age=30 * SECOND)

    assert Decision("nothing", *WAITING, Noted("Create lostaaaa"), 30 * SECOND, works=True) == decision(world)
