"""An object that is being deleted: first the claim, then every token of ours, then, when none is left, the finalizer."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiTokenStatus, OperationStatus
from mailtrap_operator.core.actions import RemoveFinalizer, RevokeToken, State
from mailtrap_operator.core.observation import AccountView, Found, Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    ANOTHER_OPERATOR,
    FOREIGN_TAG,
    HOUR,
    LOST_NONCE,
    ME,
    MINUTE,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    SIBLINGS_TAG,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_foreign_secret,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.deleting import CLAIMED, claimed, deleting
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

DELETING = (State.PROGRESSING, Reason.DELETING)
REVOKED = (State.PROGRESSING, Reason.REVOKED)
WAITING = (State.PROGRESSING, Reason.ANSWER_LOST)
BLOCKED = (State.BLOCKED, Reason.REMOTE_UNAVAILABLE)
SETTLING = an_operation("Delete", nonce=LOST_NONCE, ago=SECOND)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Nothing is in progress.",
            seen(deleting()),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "The account does not answer: the claim is made all the same, so that no create can follow.",
            seen(deleting(), listed=TIMEOUT),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "The Secret cannot be read.",
            seen(deleting(), secret=TIMEOUT),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "The Secret is someone else's: that does not stop a deletion.",
            seen(deleting(), secret=a_foreign_secret()),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "The object is suspended: that stops no deletion.",
            seen(an_api_token(deleted=True, suspend=True)),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "A create is in progress: its nonce stays on record, for it must settle.",
            seen(deleting(a_status(operation=an_operation()))),
            says=DELETING,
            records=Noted("Delete lostaaaa"),
            works=False,
        ),
        row(
            "Another operator's create is in progress.",
            seen(deleting(a_status(operation=an_operation(holder=ANOTHER_OPERATOR)))),
            says=DELETING,
            records=Noted("Delete lostaaaa"),
            works=False,
        ),
        row(
            "A create is in progress and the Secret cannot be read: it may or may not be published.",
            seen(deleting(a_status(operation=an_operation())), secret=TIMEOUT),
            says=DELETING,
            records=Noted("Delete lostaaaa"),
            works=False,
        ),
        row(
            "A create was published already: nothing has to settle.",
            seen(deleting(a_status(operation=an_operation())), secret=a_secret(2, nonce=LOST_NONCE)),
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "The status was wiped: no one can say what was in progress.",
            seen(deleting(WIPED), secret=None, listed=()),
            says=DELETING,
            records=Noted("Delete freshaaa", current=None, secret_name=None),
            works=False,
        ),
        row(
            "The first claim is all that the status ever said.",
            seen(deleting(ApiTokenStatus(operation=an_operation())), secret=None, listed=()),
            says=DELETING,
            records=Noted("Delete lostaaaa", current=None, secret_name=None),
            works=False,
        ),
    ],
)
def test_the_claim_comes_first(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_claim_keeps_the_account_of_what_is_in_progress() -> None:
    api_token = deleting(a_status(operation=an_operation(holder=ANOTHER_OPERATOR)), account_ref=OTHER_ACCOUNT)
    recorded = plan(seen(api_token, listed=(), listed_elsewhere=(TOKEN_1,)), NOW).record

    assert (
        OperationStatus(type="Delete", nonce=LOST_NONCE, started_at=NOW, holder=ME, account=AccountRef())
        == recorded.operation
    )


ANOTHERS = AccountView(ACCOUNT, 3229, Found(()), foreign_ids=frozenset({1}))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The token of the Secret goes; the Secret goes with the object.",
            seen(claimed()),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None),
            works=False,
        ),
        row(
            "Several tokens: one a reconcile, the lowest id first.",
            seen(claimed(previous=(2, 3)), listed=(a_remote_token(3), a_remote_token(2), TOKEN_1)),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None, previous=(Leaving(2, HOUR), Leaving(3, HOUR))),
            works=False,
        ),
        row(
            "A retired token goes at once, its overlap does not count any more.",
            seen(claimed(previous=(2, 3), current=None), listed=(a_remote_token(2), a_remote_token(3))),
            does="revoke 2",
            says=DELETING,
            records=Noted("Delete ", current=None, previous=(Leaving(3, HOUR),)),
            works=False,
        ),
        row(
            "A token that no one knows goes before those on record, which alone may name its account.",
            seen(
                claimed(account_ref=OTHER_ACCOUNT),
                secret=None,
                listed=(),
                listed_elsewhere=(TOKEN_1, a_remote_token(5, nonce=LOST_NONCE)),
            ),
            does="revoke 5",
            says=DELETING,
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "Another operator claimed the deletion: it is carried on.",
            seen(claimed(an_operation("Delete", nonce="", holder=ANOTHER_OPERATOR))),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None),
            works=False,
        ),
        row(
            "The Secret cannot be read: what is listed goes all the same.",
            seen(claimed(), secret=TIMEOUT),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None),
            works=False,
        ),
        row(
            "A create may still come late: what is there goes meanwhile.",
            seen(claimed(SETTLING)),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete lostaaaa", current=None),
            works=False,
        ),
        row(
            "A token on record is not listed: the credential may see less; the answer to its DELETE tells.",
            seen(claimed(previous=(2,)), secret=None, listed=()),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None, previous=(Leaving(2, HOUR),)),
            works=False,
        ),
        row(
            "A token that the Secret alone names is not listed.",
            seen(claimed(current=None), listed=()),
            does="revoke 1",
            says=DELETING,
            records=Noted("Delete ", current=None),
            works=False,
        ),
        row(
            "The token of the Secret was deleted, as the claim says.",
            seen(claimed(an_operation("Delete", nonce="", base=1), current=None), listed=()),
            does="let go",
            says=REVOKED,
            works=False,
        ),
        row(
            "What is on record turned out to be another object's token.",
            replace(seen(claimed(), secret=None), accounts=(ANOTHERS,)),
            does="let go",
            says=REVOKED,
            works=False,
        ),
        row(
            "No token is left and nothing was in progress.",
            seen(claimed(current=None), secret=None, listed=()),
            does="let go",
            says=REVOKED,
            works=False,
        ),
        row(
            "Only others' tokens are left.",
            seen(
                claimed(current=None),
                secret=None,
                listed=(
                    a_remote_token(7, tag=None),
                    a_remote_token(8, tag=FOREIGN_TAG),
                    a_remote_token(9, tag=SIBLINGS_TAG),
                ),
            ),
            does="let go",
            says=REVOKED,
            works=False,
        ),
        row(
            "No token is left, but a create may still come late.",
            seen(claimed(SETTLING, current=None), secret=None, listed=()),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "No token is left, and the create has a second to settle.",
            seen(claimed(an_operation("Delete", ago=MINUTE - SECOND), current=None), secret=None, listed=()),
            says=WAITING,
            again=SECOND,
            works=False,
        ),
        row(
            "No token is left and the create has settled.",
            seen(claimed(an_operation("Delete", ago=MINUTE), current=None), secret=None, listed=()),
            does="let go",
            says=REVOKED,
            works=False,
        ),
        row(
            "The account does not answer.",
            seen(claimed(), listed=Unknown(TIMEOUT.reason, TIMEOUT.message, MINUTE)),
            says=BLOCKED,
            again=MINUTE,
            works=False,
        ),
        row(
            "One of the accounts does not answer: the other's tokens wait, too.",
            seen(claimed(account_ref=OTHER_ACCOUNT), listed=(), listed_elsewhere=TIMEOUT),
            says=BLOCKED,
            works=False,
        ),
    ],
)
def test_then_every_token_of_ours_goes_and_then_the_finalizer(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_claim_keeps_in_mind_that_the_token_of_the_secret_is_gone() -> None:
    recorded = plan(seen(claimed(previous=(2,)), listed=(TOKEN_1,)), NOW).record.operation

    assert CLAIMED.model_copy(update={"base": 1}) == recorded
    assert CLAIMED == plan(seen(claimed(previous=(2,)), secret=None, listed=(TOKEN_1,)), NOW).record.operation


def test_a_deletion_revokes_before_everything_else_that_is_done() -> None:
    assert RevokeToken(TOKEN_1, Priority.URGENT) == plan(seen(claimed()), NOW).action


def test_the_message_of_a_blocked_deletion_names_cause_and_escape() -> None:
    message = plan(seen(claimed(), listed=TIMEOUT), NOW).finding.message

    assert (
        f"Deletion waits, tokens may be left in Mailtrap: {TIMEOUT.message} To give them up, set the annotation "
        'mailtrap-operator.io/abandon-remote-tokens: "true".' == message
    )


def test_the_message_of_a_settling_deletion_names_the_moment() -> None:
    message = plan(seen(claimed(SETTLING, current=None), secret=None, listed=()), NOW).finding.message

    assert "A create was in progress; its effect is visible within 1m." == message


CLOSED = AccountView(
    ACCOUNT, None, Unknown(Reason.ACCOUNT_NOT_FOUND, "There is none."), is_closed=True, shows_none=True
)


@pytest.mark.parametrize(
    ("view", "does", "state"),
    [
        pytest.param(CLOSED, RemoveFinalizer, State.PROGRESSING, id="its list shows none"),
        pytest.param(replace(CLOSED, shows_none=False), None, State.BLOCKED, id="it was not listed yet"),
    ],
)
def test_in_an_account_that_serves_the_object_no_more_its_record_is_a_claim_and_the_last_list_decides(
    view: AccountView, does: type[RemoveFinalizer] | None, state: State
) -> None:
    world = replace(seen(claimed(previous=(2,))), accounts=(view,))

    planned = plan(world, NOW)

    assert (does, state) == (planned.action and type(planned.action), planned.finding.state)


def test_what_is_left_in_an_account_that_serves_the_object_no_more_is_not_retained() -> None:
    world = replace(seen(deleting(deletion_policy="Retain")), accounts=(CLOSED,))

    action = plan(world, NOW).action

    assert isinstance(action, RemoveFinalizer)
    assert None is action.retention
