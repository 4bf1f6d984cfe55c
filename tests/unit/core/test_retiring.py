"""Old tokens go after their overlap, one a reconcile, and never one that the Secret holds."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.v1alpha1 import Condition, PreviousToken
from mailtrap_operator.core.actions import RevokeToken, State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

REVOKING = (State.PROGRESSING, Reason.REVOKING)
REVOKED = (State.PROGRESSING, Reason.REVOKED)
READY = (State.READY, Reason.TOKEN_PUBLISHED)
OVERDUE = a_previous(2, delete_after=NOW)
TOKEN_2, TOKEN_3 = a_remote_token(2), a_remote_token(3)


def retiring(*previous: PreviousToken, listed: tuple[int, ...]) -> Observation:
    """Return a served object with retired tokens, of which some are still listed beside token 1."""
    api_token = an_api_token(status=a_status(previous=previous))
    return seen(api_token, listed=(TOKEN_1, *(a_remote_token(id_) for id_ in listed)))


def refused(reason: Reason, previous: PreviousToken) -> Observation:
    """Return an object whose last reconcile was refused for good, and that still needs another token."""
    stalled = Condition(
        type="Stalled",
        status="True",
        observed_generation=3,
        last_transition_time=NOW - HOUR,
        reason=reason,
        message="No.",
    )
    status = a_status(previous=(previous,), conditions=(stalled,))
    return seen(an_api_token(status=status, display_name="other"), listed=(TOKEN_1, TOKEN_2))


def another_objects(world: Observation, token_id: int) -> Observation:
    """Return an observation in which a token of the record has another object's tag."""
    (view,) = world.accounts
    return replace(world, accounts=(replace(view, foreign_ids=frozenset({token_id})),))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The overlap has just ended.",
            retiring(OVERDUE, listed=(2,)),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "The overlap ends in a second.",
            retiring(a_previous(2, delete_after=NOW + SECOND), listed=(2,)),
            says=READY,
            again=SECOND,
        ),
        row(
            "Several are overdue: one a reconcile, and the others stay on record.",
            retiring(a_previous(4), OVERDUE, a_previous(3, delete_after=NOW - DAY), listed=(2, 3, 4)),
            does="revoke 2",
            says=REVOKING,
            records=Noted(previous=(Leaving(4, HOUR), Leaving(3, -DAY))),
        ),
        row(
            "The overdue token is gone already, or out of sight: only its DELETE can tell.",
            retiring(OVERDUE, listed=()),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "A token is gone before its time, or out of sight: it stays on record.",
            retiring(a_previous(2), a_previous(3), listed=(3,)),
            says=READY,
            again=HOUR,
        ),
        row(
            "The record names a token that turned out to be another object's: it is not touched.",
            another_objects(retiring(OVERDUE, a_previous(3), listed=(3,)), 2),
            says=REVOKED,
            records=Noted(previous=(Leaving(3, HOUR),)),
        ),
        row(
            "The token that the Secret holds is on record as overdue: it stays.",
            retiring(a_previous(1, delete_after=NOW - DAY), listed=()),
            says=READY,
        ),
        row(
            "The overdue token is in the former account, which answers.",
            seen(
                an_api_token(
                    status=a_status(previous=(a_previous(2, delete_after=NOW, account=OTHER_ACCOUNT),))
                ),
                listed_elsewhere=(a_remote_token(2, account=OTHER_ACCOUNT),),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "The overdue token is in the former account, which answers, while the present one does not.",
            seen(
                an_api_token(
                    status=a_status(previous=(a_previous(2, delete_after=NOW, account=OTHER_ACCOUNT),))
                ),
                listed=TIMEOUT,
                listed_elsewhere=(a_remote_token(2, account=OTHER_ACCOUNT),),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "Another token is needed: it comes first.",
            seen(
                an_api_token(status=a_status(previous=(OVERDUE,)), display_name="other"),
                listed=(TOKEN_1, TOKEN_2),
            ),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(2, 0 * HOUR), Leaving(1, 12 * HOUR))),
        ),
        row(
            "Another token is needed and was refused for good: the overdue one goes, then it is tried again.",
            refused(Reason.REQUEST_REFUSED, OVERDUE),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "Another token is needed and was refused for good: one that is not overdue stays.",
            refused(Reason.REQUEST_REFUSED, a_previous(2)),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(2, HOUR), Leaving(1, 12 * HOUR))),
        ),
        row(
            "The deletion itself was refused: the needed token comes first.",
            refused(Reason.DELETION_REFUSED, OVERDUE),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(2, 0 * HOUR), Leaving(1, 12 * HOUR))),
        ),
        row(
            "Another token is needed in an account that does not answer: the overdue one goes from the former account.",
            seen(
                an_api_token(status=a_status(previous=(OVERDUE,)), account_ref=OTHER_ACCOUNT),
                listed=TIMEOUT,
                listed_elsewhere=(TOKEN_1, TOKEN_2),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "A token of ours is not on record: first the book-keeping.",
            retiring(OVERDUE, listed=(2, 3)),
            says=(State.PROGRESSING, Reason.UNTRACKED),
            records=Noted(previous=(Leaving(2, 0 * HOUR), Leaving(3, 12 * HOUR))),
        ),
        row(
            "An operation that came to nothing leaves the record.",
            seen(
                an_api_token(status=a_status(operation=an_operation(ago=DAY), previous=(a_previous(2),))),
            ),
            says=REVOKED,
            records=Noted(previous=(Leaving(2, HOUR),)),
        ),
        row(
            "One token is another object's and another one overdue: first the book-keeping.",
            another_objects(retiring(a_previous(3), OVERDUE, listed=(2,)), 3),
            says=REVOKED,
            records=Noted(previous=(Leaving(2, 0 * HOUR),)),
        ),
        row(
            "An expired token is still listed: it is deleted like any other.",
            seen(
                an_api_token(status=a_status(previous=(OVERDUE,))),
                listed=(TOKEN_1, a_remote_token(2, expires_at=NOW - DAY)),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
    ],
)
def test_a_retired_token_is_revoked_after_its_overlap(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_token_is_revoked_as_it_was_listed_and_after_everyone_else() -> None:
    planned = plan(retiring(OVERDUE, listed=(2,)), NOW)

    assert RevokeToken(TOKEN_2, Priority.ROUTINE) == planned.action
    assert "Token 2 is deleted: Superseded." == planned.finding.message


def test_nothing_is_revoked_in_an_account_that_does_not_answer() -> None:
    there = a_previous(2, delete_after=NOW, account=OTHER_ACCOUNT)
    world = seen(
        an_api_token(status=a_status(previous=(there, a_previous(3, delete_after=NOW)))),
        listed=(TOKEN_1, TOKEN_3),
        listed_elsewhere=TIMEOUT,
    )

    assert "revoke 3" == decision(world).does
    assert (Leaving(2, 0 * HOUR),) == decision(world).records.previous


def test_a_former_objects_token_that_a_restored_status_names_is_not_retired() -> None:
    world = another_objects(seen(secret=None, listed=()), 1)

    decided = decision(world)

    assert ("create", Noted(current=None)) == (decided.does, decided.records)
