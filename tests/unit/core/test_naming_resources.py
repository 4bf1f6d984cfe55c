"""Resources by name: bound before a token is made for them; what is not known changes no token that works."""

import pytest

from mailtrap_operator.api.v1alpha1 import Rotation
from mailtrap_operator.core.actions import IssueToken, State
from mailtrap_operator.core.conditions import status_of_claim
from mailtrap_operator.core.dry_run import steps_of
from mailtrap_operator.core.observation import Catalogue, Found, Observation, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    NOW,
    OTHER_ACCOUNT,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_issuance,
    seen,
)
from tests.unit.core.named import BOUND, ELSEWHERE, NAMED, RENAMED, SHOP, UNUSED, a_catalogue, asked, named
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row
from tests.unit.core.test_first_token import FIRST, UNLISTED

UNKNOWN, AMBIGUOUS = (State.STALLED, Reason.RESOURCE_UNKNOWN), (State.STALLED, Reason.RESOURCE_AMBIGUOUS)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object whose name stands for a resource gets its token without a LIST.",
            asked(seen(UNUSED, secret=None, listed=UNLISTED)),
            does="create",
            says=FIRST,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "Before anyone asked, a closer look is needed.",
            asked(seen(UNUSED, secret=None, listed=UNLISTED), None),
            says=(State.BLOCKED, Reason.ACCOUNT_NOT_LISTED),
            works=False,
        ),
        row(
            "Nothing is guessed while the account does not answer.",
            asked(seen(UNUSED, secret=None, listed=UNLISTED), TIMEOUT),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
            works=False,
        ),
        row(
            "No resource has the name: no token is made.",
            asked(seen(UNUSED, secret=None, listed=UNLISTED), ELSEWHERE),
            says=UNKNOWN,
            again=MINUTE,
            works=False,
        ),
        row(
            "Two resources have the name: no token is made.",
            asked(seen(UNUSED, secret=None, listed=UNLISTED), a_catalogue(SHOP, ("domain", SHOP[1], 8))),
            says=AMBIGUOUS,
            again=MINUTE,
            works=False,
        ),
        row(
            "Name and id stand for one resource: no token is made.",
            asked(seen(named(DOMAIN, NAMED, status=WIPED, finalizers=()), secret=None, listed=UNLISTED)),
            says=(State.STALLED, Reason.SPEC_INVALID),
            again=MINUTE,
            works=False,
        ),
        row(
            "The trouble of the account itself comes first.",
            asked(seen(UNUSED, secret=None, listed=Unknown(Reason.CREDENTIAL_REFUSED, "no")), None),
            says=(State.BLOCKED, Reason.CREDENTIAL_REFUSED),
            works=False,
        ),
    ],
)
def test_a_first_token_is_made_for_what_is_known_alone(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_token_is_asked_for_by_ids_and_the_claim_keeps_what_the_names_stand_for() -> None:
    planned = plan(asked(seen(UNUSED, secret=None, listed=UNLISTED)), NOW)

    assert isinstance(planned.action, IssueToken)
    assert ((DOMAIN,), (BOUND,)) == (planned.action.resources, planned.action.bound)
    assert an_issuance(issued_at=NOW) == planned.action.issuance
    assert (BOUND,) == status_of_claim(UNUSED, planned.action, NOW).resources


ENDING = a_current(issued_at=NOW - 90 * DAY, expires_at=NOW + HOUR)
RESET = Noted(current=None, previous=(Leaving(1, 12 * HOUR),))
READY = (State.READY, Reason.TOKEN_PUBLISHED)
OVERDUE = a_status(previous=(a_previous(2, delete_after=NOW),))
REPLACE = Rotation(strategy="Replace")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("Nothing changed: no one needs to ask.", asked(seen(named(bound=(BOUND,))), None), says=READY),
        row(
            "The resource was renamed in Mailtrap.",
            asked(seen(named(bound=(BOUND,))), ELSEWHERE),
            says=READY,
        ),
        row("The status is lost: the name is looked up again.", asked(seen(named())), says=READY),
        row("The name took the place of the id.", asked(seen(named())), says=READY),
        row("The id took the place of the name.", seen(named(DOMAIN, bound=(BOUND,))), says=READY),
        row(
            "The new name of the same resource.",
            asked(seen(named(RENAMED, bound=(BOUND,))), a_catalogue(("domain", "new.example", 7))),
            says=READY,
        ),
        row(
            "The name of another resource: the token is replaced.",
            asked(seen(named(RENAMED, bound=(BOUND,))), a_catalogue(SHOP, ("domain", "new.example", 9))),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=RESET,
        ),
        row(
            "A name that was not looked up yet calls for a closer look.",
            asked(seen(named()), None),
            says=(State.BLOCKED, Reason.ACCOUNT_NOT_LISTED),
        ),
        row(
            "The account does not tell: the token is kept.",
            asked(seen(named(RENAMED, bound=(BOUND,))), TIMEOUT),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
        ),
        row(
            "The account object is missing: that comes first.",
            asked(seen(named(), listed=Unknown(Reason.ACCOUNT_NOT_FOUND, "Create it.")), None),
            says=(State.BLOCKED, Reason.ACCOUNT_NOT_FOUND),
        ),
        row(
            "No resource has the name: the token is kept.",
            asked(seen(named(RENAMED, bound=(BOUND,)))),
            says=UNKNOWN,
            again=MINUTE,
        ),
        row(
            "The display name changed besides: that waits too.",
            asked(seen(named(RENAMED, display_name="other"))),
            says=UNKNOWN,
            again=MINUTE,
        ),
        row(
            "The account changed besides: that waits too, and no token of one account is reset in another.",
            asked(
                seen(
                    named(RENAMED, account_ref=OTHER_ACCOUNT, status=a_status(current=ENDING)),
                    listed=(),
                    listed_elsewhere=(a_remote_token(expires_at=NOW + HOUR),),
                ),
                Found(Catalogue(4711, ())),
            ),
            says=UNKNOWN,
            again=MINUTE,
        ),
        row(
            "A renewal by reset needs no names.",
            asked(
                seen(
                    named(RENAMED, status=a_status(current=ENDING)),
                    listed=(a_remote_token(expires_at=NOW + HOUR),),
                )
            ),
            does="reset 1",
            says=(State.PROGRESSING, Reason.RENEWAL_DUE),
            records=RESET,
        ),
        row(
            "Nor does it where the account does not report its resources.",
            asked(seen(named(), secret=None), TIMEOUT),
            does="reset 1",
            says=(State.PROGRESSING, Reason.SECRET_MISSING),
            records=RESET,
            works=False,
        ),
        row(
            "A renewal by replacement waits.",
            asked(
                seen(
                    named(RENAMED, rotation=REPLACE, status=a_status(current=ENDING)),
                    listed=(a_remote_token(expires_at=NOW + HOUR),),
                )
            ),
            says=UNKNOWN,
            again=MINUTE,
        ),
        row(
            "What else is overdue does not wait for it.",
            asked(
                seen(
                    named(RENAMED, rotation=REPLACE, status=OVERDUE),
                    secret=a_secret(data={}),
                    listed=(TOKEN_1, a_remote_token(2)),
                )
            ),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
            works=False,
        ),
        row(
            "The token is gone in Mailtrap: its successor waits.",
            asked(seen(named(RENAMED), listed=())),
            says=UNKNOWN,
            again=MINUTE,
            works=False,
        ),
        row(
            "A suspended object asks for nothing.",
            asked(seen(named(suspend=True)), None),
            says=(State.READY, Reason.SUSPENDED),
        ),
    ],
)
def test_a_token_that_works_is_kept_until_its_successor_is_known(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


def test_a_reset_meanwhile_keeps_in_mind_what_the_token_may_do() -> None:
    planned = plan(asked(seen(named(RENAMED), secret=None)), NOW)

    assert isinstance(planned.action, IssueToken)
    assert a_current().access_digest == planned.action.issuance.access_digest


def test_dry_run_keeps_reporting() -> None:
    first, stalled = asked(seen(UNUSED, secret=None, listed=())), asked(seen(named(RENAMED)))

    assert ("create a token",) == steps_of(plan(first, NOW), ObservedState(first, NOW))
    assert () == steps_of(plan(stalled, NOW), ObservedState(stalled, NOW))
