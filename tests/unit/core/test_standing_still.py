"""When the planner does nothing: what it cannot read, what is not its own, what is suspended, what is well."""

import pytest

from mailtrap_operator.core.actions import Done, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import Observation, SecretState, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    SECRET_1,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_foreign_secret,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_edited_secret,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Noted, decision, row

UNREADABLE = Unknown(Reason.KUBERNETES_UNAVAILABLE, "Secret billing cannot be read: timeout", 5 * SECOND)
RENAMED = an_api_token(secret_name="renamed")
OVERDUE = an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW - HOUR),)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The Secret cannot be read: nothing can be decided, and it is read again when the server says so.",
            seen(secret=UNREADABLE),
            says=(State.BLOCKED, Reason.KUBERNETES_UNAVAILABLE),
            again=5 * SECOND,
            works=False,
        ),
        row(
            "The Secret from which the value is to move cannot be read: it may still hold the value.",
            seen(RENAMED, secret=None, former_secret=UNREADABLE),
            says=(State.BLOCKED, Reason.KUBERNETES_UNAVAILABLE),
            again=5 * SECOND,
            works=False,
        ),
        row(
            "A first token is wanted and the Secret cannot be read: none is issued.",
            seen(an_api_token(status=WIPED, finalizers=()), secret=UNREADABLE, listed=()),
            says=(State.BLOCKED, Reason.KUBERNETES_UNAVAILABLE),
            again=5 * SECOND,
            works=False,
        ),
    ],
)
def test_unreadable_secret_or_account_stops_every_decision(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


STALLED = (State.STALLED, Reason.SECRET_NOT_OWNED)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object names a Secret that someone made: it is left alone and costs no remote token.",
            seen(an_api_token(status=WIPED, finalizers=()), secret=a_foreign_secret(), listed=()),
            says=STALLED,
            again=10 * SECOND,
            works=False,
        ),
        row(
            "The Secret belongs to another ApiToken: the second one says so.",
            seen(an_api_token(status=WIPED), secret=a_secret(owner="aaaaaa-siblingaaa"), listed=()),
            says=STALLED,
            again=10 * SECOND,
            works=False,
        ),
        row(
            "A served object is renamed onto a foreign Secret: its token stays on record, its old Secret stays.",
            seen(RENAMED, secret=a_foreign_secret("renamed"), former_secret=a_secret()),
            says=STALLED,
            again=10 * SECOND,
            works=False,
        ),
        row(
            "A value waits in memory and a foreign Secret took the place: the value continues waiting.",
            seen(
                an_api_token(status=a_status(operation=an_operation(), current=None)),
                secret=a_foreign_secret(),
                listed=(a_remote_token(2),),
                unpublished=a_value_in_memory(2),
            ),
            says=STALLED,
            again=10 * SECOND,
            works=False,
        ),
        row(
            "An old token is overdue while the Secret is foreign: nothing is revoked.",
            seen(OVERDUE, secret=a_foreign_secret(), listed=(TOKEN_1, a_remote_token(2))),
            says=STALLED,
            again=10 * SECOND,
            works=False,
        ),
    ],
)
def test_a_foreign_secret_stalls_the_object_and_is_left_alone(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_message_of_a_foreign_secret_says_what_to_do() -> None:
    message = plan(seen(secret=a_foreign_secret()), NOW).finding.message

    assert "Secret billing exists and does not belong to this ApiToken" in message
    assert "Choose another spec.secretName, or delete that Secret." in message


SUSPENDED = an_api_token(suspend=True)
IDLE = (State.READY, Reason.SUSPENDED)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A suspended object whose Secret is lost gets none.",
            seen(SUSPENDED, secret=None),
            says=IDLE,
            works=False,
        ),
        row(
            "A suspended object whose token is gone gets none.",
            seen(SUSPENDED, listed=()),
            says=IDLE,
            works=False,
        ),
        row(
            "A suspended object is not renewed.",
            seen(
                an_api_token(suspend=True, status=a_status(current=a_current(expires_at=NOW + SECOND))),
                listed=(a_remote_token(expires_at=NOW + SECOND),),
            ),
            says=IDLE,
        ),
        row(
            "A suspended object's Secret is not repaired.",
            seen(SUSPENDED, secret=a_secret(labels={"edited": "yes"})),
            says=IDLE,
        ),
        row(
            "A suspended object's old tokens stay.",
            seen(
                an_api_token(
                    suspend=True, status=a_status(previous=(a_previous(2, delete_after=NOW - DAY),))
                ),
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=IDLE,
        ),
        row(
            "A suspended object never got a token: it gets none.",
            seen(an_api_token(suspend=True, status=WIPED, finalizers=()), secret=None, listed=()),
            says=IDLE,
            works=False,
        ),
        row(
            "A suspended object speaks of nothing else, not even of an account that does not answer.",
            seen(SUSPENDED, listed=TIMEOUT),
            says=IDLE,
        ),
    ],
)
def test_suspension_stops_rotation_and_repair(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


GO_ON = "Set spec.suspend to false to continue."


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(seen(SUSPENDED), "Suspended: nothing is rotated or repaired.", id="the value works"),
        pytest.param(
            seen(SUSPENDED, secret=None),
            "Suspended, and Secret billing is gone: consumers have no token, and it is not created again.",
            id="the Secret is gone",
        ),
        pytest.param(
            seen(SUSPENDED, secret=an_edited_secret()),
            "Suspended, and Secret billing does not hold the value of the token any more: it is not put back.",
            id="the Secret was edited",
        ),
        pytest.param(
            seen(SUSPENDED, listed=()),
            "Suspended, and the token in Secret billing is dead: it was deleted or has expired in Mailtrap. "
            "Consumers have none that works, and no other one is issued.",
            id="the token is gone",
        ),
        pytest.param(
            seen(an_api_token(suspend=True, status=WIPED, finalizers=()), secret=None, listed=()),
            "Suspended before a token was issued: consumers have none, and Secret billing is not made.",
            id="there never was a token",
        ),
        pytest.param(
            seen(an_api_token(suspend=True, secret_name="renamed"), secret=None, former_secret=a_secret()),
            "Suspended: the value stays in Secret billing, and Secret renamed is not made.",
            id="the Secret is to be renamed",
        ),
    ],
)
def test_a_suspended_object_says_what_its_consumers_have(world: Observation, expected: str) -> None:
    condition = status_after(world.api_token, plan(world, NOW), Done(), NOW).conditions[0]

    assert ("Ready", f"{expected} {GO_ON}") == (condition.type, condition.message)


