"""Each check looks at one wrong alone; the first that fires is the answer."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Expiration, Rotation
from mailtrap_operator.core import causes
from mailtrap_operator.core.causes import BY_REASON, CAUSES, Cause, cause_of
from mailtrap_operator.core.observation import AccountView, Observation, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_foreign_secret,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    an_issuance,
    seen,
)

EXPIRED = a_current(expires_at=NOW)
NEVER = Expiration(policy="Never")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(seen(), None, id="it lives"),
        pytest.param(seen(secret=None), None, id="it lives, only the Secret is gone"),
        pytest.param(seen(listed=TIMEOUT), None, id="no one says that it does not live"),
        pytest.param(
            seen(an_api_token(status=WIPED), secret=None, listed=()),
            Reason.FIRST_TOKEN,
            id="there never was one",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED), secret=a_foreign_secret(), listed=()),
            Reason.FIRST_TOKEN,
            id="there never was one, and a foreign Secret tells nothing",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED), secret=an_edited_secret(), listed=()),
            Reason.TOKEN_GONE,
            id="only the marks of the Secret report it",
        ),
        pytest.param(seen(listed=()), Reason.TOKEN_GONE, id="it is listed no more"),
        pytest.param(
            seen(an_api_token(status=a_status(current=EXPIRED)), listed=(a_remote_token(expires_at=NOW),)),
            Reason.TOKEN_EXPIRED,
            id="it expires this very second",
        ),
        pytest.param(
            seen(listed=(a_remote_token(expires_at=NOW + SECOND),)),
            None,
            id="it expires in a second",
        ),
    ],
)
def test_a_token_that_does_not_live_was_never_there_or_is_expired_or_gone(
    world: Observation, expected: Reason | None
) -> None:
    missing = [BY_REASON[reason] for reason in (Reason.FIRST_TOKEN, Reason.TOKEN_EXPIRED, Reason.TOKEN_GONE)]

    found = next((cause.reason for cause in missing if cause.check(ObservedState(world, NOW))), None)

    assert expected == found


@pytest.mark.parametrize(
    ("check", "world", "applies"),
    [
        pytest.param(causes.access_has_changed, seen(), False, id="the permissions are those of the token"),
        pytest.param(
            causes.access_has_changed, seen(listed=()), False, id="without a token no permissions differ"
        ),
        pytest.param(
            causes.access_has_changed,
            seen(an_api_token(display_name="other")),
            True,
            id="the name is another one",
        ),
        pytest.param(
            causes.access_has_changed,
            seen(an_api_token(account_ref=OTHER_ACCOUNT), listed=(), listed_elsewhere=(TOKEN_1,)),
            True,
            id="the account is another one",
        ),
        pytest.param(causes.secret_is_missing, seen(), False, id="the Secret is there"),
        pytest.param(
            causes.secret_is_missing, seen(secret=an_edited_secret()), False, id="an edited Secret is there"
        ),
        pytest.param(causes.secret_is_missing, seen(secret=None), True, id="the Secret is gone"),
        pytest.param(causes.secret_is_edited, seen(), False, id="the Secret holds the value"),
        pytest.param(
            causes.secret_is_edited,
            seen(secret=an_edited_secret()),
            True,
            id="the Secret holds no value",
        ),
        pytest.param(
            causes.secret_is_edited,
            seen(secret=a_secret(None)),
            True,
            id="the Secret does not say whose value it holds",
        ),
        pytest.param(
            causes.secret_is_edited,
            seen(secret=a_secret(issuance=None)),
            True,
            id="the Secret does not say what its token was issued for",
        ),
        pytest.param(
            causes.secret_is_edited,
            seen(secret=a_secret(4)),
            True,
            id="the Secret holds the value of a dead token",
        ),
        pytest.param(causes.expiration_has_changed, seen(), False, id="the expiration is as desired"),
        pytest.param(
            causes.expiration_has_changed,
            seen(an_api_token(expiration=NEVER)),
            True,
            id="another expiration is desired",
        ),
        pytest.param(
            causes.expiration_has_changed,
            seen(an_api_token(expiration=NEVER), listed=()),
            False,
            id="without a token no expiration differs",
        ),
        pytest.param(causes.renewal_is_due, seen(), False, id="a token that never expires is never due"),
        pytest.param(causes.renewal_is_due, seen(listed=()), False, id="a token that is gone is not renewed"),
        pytest.param(
            causes.renewal_is_due,
            seen(listed=(a_remote_token(expires_at=NOW + HOUR),)),
            True,
            id="the token ends soon",
        ),
    ],
)
def test_each_check_looks_at_one_wrong_alone(
    check: Callable[[ObservedState], bool],
    world: Observation,
    applies: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert applies == check(ObservedState(world, NOW))


def test_permissions_are_not_compared_while_the_account_object_is_missing() -> None:
    world = seen(an_api_token(display_name="other"))
    view = AccountView(world.account.ref, None, Unknown(Reason.ACCOUNT_NOT_FOUND, "Create it."))
    blind = ObservedState(
        Observation(world.api_token, world.secret, (view,), world.identity, world.fresh_nonce), NOW
    )

    assert not causes.access_has_changed(blind)


def test_a_renewal_is_due_from_its_very_second_on() -> None:
    current = a_current(issued_at=NOW - 10 * DAY, expires_at=NOW + 80 * DAY)
    world = seen(
        an_api_token(status=a_status(current=current)), listed=(a_remote_token(expires_at=NOW + 80 * DAY),)
    )
    due = causes.renewal_of(ObservedState(world, NOW), current)

    assert due is not None
    assert not causes.renewal_is_due(ObservedState(world, due - SECOND / 10))
    assert causes.renewal_is_due(ObservedState(world, due))


AT = NOW + 30 * DAY


@pytest.mark.parametrize(
    ("expires_at", "is_renewed"),
    [
        pytest.param(AT, False, id="the token ends at the desired date: a successor would, too"),
        pytest.param(AT + DAY, False, id="the server granted more than was desired"),
        pytest.param(NOW + 12 * HOUR, True, id="someone reset the token: it ends before the desired date"),
        pytest.param(None, False, id="an old server granted no end"),
    ],
)
def test_a_token_that_ends_at_a_desired_date_is_not_renewed(expires_at: Any, is_renewed: bool) -> None:  # noqa: FBT001 - a column of the table
    desired = an_api_token(expiration=Expiration(policy="At", at=AT))
    current = a_current(expires_at=expires_at and AT, desired=desired)
    api_token = an_api_token(expiration=desired.spec.expiration, status=a_status(current=current))
    world = seen(
        api_token,
        secret=a_secret(issuance=an_issuance(desired=desired)),
        listed=(a_remote_token(expires_at=expires_at),),
    )

    assert is_renewed == (causes.renewal_of(ObservedState(world, NOW), current) is not None)


def test_a_renewal_is_calculated_by_the_end_that_the_list_names() -> None:
    current = a_current(issued_at=NOW - 10 * DAY, expires_at=NOW + 80 * DAY)
    api_token = an_api_token(rotation=Rotation(renew_before=DAY), status=a_status(current=current))
    as_recorded = ObservedState(seen(api_token, listed=TIMEOUT), NOW)
    shortened = ObservedState(seen(api_token, listed=(a_remote_token(expires_at=NOW + 40 * DAY),)), NOW)

    recorded, listed = causes.renewal_of(as_recorded, current), causes.renewal_of(shortened, current)

    assert recorded is not None
    assert listed is not None
    assert 40 * DAY == recorded - listed


ALL_WRONG: list[tuple[str, Observation, Reason]] = [
    (
        "nothing is right: the token comes first",
        seen(an_api_token(display_name="other", expiration=NEVER), secret=None, listed=()),
        Reason.TOKEN_GONE,
    ),
    (
        "the permissions come before the Secret, for a reset would not be enough",
        seen(an_api_token(display_name="other", expiration=NEVER), secret=None),
        Reason.ACCESS_CHANGED,
    ),
    (
        "a lost Secret comes before the expiration, for no one can wait for it",
        seen(an_api_token(expiration=NEVER), secret=None),
        Reason.SECRET_MISSING,
    ),
    (
        "an edited Secret, too",
        seen(an_api_token(expiration=NEVER), secret=an_edited_secret()),
        Reason.SECRET_EDITED,
    ),
    (
        "a changed expiration comes before a renewal that is due anyway",
        seen(an_api_token(expiration=NEVER), listed=(a_remote_token(expires_at=NOW + HOUR),)),
        Reason.EXPIRATION_CHANGED,
    ),
]


@pytest.mark.parametrize(("observed", "world", "expected"), ALL_WRONG, ids=[row[0] for row in ALL_WRONG])
def test_the_first_check_that_fires_is_the_answer(
    observed: str, world: Observation, expected: Reason
) -> None:
    assert BY_REASON[expected] == cause_of(ObservedState(world, NOW)), observed


def test_no_check_fires_for_a_served_object() -> None:
    assert cause_of(ObservedState(seen(), NOW)) is None


def test_every_cause_has_one_row() -> None:
    assert len(CAUSES) == len(BY_REASON)


def test_no_property_of_a_cause_has_a_default_that_could_be_forgotten() -> None:
    assert [] == [part.name for part in fields(Cause) if part.default is not MISSING]
