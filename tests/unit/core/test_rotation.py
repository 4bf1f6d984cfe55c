"""Whether a rotation may begin: what waits for the user, what for a window, and what never waits."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import Expiration, Rotation, Window
from mailtrap_operator.core.actions import Done, IssueToken, Notice, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.events import events_of
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    a_current,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)

MANUAL = Rotation(policy="Manual")
TONIGHT = NOW + 14 * HOUR
IN_THE_NIGHT = Rotation(windows=(Window(schedule="0 2 * * *", duration=HOUR),))
IN_MARCH = (Window(schedule="0 2 1 3 *", duration=HOUR),)
FIRST_OF_MARCH = datetime(2030, 3, 1, 2, tzinfo=UTC)
NEVER = Expiration(policy="Never")
PENDING: Literal["RotationPending"] = "RotationPending"


def ending(expires_in: timedelta, rotation: Rotation, **spec: Any) -> Observation:
    """Return the served object whose token was granted ninety days, all but `expires_in` of which are over."""
    end = NOW + expires_in
    current = a_current(issued_at=end - 90 * DAY, expires_at=end)
    status = a_status(current=current)
    return seen(
        an_api_token(status=status, rotation=rotation, **spec), listed=(a_remote_token(expires_at=end),)
    )


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(ending(20 * DAY, MANUAL), id="renewal due"),
        pytest.param(seen(an_api_token(rotation=MANUAL, expiration=NEVER)), id="expiration changed"),
        pytest.param(seen(an_api_token(rotation=MANUAL, display_name="other")), id="name changed"),
        pytest.param(
            seen(
                an_api_token(rotation=MANUAL),
                listed=(a_remote_token(expires_at=NOW + 12 * HOUR), a_remote_token(2, name="x 2")),
            ),
            id="token reset remotely",
        ),
        pytest.param(
            seen(an_api_token(rotation=Rotation(policy="Manual", every=29 * DAY))), id="older than its period"
        ),
    ],
)
def test_a_rotation_by_hand_waits_for_the_annotation(world: Observation) -> None:
    planned = plan(world, NOW)

    assert not isinstance(planned.action, IssueToken)
    assert (PENDING,) == tuple(notice.type for notice in planned.notices)
    assert planned.works
    assert ROTATE_ANNOTATION in planned.notices[0].message


@pytest.mark.parametrize(
    "rotation", [MANUAL, IN_THE_NIGHT], ids=["rotation by hand", "rotation in the night"]
)
@pytest.mark.parametrize(
    ("spec", "world", "reason"),
    [
        pytest.param({}, {"secret": None}, Reason.SECRET_MISSING, id="Secret deleted"),
        pytest.param({"display_name": "x"}, {"secret": None}, Reason.ACCESS_CHANGED, id="and renamed"),
        pytest.param({}, {"secret": a_secret(data={})}, Reason.SECRET_EDITED, id="Secret edited"),
        pytest.param({}, {"listed": ()}, Reason.TOKEN_GONE, id="token deleted remotely"),
        pytest.param(
            {}, {"listed": (a_remote_token(expires_at=NOW),)}, Reason.TOKEN_EXPIRED, id="token expired"
        ),
        pytest.param(
            {"annotations": {ROTATE_ANNOTATION: "1"}, "display_name": "x"},
            {},
            Reason.ROTATION_REQUESTED,
            id="rotation requested",
        ),
    ],
)
def test_what_was_lost_or_is_requested_never_waits(
    rotation: Rotation, spec: dict[str, Any], world: dict[str, Any], reason: Reason
) -> None:
    planned = plan(seen(an_api_token(rotation=rotation, **spec), **world), NOW)

    assert isinstance(planned.action, IssueToken)
    assert (reason, ()) == (planned.action.reason, planned.notices)


@pytest.mark.parametrize(
    ("world", "again", "reason", "words"),
    [
        pytest.param(
            ending(20 * DAY, IN_THE_NIGHT),
            TONIGHT - NOW,
            Reason.RENEWAL_DUE,
            "the window that opens at 2030-02-01T02:00:00Z.",
            id="closed, and opens before the token ends",
        ),
        pytest.param(
            seen(an_api_token(rotation=IN_THE_NIGHT, expiration=NEVER)),
            TONIGHT - NOW,
            Reason.EXPIRATION_CHANGED,
            "the window that opens at 2030-02-01T02:00:00Z.",
            id="closed, and the token never ends",
        ),
        pytest.param(
            ending(20 * DAY, Rotation(windows=IN_MARCH)),
            20 * DAY - HOUR,
            Reason.NO_WINDOW_BEFORE_EXPIRY,
            "it is rotated outside of them at 2030-02-20T11:00:00Z.",
            id="opens after the token ends: an hour before its end is left",
        ),
        pytest.param(
            ending(TONIGHT - NOW + MINUTE, IN_THE_NIGHT),
            TONIGHT - NOW + MINUTE - HOUR,
            Reason.NO_WINDOW_BEFORE_EXPIRY,
            "it is rotated outside of them at 2030-02-01T01:01:00Z.",
            id="opens a minute before the token ends: too late to try again",
        ),
        pytest.param(
            ending(TONIGHT - NOW + MINUTE, IN_THE_NIGHT.model_copy(update={"outside_windows": "Never"})),
            TONIGHT - NOW,
            Reason.RENEWAL_DUE,
            "the window that opens at 2030-02-01T02:00:00Z.",
            id="opens a minute before the token ends, and nothing may happen outside",
        ),
        pytest.param(
            ending(20 * DAY, Rotation(windows=IN_MARCH, outside_windows="Never")),
            20 * DAY,
            Reason.NO_WINDOW_BEFORE_EXPIRY,
            "Add one.",
            id="opens after the token ends, and nothing may happen outside",
        ),
    ],
)
def test_a_rotation_waits_for_its_window(
    world: Observation, again: timedelta, reason: Reason, words: str
) -> None:
    planned = plan(world, NOW)

    assert (None, State.READY, again) == (planned.action, planned.finding.state, planned.requeue_after)
    assert ((PENDING, reason),) == tuple((notice.type, notice.reason) for notice in planned.notices)
    assert planned.notices[0].message.endswith(words) or words in planned.notices[0].message


@pytest.mark.parametrize(
    ("world", "now"),
    [
        pytest.param(ending(20 * DAY, IN_THE_NIGHT), TONIGHT, id="the window opens"),
        pytest.param(ending(20 * DAY, IN_THE_NIGHT), TONIGHT + HOUR - SECOND, id="the window closes soon"),
        pytest.param(
            ending(20 * DAY, Rotation(windows=IN_MARCH)),
            NOW + 20 * DAY - HOUR,
            id="no window before the end, which comes in an hour",
        ),
        pytest.param(
            ending(20 * DAY, Rotation(windows=IN_MARCH, outside_windows="Never")),
            NOW + 20 * DAY,
            id="nothing may happen outside, and the token has ended",
        ),
    ],
)
def test_a_rotation_begins(world: Observation, now: datetime) -> None:
    planned = plan(world, now)

    assert isinstance(planned.action, IssueToken)
    assert () == planned.notices


def test_a_short_lived_token_that_no_window_saves_is_rotated_in_its_last_tenth() -> None:
    end = NOW + 10 * MINUTE
    current = a_current(issued_at=end - HOUR, expires_at=end)
    api_token = an_api_token(status=a_status(current=current), rotation=Rotation(windows=IN_MARCH))

    assert 4 * MINUTE == plan(seen(api_token, listed=(a_remote_token(expires_at=end),)), NOW).requeue_after


def test_a_pending_rotation_is_a_condition_beside_ready() -> None:
    world = ending(20 * DAY, MANUAL)
    planned = plan(world, NOW)

    conditions = status_after(world.api_token, planned, Done(), NOW).conditions
    assert [("Ready", "True"), (PENDING, "True")] == [(c.type, c.status) for c in conditions]
    assert (Notice(PENDING, Reason.RENEWAL_DUE, conditions[1].message),) == planned.notices


ASKED = {ROTATE_ANNOTATION: "2030-01-31"}


def test_a_request_is_answered_by_exactly_one_rotation() -> None:
    asked = an_api_token(annotations=ASKED)
    planned = plan(seen(asked), NOW)
    assert isinstance(planned.action, IssueToken)

    issuance = an_issuance().model_copy(update={"rotate_request": "2030-01-31"})
    answered = a_current().model_copy(update={"rotate_request": "2030-01-31"})
    world = seen(
        an_api_token(annotations=ASKED, status=a_status(current=answered)), secret=a_secret(issuance=issuance)
    )

    assert "2030-01-31" == planned.action.issuance.rotate_request
    assert None is plan(world, NOW).action
    assert (
        "2030-01-31"
        == status_after(world.api_token, plan(world, NOW), Done(), NOW).last_handled_rotate_request
    )


def test_a_request_stays_answered_when_the_status_is_lost() -> None:
    issuance = an_issuance().model_copy(update={"rotate_request": "2030-01-31"})
    world = seen(
        an_api_token(annotations=ASKED, status=a_status(current=None)), secret=a_secret(issuance=issuance)
    )

    planned = plan(world, NOW)
    assert (None, "2030-01-31") == (planned.action, (planned.record.current or a_current()).rotate_request)


def test_a_request_stays_answered_while_the_annotation_is_away() -> None:
    answered = a_current().model_copy(update={"rotate_request": "2030-01-31"})
    world = seen(an_api_token(expiration=NEVER, status=a_status(current=answered)), secret=None)

    action = plan(world, NOW).action
    assert isinstance(action, IssueToken)
    assert "2030-01-31" == action.issuance.rotate_request


@pytest.mark.parametrize("value", ["", None], ids=["empty", "away"])
def test_no_request_rotates_nothing(value: str | None) -> None:
    annotations = {} if value is None else {ROTATE_ANNOTATION: value}

    assert None is plan(seen(an_api_token(annotations=annotations)), NOW).action


def test_a_request_too_long_for_the_status_is_kept_as_its_digest() -> None:
    action = plan(seen(an_api_token(annotations={ROTATE_ANNOTATION: "x" * 257})), NOW).action

    assert isinstance(action, IssueToken)
    assert 16 == len(action.issuance.rotate_request)


@pytest.mark.parametrize(
    ("rotation", "type_"),
    [(MANUAL, "Normal"), (Rotation(windows=IN_MARCH), "Warning")],
    ids=["by hand", "no window"],
)
def test_a_rotation_that_waits_is_told_once(rotation: Rotation, type_: str) -> None:
    world = ending(20 * DAY, rotation)
    planned = plan(world, NOW)
    told = status_after(world.api_token, planned, Done(), NOW)

    (event,) = events_of(world.api_token, planned, Done())
    assert (type_, planned.notices[0].reason) == (event.type, event.reason)
    assert [] == list(events_of(world.api_token.model_copy(update={"status": told}), planned, Done()))