READY = (State.READY, Reason.TOKEN_PUBLISHED)
RETIRING = an_api_token(status=a_status(previous=(a_previous(2), a_previous(3, delete_after=NOW + DAY))))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("All is well: only an event brings it back.", seen(), says=READY),
        row(
            "Tokens are retired: it is looked at again when the first overlap is over.",
            seen(RETIRING, listed=(TOKEN_1, a_remote_token(2), a_remote_token(3))),
            says=READY,
            again=HOUR,
        ),
        row(
            "An overlap is over but the account does not answer: it is tried again.",
            seen(OVERDUE, listed=TIMEOUT),
            says=READY,
            again=MINUTE,
        ),
        row(
            "A token in the former account is retired and that account does not answer: it stays on record.",
            seen(
                an_api_token(
                    status=a_status(previous=(a_previous(2, account=OTHER_ACCOUNT, delete_after=NOW - HOUR),))
                ),
                listed_elsewhere=TIMEOUT,
            ),
            says=READY,
            again=MINUTE,
        ),
    ],
)
def test_an_object_that_needs_nothing_is_ready(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_token_that_expires_is_looked_at_again_when_its_renewal_is_due() -> None:
    current = a_current(issued_at=NOW - 10 * DAY, expires_at=NOW + 80 * DAY)
    api_token = an_api_token(rotation={"renew_before": 30 * DAY}, status=a_status(current=current))

    planned = plan(seen(api_token, listed=(a_remote_token(expires_at=NOW + 80 * DAY),)), NOW)

    assert planned.renewal_time is not None
    assert planned.requeue_after == planned.renewal_time - NOW
    assert 47 * DAY <= planned.requeue_after <= 50 * DAY


PASSING = (
    Reason.ACCOUNT_NOT_LISTED,
    Reason.RATE_LIMITED,
    Reason.REMOTE_UNAVAILABLE,
    Reason.REMOTE_ANSWER_UNUSABLE,
)


@pytest.mark.parametrize("reason", PASSING)
def test_a_served_object_does_not_speak_of_troubles_that_pass_by_themselves_but_looks_again(
    reason: Reason,
) -> None:
    assert Decision("nothing", *READY, Noted(), MINUTE, works=True) == decision(
        seen(listed=Unknown(reason, "said so"))
    )


@pytest.mark.parametrize("reason", PASSING)
def test_overdue_token_is_retried_when_a_refusal_blocks_it(reason: Reason) -> None:
    status = a_status(previous=(a_previous(2, delete_after=NOW),))

    assert (
        MINUTE
        == plan(seen(an_api_token(status=status), listed=Unknown(reason, "said so")), NOW).requeue_after
    )


# It stalls the object: see test_installations.
OTHERS = {*PASSING, Reason.INSTALLATION_MISMATCH}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in OTHERS])
def test_a_served_object_reports_troubles_that_someone_must_end_while_its_value_works(
    reason: Reason,
) -> None:
    assert Decision("nothing", State.BLOCKED, reason, Noted(), MINUTE, works=True) == decision(
        seen(listed=Unknown(reason, "said so", MINUTE))
    )


WRONG = {"rotation": "spec.rotation.every: too long", "suspend": "spec.suspend: not true or false"}


@pytest.mark.parametrize("secret", [SECRET_1, None], ids=["served", "not served"])
def test_unreadable_spec_causes_no_action(secret: SecretState | None) -> None:
    api_token = an_api_token(display_name="other").model_copy(update={"unreadable": WRONG})

    planned = plan(seen(api_token, secret=secret), NOW)
    assert (None, State.STALLED, Reason.SPEC_INVALID) == (
        planned.action,
        planned.finding.state,
        planned.finding.reason,
    )
    assert planned.finding.message.startswith(
        "The spec is invalid: spec.rotation.every: too long; spec.suspend: not true or false. Correct it"
    )


def test_a_list_need_not_show_a_new_token_yet() -> None:
    new, older = (
        an_api_token(status=a_status(current=a_current(issued_at=NOW - age)))
        for age in (MINUTE - SECOND, MINUTE)
    )

    assert Decision("nothing", *READY, Noted(), MINUTE, works=True) == decision(seen(new, listed=()))
    assert "create" == decision(seen(older, listed=())).does
