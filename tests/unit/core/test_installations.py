"""What another installation has made is said and left alone, while an object lives and when it is deleted."""

import pytest

from mailtrap_operator.core.actions import State
from mailtrap_operator.core.deletion import ABANDON_ANNOTATION
from mailtrap_operator.core.installations import mismatch_of_token
from mailtrap_operator.core.observation import Observation, RemoteToken, Unknown
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
    SIBLINGS_TAG,
    UID,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.doomed import claimed, doomed
from tests.unit.core.rows import Decision, Noted, decision, row

THEIRS = "zzzzzz"
MISMATCH = Unknown(Reason.INSTALLATION_MISMATCH, "Token 1 is on record here and belongs to …")
STALLED = (State.STALLED, Reason.INSTALLATION_MISMATCH)
BLOCKED = (State.BLOCKED, Reason.INSTALLATION_MISMATCH)
OWN_ELSEWHERE = a_secret(owner=f"{THEIRS}-{owner_of(THEIRS, NAMESPACE, NAME, UID)}")
ANOTHERS_ELSEWHERE = a_secret(owner=f"{THEIRS}-siblingaaa")
OVERDUE = an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW - HOUR),)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The cluster is a clone: the Secret bears the other installation's mark.",
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
            "The objects were created anew from a backup: the Secret is that of an object with another uid.",
            seen(an_api_token(status=WIPED, finalizers=()), secret=ANOTHERS_ELSEWHERE, listed=()),
            says=STALLED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The status was restored without the Secret, and its token turns out to bear another installation's tag.",
            seen(secret=None, listed=MISMATCH),
            says=STALLED,
            works=False,
        ),
        row(
            "A token that would be overdue bears the tag: it is not revoked.",
            seen(OVERDUE, secret=None, listed=MISMATCH),
            says=STALLED,
            works=False,
        ),
        row(
            "The token in the former account does: nothing is issued in the new one.",
            seen(an_api_token(account_ref=OTHER_ACCOUNT), secret=None, listed=(), listed_elsewhere=MISMATCH),
            says=STALLED,
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
def test_what_another_installation_made_stalls_the_object(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Its Secret is that of this very object elsewhere: its tokens live there.",
            seen(doomed(WIPED), secret=OWN_ELSEWHERE, listed=()),
            says=BLOCKED,
            works=False,
        ),
        row(
            "A token on record bears another installation's tag: it is not deleted.",
            seen(claimed(), secret=None, listed=MISMATCH),
            says=BLOCKED,
            works=False,
        ),
        row(
            "The Secret is another object's, elsewhere: that stops no deletion.",
            seen(doomed(WIPED), secret=ANOTHERS_ELSEWHERE, listed=()),
            says=(State.PROGRESSING, Reason.DELETING),
            records=Noted("Delete freshaaa", current=None, secret_name=None),
            works=False,
        ),
        row(
            "The escape lets it go.",
            seen(doomed(annotations={ABANDON_ANNOTATION: "true"}), secret=OWN_ELSEWHERE, listed=MISMATCH),
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


def test_the_message_names_both_installations_and_both_ways_out() -> None:
    message = plan(seen(secret=OWN_ELSEWHERE), NOW).finding.message

    assert (
        "The token in Secret billing belongs to the installation zzzzzz, and this operator's is aaaaaa: this cluster is a "
        "clone or was restored elsewhere, or the setting was changed. Nothing is touched. To go on with the tokens, set "
        "the operator's settings.installation (MAILTRAP_OPERATOR_INSTALLATION) to zzzzzz, provided that no other cluster "
        "goes on with it. To have tokens of its own here, delete the Secret and clear the status of this ApiToken."
    ) == message


def test_it_does_not_advise_to_go_on_with_a_token_that_cannot_be_taken_over() -> None:
    message = plan(seen(an_api_token(status=WIPED), secret=ANOTHERS_ELSEWHERE), NOW).finding.message

    assert "another ApiToken of the installation zzzzzz, and this operator's is aaaaaa" in message
    assert "Its token cannot be taken over. Delete the Secret" in message


def test_a_deletion_that_waits_names_the_escape() -> None:
    message = plan(seen(doomed(), secret=OWN_ELSEWHERE), NOW).finding.message

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
