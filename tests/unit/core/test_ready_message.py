"""What the condition `Ready` says of a token that works: what comes next, and when."""

from datetime import datetime

import pytest

from mailtrap_operator.api.v1alpha1 import PreviousToken, Rotation, Window
from mailtrap_operator.core.ready_message import ready_message
from tests.unit.core.builders import CURRENT_1, DAY, HOUR, NOW, a_previous

WORKS = "The Secret holds a living token."
AFTER_IT = "2030-02-02T12:00:00Z"
SUCCESSOR = f"{WORKS} Its successor is due at 2030-02-01T12:00:00Z."


MANUAL = Rotation(policy="Manual")


def for_consumers(id_: int) -> PreviousToken:
    return a_previous(id_).model_copy(update={"waits_for": "Consumers"})


@pytest.mark.parametrize(
    ("renewal_time", "expires", "previous", "expected"),
    [
        pytest.param(NOW + DAY, AFTER_IT, (), SUCCESSOR, id="a successor is due"),
        pytest.param(
            None,
            "2030-02-01T12:00:00Z",
            (),
            f"{WORKS} It expires at 2030-02-01T12:00:00Z.",
            id="it ends as was asked for",
        ),
        pytest.param(None, "never", (), f"{WORKS} It never expires.", id="it never expires"),
        pytest.param(None, None, (), WORKS, id="it is not known when it expires"),
        pytest.param(
            NOW + DAY,
            AFTER_IT,
            (a_previous(2),),
            f"{SUCCESSOR} Token 2 is deleted after 2030-01-31T13:00:00Z.",
            id="a former token has a date",
        ),
        pytest.param(
            NOW + DAY,
            AFTER_IT,
            (a_previous(2, delete_after=NOW + 2 * HOUR), for_consumers(3)),
            f"{SUCCESSOR} Token 3 is deleted after 2030-01-31T13:00:00Z, when its consumers have moved; 1 more after it.",
            id="the first of several waits for its consumers",
        ),
    ],
)
def test_ready_message_says_what_comes_next(
    renewal_time: datetime | None,
    expires: str | None,
    previous: tuple[PreviousToken, ...],
    expected: str,
) -> None:
    told = ready_message(CURRENT_1, previous, Rotation(), expires=expires, renewal_time=renewal_time)

    assert expected == told


def test_manual_rotation_is_explained_in_the_ready_message() -> None:
    told = ready_message(CURRENT_1, (), MANUAL, expires="2030-02-01T12:00:00Z", renewal_time=None)

    assert (
        f"{WORKS} It expires at 2030-02-01T12:00:00Z. It is rotated when the annotation mailtrap-operator.io/rotate "
        "asks for it: rotation.policy is Manual."
    ) == told


def test_token_that_is_not_on_record_is_not_described() -> None:
    assert WORKS == ready_message(None, (), Rotation(), expires=None, renewal_time=None)


WEEKLY = (Window(schedule="0 3 * * sun", duration=HOUR),)
ADVICE = "Set spec.expiration or spec.rotation.every."


@pytest.mark.parametrize(
    ("rotation", "words"),
    [
        pytest.param(Rotation(renew_before=DAY), "renewBefore", id="renewBefore"),
        pytest.param(Rotation(renew_before_percentage=25), "renewBeforePercentage", id="a percentage"),
        pytest.param(Rotation(windows=WEEKLY), "windows", id="windows"),
        pytest.param(Rotation(windows=WEEKLY, renew_before=DAY), "renewBefore and windows", id="two of them"),
    ],
)
def test_settings_that_rotate_nothing_are_told_where_the_token_never_expires(
    rotation: Rotation, words: str
) -> None:
    never = ready_message(CURRENT_1, (), rotation, expires="never", renewal_time=None)
    due = ready_message(CURRENT_1, (), rotation, expires=AFTER_IT, renewal_time=NOW + DAY)

    assert (
        f"{WORKS} It never expires, and spec.rotation.every is not set: nothing is rotated because of {words}. {ADVICE}"
    ) == never
    assert SUCCESSOR == due


@pytest.mark.parametrize(
    ("rotation", "is_shorter"),
    [
        (Rotation(overlap=13 * HOUR), True),
        (Rotation(overlap=12 * HOUR), False),
        (Rotation(overlap=13 * HOUR, strategy="Replace"), False),
    ],
    ids=["longer than a reset's", "a reset's", "a replacement"],
)
def test_an_overlap_that_no_reset_has_is_told(rotation: Rotation, *, is_shorter: bool) -> None:
    words = (
        "After a reset the old token works for 12h only, not for spec.rotation.overlap: set spec.rotation.strategy to "
        "Replace."
    )
    told = ready_message(CURRENT_1, (), rotation, expires=AFTER_IT, renewal_time=NOW + DAY)

    assert (f"{SUCCESSOR} {words}" if is_shorter else SUCCESSOR) == told
