"""What was changed in Mailtrap: it is corrected or reported, and told in words."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration
from mailtrap_operator.core.actions import Done, IssueToken
from mailtrap_operator.core.digests import permissions_digest
from mailtrap_operator.core.events import events_of
from mailtrap_operator.core.observation import Observation, Permission, RemoteToken
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    TIMEOUT,
    WIPED,
    a_current,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)

AS_GRANTED = (Permission("domain", "7", "Admin"),)
VIEWER = (Permission("domain", "7", "Viewer"),)
NINETY_DAYS = Expiration(policy="After", after=90 * DAY)


def listed(permissions: tuple[Permission, ...] | None = AS_GRANTED, **parts: Any) -> RemoteToken:
    return replace(a_remote_token(**parts), permissions=permissions)


def world(
    *tokens: RemoteToken,
    expires_at: Any = None,
    granted: tuple[Permission, ...] | None = AS_GRANTED,
    **spec: Any,
) -> Observation:
    """Return the served object whose token was granted this, and is listed so."""
    current = a_current(expires_at=expires_at, desired=an_api_token(status=WIPED, **spec)).model_copy(
        update={"granted_digest": permissions_digest(granted)}
    )
    issuance = an_issuance(desired=an_api_token(status=WIPED, **spec))
    return seen(
        an_api_token(status=a_status(current=current), **spec),
        listed=tokens,
        secret=a_secret(issuance=issuance),
    )


OTHER_END = listed(expires_at=NOW + 80 * DAY)


@pytest.mark.parametrize(
    ("seen_world", "does", "reason"),
    [
        pytest.param(world(listed(VIEWER)), "Create", Reason.ACCESS_DRIFTED, id="other permissions"),
        pytest.param(world(listed(())), "Create", Reason.ACCESS_DRIFTED, id="no permission at all"),
        pytest.param(
            world(OTHER_END, expires_at=NOW + 70 * DAY, expiration=NINETY_DAYS),
            "Reset",
            Reason.EXPIRY_DRIFTED,
            id="another end",
        ),
        pytest.param(
            world(OTHER_END, expiration=Expiration(policy="Never")),
            "Reset",
            Reason.EXPIRY_DRIFTED,
            id="an end, where never was granted",
        ),
    ],
)
def test_what_was_changed_in_mailtrap_is_corrected(
    seen_world: Observation, does: str, reason: Reason
) -> None:
    action = plan(seen_world, NOW).action

    assert isinstance(action, IssueToken)
    assert (does, reason) == (action.operation.type, action.reason)


@pytest.mark.parametrize(
    "seen_world",
    [
        pytest.param(world(listed()), id="nothing differs"),
        pytest.param(world(listed(None)), id="Mailtrap does not report permissions"),
        pytest.param(world(listed(VIEWER), granted=None), id="it did not report them when it granted them"),
        pytest.param(world(listed(VIEWER), granted=VIEWER), id="it granted others than were asked for"),
        pytest.param(world(OTHER_END), id="another end, which the server decides"),
    ],
)
def test_no_drift(seen_world: Observation) -> None:
    planned = plan(seen_world, NOW)

    assert (None, ()) == (planned.action, planned.notices)


def test_from_an_account_that_does_not_answer_no_drift_follows() -> None:
    current = a_current().model_copy(update={"granted_digest": permissions_digest(AS_GRANTED)})

    assert () == plan(seen(an_api_token(status=a_status(current=current)), listed=TIMEOUT), NOW).notices


def test_without_a_record_what_is_listed_counts_as_granted() -> None:
    planned = plan(seen(an_api_token(status=WIPED), listed=(listed(VIEWER),)), NOW)

    assert None is planned.action
    assert planned.record.current is not None
    assert permissions_digest(VIEWER) == planned.record.current.granted_digest


@pytest.mark.parametrize(
    ("seen_world", "words"),
    [
        pytest.param(
            world(listed(VIEWER), drift_policy="Report"),
            "Token 1 was changed in Mailtrap: it lacks domain 7 Admin and has domain 7 Viewer beyond the spec.",
            id="permissions",
        ),
        pytest.param(
            world(listed(AS_GRANTED), granted=VIEWER, drift_policy="Report"),
            "Token 1 was changed in Mailtrap: it has other permissions than it was granted.",
            id="permissions that the spec asks for, but that were not granted",
        ),
        pytest.param(
            world(OTHER_END, expiration=Expiration(policy="Never"), drift_policy="Report"),
            "Token 1 was changed in Mailtrap: it expires 2030-04-21T12:00:00Z instead of never.",
            id="expiry",
        ),
    ],
)
def test_different_expiry_is_reported_once(seen_world: Observation, words: str) -> None:
    planned = plan(seen_world, NOW)

    assert None is planned.action
    assert [("Drifted", words)] == [(notice.type, notice.message) for notice in planned.notices]
    assert [("Warning", words)] == [
        (event.type, event.message) for event in events_of(seen_world.api_token, planned, Done())
    ]


def test_a_correction_by_hand_waits_and_both_is_said() -> None:
    planned = plan(world(listed(VIEWER), rotation={"policy": "Manual"}), NOW)

    assert None is planned.action
    assert ["RotationPending", "Drifted"] == [notice.type for notice in planned.notices]


def test_a_token_that_was_reset_elsewhere_has_a_successor_and_no_drift() -> None:
    successor = listed(id_=2, name=f"{a_remote_token().name} 2")
    reset = listed(expires_at=NOW + 12 * HOUR)
    action = plan(world(reset, successor, expires_at=NOW + 70 * DAY, expiration=NINETY_DAYS), NOW).action

    assert not isinstance(action, IssueToken)
