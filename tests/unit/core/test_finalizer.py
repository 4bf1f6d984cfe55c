"""Our finalizer keeps an object until its tokens are gone; anyone who removes it, it is put back."""

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    MINUTE,
    NOW,
    TIMEOUT,
    WIPED,
    a_current,
    a_foreign_secret,
    a_previous,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Noted, decision, row

MISSING = (State.PROGRESSING, Reason.FINALIZER_MISSING)


def stripped(
    status: ApiTokenStatus | None = None, *, suspend: bool = False, display_name: str | None = None
) -> ApiToken:
    """Return a served object whose finalizer was removed."""
    return an_api_token(status=status, finalizers=(), suspend=suspend, display_name=display_name)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("All else is well.", seen(stripped()), does="add the finalizer", says=MISSING),
        row(
            "The account does not answer: it is not asked.",
            seen(stripped(), listed=TIMEOUT),
            does="add the finalizer",
            says=MISSING,
        ),
        row(
            "The object is suspended: its tokens must not outlive it either.",
            seen(stripped(suspend=True)),
            does="add the finalizer",
            says=MISSING,
        ),
        row(
            "Another token is needed: the finalizer comes first.",
            seen(stripped(display_name="other")),
            does="add the finalizer",
            says=MISSING,
        ),
        row(
            "Only retired tokens are on record.",
            seen(stripped(a_status(current=None, previous=(a_previous(2),))), secret=None, listed=()),
            does="add the finalizer",
            says=MISSING,
            works=False,
        ),
        row(
            "Only an operation is on record: it has settled, and what it made may turn up yet.",
            seen(stripped(a_status(operation=an_operation(ago=DAY), current=None)), secret=None, listed=()),
            does="add the finalizer",
            says=MISSING,
            works=False,
        ),
        row(
            "Only the Secret knows of a token.",
            seen(stripped(WIPED), listed=TIMEOUT),
            does="add the finalizer",
            says=MISSING,
        ),
        row(
            "Someone else's finalizer is there: it does not stand for ours.",
            seen(an_api_token(finalizers=("example.com/other",))),
            does="add the finalizer",
            says=MISSING,
        ),
        row(
            "An operation is in progress: its answer is waited for first.",
            seen(stripped(a_status(operation=an_operation(), current=a_current()))),
            says=(State.PROGRESSING, Reason.ANSWER_LOST),
            again=an_operation().started_at - NOW + seen().identity.settle_time,
        ),
    ],
)
def test_a_stripped_finalizer_is_put_back(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


OTHERS = ("example.com/other",)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "It is suspended.",
            seen(stripped(WIPED, suspend=True), secret=None, listed=()),
            says=(State.READY, Reason.SUSPENDED),
            works=False,
        ),
        row(
            "Its account does not answer: it can be deleted at once, though someone else's finalizer is there.",
            seen(an_api_token(status=WIPED, finalizers=OTHERS), secret=None, listed=TIMEOUT),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
            works=False,
        ),
        row(
            "Its Secret is foreign.",
            seen(an_api_token(status=WIPED, finalizers=OTHERS), secret=a_foreign_secret(), listed=()),
            says=(State.STALLED, Reason.SECRET_NOT_OWNED),
            again=MINUTE / 6,
            works=False,
        ),
        row(
            "Its first token is issued: the finalizer comes on the way, before the claim.",
            seen(an_api_token(status=WIPED, finalizers=OTHERS), secret=None, listed=()),
            does="create",
            says=(State.PROGRESSING, Reason.FIRST_TOKEN),
            records=Noted(current=None),
            works=False,
        ),
    ],
)
def test_an_object_that_never_had_a_token_has_nothing_to_keep_it(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)
