"""What another installation has made is said and left alone, while an object lives and when it is deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailtrap_operator.api.names import ABANDON_ANNOTATION
from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus, Condition
from mailtrap_operator.core.actions import Done, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.installations import is_answered, mismatch_of_token
from mailtrap_operator.core.observation import Observation, RemoteToken, SecretState, Unknown
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    FOREIGN_TAG,
    HOUR,
    INSTALLATION,
    MINUTE,
    NAME,
    NAMESPACE,
    NOW,
    OTHER_ACCOUNT,
    OURS,
    SECOND,
    SIBLINGS_TAG,
    TIMEOUT,
    UID,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.deleting import claimed, deleting
from tests.unit.core.named import BOUND
from tests.unit.core.rows import Decision, Noted, decision, row

THEIRS = "zzzzzz"
MISMATCH = Unknown(Reason.INSTALLATION_MISMATCH, "Token 1 is on record here and belongs to …")
STALLED = (State.STALLED, Reason.INSTALLATION_MISMATCH)
BLOCKED = (State.BLOCKED, Reason.INSTALLATION_MISMATCH)
OWN_ELSEWHERE = a_secret(owner=f"{THEIRS}-{owner_of(THEIRS, NAMESPACE, NAME, UID)}")
ANOTHERS_ELSEWHERE = a_secret(owner=f"{THEIRS}-siblingaaa")
ESCAPE = {ABANDON_ANNOTATION: "true"}
SAYS_SO = Condition(
    type="Ready",
    status="False",
    observed_generation=3,
    last_transition_time=NOW - HOUR,
    reason=Reason.INSTALLATION_MISMATCH,
    message="…",
)
THEIR_STATUS = a_status(installation=THEIRS)
STATED = a_status(installation=THEIRS, contenders=(INSTALLATION,), conditions=(SAYS_SO,))
ANSWERED = a_status(installation=THEIRS, contenders=(INSTALLATION,))
UNANSWERED = ANSWERED.model_copy(update={"observed_generation": 2})
STATED_BY_US = STATED.model_copy(
    update={
        "conditions": (SAYS_SO.model_copy(update={"message": f"… this operator's is {INSTALLATION}. …"}),)
    }
)
STATED_BEFORE = STATED.model_copy(update={"observed_generation": 2})
IN_THE_MIDST = a_status(installation=THEIRS, operation=an_operation())
OVERDUE = an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW - HOUR),)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The cluster is a clone: the Secret has the other installation's mark.",
            seen(secret=OWN_ELSEWHERE, listed=()),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The Secret was restored without the status.",
            seen(an_api_token(status=WIPED), secret=OWN_ELSEWHERE, listed=()),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The objects were created again from a backup: the Secret is that of an object with another uid.",
            seen(an_api_token(status=WIPED, finalizers=()), secret=ANOTHERS_ELSEWHERE, listed=()),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The status was restored without the Secret, and its token turns out to have another installation's tag.",
            seen(secret=None, listed=MISMATCH),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "A token that would be overdue has the tag: it is not revoked.",
            seen(OVERDUE, secret=None, listed=MISMATCH),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The token in the former account does: nothing is issued in the new one.",
            seen(an_api_token(account_ref=OTHER_ACCOUNT), secret=None, listed=(), listed_elsewhere=MISMATCH),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "Where neither is left, the object gets a token of its own.",
            seen(an_api_token(status=WIPED), secret=None, listed=()),
            does="create",
            says=(State.PROGRESSING, Reason.FIRST_TOKEN),
            records=Noted(current=None),
            works=False,
        ),
    ],
)
def test_object_of_another_installation_is_stalled(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Its Secret is that of this very object elsewhere: its tokens live there.",
            seen(deleting(WIPED), secret=OWN_ELSEWHERE, listed=()),
            says=BLOCKED,
            again=MINUTE,
            works=False,
        ),
        row(
            "A token on record has another installation's tag: it is not deleted.",
            seen(claimed(), secret=None, listed=MISMATCH),
            says=BLOCKED,
            works=False,
        ),
        row(
            "The Secret is another object's, elsewhere: that stops no deletion.",
            seen(deleting(WIPED), secret=ANOTHERS_ELSEWHERE, listed=()),
            says=(State.PROGRESSING, Reason.DELETING),
            records=Noted("Delete freshaaa", current=None, secret_name=None),
            works=False,
        ),
        row(
            "The status says that another installation serves it, and its Secret is gone.",
            seen(deleting(THEIR_STATUS), secret=None, listed=()),
            says=BLOCKED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The escape does not let it go at once: the other operator may be about to.",
            seen(deleting(annotations=ESCAPE), secret=OWN_ELSEWHERE, listed=()),
            says=BLOCKED,
            again=30 * SECOND,
            works=False,
        ),
        row(
            "The escape lets it go that was told, and that no one has answered for a while.",
            replace(
                seen(deleting(STATED, annotations=ESCAPE), secret=OWN_ELSEWHERE, listed=MISMATCH),
                unanswered_for=30 * SECOND,
            ),
            does="let go",
            says=(State.PROGRESSING, Reason.ABANDONED),
            works=False,
        ),
    ],
)
def test_a_deletion_waits_while_the_tokens_are_another_installations(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("status", "unanswered_for", "is_silent"),
    [
        pytest.param(THEIR_STATUS, 0 * SECOND, False, id="It was not said yet."),
        pytest.param(IN_THE_MIDST, 0 * SECOND, True, id="The other one is in the midst of an operation."),
        pytest.param(ANSWERED, HOUR, True, id="The other one wrote its own words over what was said."),
        pytest.param(STATED, HOUR, True, id="What a third one said stands."),
        pytest.param(STATED_BY_US, HOUR, False, id="What was said stands, and is kept up to date."),
        pytest.param(STATED_BEFORE, HOUR, False, id="No one answers, and what a third one said is outdated."),
        pytest.param(UNANSWERED, MINUTE, True, id="A new generation is not answered yet."),
        pytest.param(UNANSWERED, 5 * MINUTE, False, id="No one answers a new generation."),
    ],
)
@pytest.mark.parametrize("secret", [OWN_ELSEWHERE, None], ids=["its Secret is there", "it has no Secret"])
def test_it_is_said_once(
    status: ApiTokenStatus, unanswered_for: timedelta, secret: SecretState | None, *, is_silent: bool
) -> None:
    # A name that the spec does not have any more would leave the record.
    status = status.model_copy(update={"resources": (BOUND,)})
    world = replace(
        seen(an_api_token(status=status), secret=secret, listed=()), unanswered_for=unanswered_for
    )

    planned = plan(world, NOW)

    assert is_silent != planned.changes(status), "what is not written is not done again at once"
    assert (STALLED, is_silent) == ((planned.finding.state, planned.finding.reason), planned.is_silent)
    after = status_after(world.api_token, planned, Done(), NOW)
    assert is_silent == (after == status)
    assert is_silent or (THEIRS, (INSTALLATION,)) == (status.installation, after.contenders)


def test_a_claim_that_is_old_is_no_operation_in_progress() -> None:
    world = seen(
        an_api_token(status=a_status(installation=THEIRS, operation=an_operation(ago=HOUR))), secret=None
    )

    assert not plan(world, NOW).is_silent


def test_serving_installation_is_recorded_beside_its_contenders() -> None:
    found = a_status(installation=THEIRS, contenders=("bbbbbb", INSTALLATION))
    api_token = an_api_token(status=found)

    after = status_after(api_token, plan(seen(api_token), NOW), Done(), NOW)

    assert (INSTALLATION, ("bbbbbb",)) == (after.installation, after.contenders)


def test_of_many_that_found_it_the_last_are_kept() -> None:
    many = tuple(f"{letter}" * 6 for letter in "bcdefghi")
    api_token = an_api_token(status=a_status(installation=THEIRS, contenders=many))

    after = status_after(api_token, plan(seen(api_token, secret=None), NOW), Done(), NOW)

    assert (*many[1:], INSTALLATION) == after.contenders


@pytest.mark.parametrize(
    ("status", "is_it"),
    [(THEIR_STATUS, True), (ANSWERED, True), (UNANSWERED, False), (STATED, False), (WIPED, False)],
)
def test_status_of_the_serving_installation_counts_as_an_answer(
    status: ApiTokenStatus, *, is_it: bool
) -> None:
    assert is_it == is_answered(an_api_token(status=status))


UNUSED = ApiTokenStatus(observed_generation=3, installation=THEIRS)


@pytest.mark.parametrize(
    ("api_token", "is_silent"),
    [
        pytest.param(
            an_api_token(status=UNUSED, finalizers=(), suspend=True), True, id="told by the other one"
        ),
        pytest.param(
            an_api_token(
                status=UNUSED.model_copy(update={"observed_generation": 2}), finalizers=(), suspend=True
            ),
            False,
            id="not reported this spec",
        ),
        pytest.param(an_api_token(status=UNUSED, finalizers=()), False, id="nothing stands in the way"),
        pytest.param(
            an_api_token(
                status=UNUSED.model_copy(update={"installation": None}), finalizers=(), suspend=True
            ),
            False,
            id="told by no one",
        ),
    ],
)
def test_blocked_first_token_is_reported_by_one_operator(api_token: ApiToken, *, is_silent: bool) -> None:
    assert is_silent == plan(seen(api_token, secret=None, listed=()), NOW).is_silent


def test_the_message_names_both_installations_and_first_that_both_may_live() -> None:
    message = plan(seen(secret=OWN_ELSEWHERE), NOW).finding.message

    assert (
        "The token in Secret billing belongs to the installation zzzzzz, and this operator's is aaaaaa. If an operator of "
        "that installation serves this namespace, it continues and this one does nothing: assign each namespace to one installation only (watchNamespaces). Otherwise this cluster is a clone or was restored elsewhere, or the setting "
        "was changed, and nothing is touched. To continue with these tokens, set the operator's settings.installation "
        "(MAILTRAP_OPERATOR_INSTALLATION) to zzzzzz, provided that no other operator continues with it. To have tokens of "
        'its own here, set the annotation mailtrap-operator.io/abandon-remote-tokens: "true" on this ApiToken, delete it, '
        "and apply it again."
    ) == message


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (THEIR_STATUS, "Token 1 is on record here and belongs to"),
        (
            a_status(installation=THEIRS, current=None, previous=(a_previous(2),)),
            "Token 2 is on record here and",
        ),
        (a_status(installation=THEIRS, current=None), "This ApiToken belongs to the installation zzzzzz"),
    ],
)
def test_without_a_secret_the_message_names_what_the_status_knows(status: ApiTokenStatus, what: str) -> None:
    assert plan(seen(an_api_token(status=status), secret=None), NOW).finding.message.startswith(what)


def test_a_secret_that_cannot_be_read_just_now_is_spoken_of_as_if_it_were_there() -> None:
    message = plan(seen(an_api_token(status=THEIR_STATUS), secret=TIMEOUT), NOW).finding.message

    assert message.startswith("The token in Secret billing belongs to the installation zzzzzz")


def test_it_does_not_advise_to_continue_with_a_token_that_cannot_be_taken_over() -> None:
    message = plan(seen(an_api_token(status=WIPED), secret=ANOTHERS_ELSEWHERE), NOW).finding.message

    assert (
        "another ApiToken of the installation zzzzzz, and this operator's is aaaaaa. If an operator"
        in message
    )
    assert "Choose another spec.secretName, or delete the Secret when no one uses its value." in message


def test_a_deletion_that_waits_names_the_escape() -> None:
    message = plan(seen(deleting(), secret=OWN_ELSEWHERE), NOW).finding.message

    assert "Deletion waits, tokens may be left in Mailtrap: The token in Secret billing" in message
    assert ABANDON_ANNOTATION in message


@pytest.mark.parametrize(
    ("token", "is_mismatch"),
    [
        pytest.param(a_remote_token(7, tag=FOREIGN_TAG), True, id="another installation's"),
        pytest.param(a_remote_token(7, tag=OURS), False, id="ours"),
        pytest.param(a_remote_token(7, tag=SIBLINGS_TAG), False, id="another object's here"),
        pytest.param(a_remote_token(7, tag=None), False, id="without a tag"),
    ],
)
def test_a_token_on_record_tells_by_its_tag_where_it_belongs(
    token: RemoteToken, *, is_mismatch: bool
) -> None:
    mismatch = mismatch_of_token(token, INSTALLATION)

    assert is_mismatch == (mismatch is not None)
    if mismatch:
        assert "Token 7 is on record here and belongs to the installation zzzzzz" in mismatch.message
