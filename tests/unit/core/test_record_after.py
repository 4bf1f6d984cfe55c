"""The status that follows from a plan and its outcome: what is on record."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus, Expiration, Rotation
from mailtrap_operator.core.actions import Done, Failed, IssueToken, Plan, Published
from mailtrap_operator.core.conditions import status_after, status_of_claim
from mailtrap_operator.core.observation import Observation, RemoteToken, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    FRESH,
    HOUR,
    NOW,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_issuance,
    an_operation,
    seen,
)

REFUSED = Unknown(Reason.REQUEST_REFUSED, "no")
NEW = a_remote_token(2, nonce=FRESH, expires_at=NOW + 90 * DAY)
ISSUANCE = an_issuance(issued_at=NOW)


def after_claim(planned: Plan, subject: ApiToken) -> ApiToken:
    """Return the object as it is once the plan's operation is claimed."""
    assert isinstance(planned.action, IssueToken)
    return subject.model_copy(update={"status": status_of_claim(subject, planned.action, NOW)})


def test_what_was_done_is_recorded_as_planned() -> None:
    subject = an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),)))
    planned = plan(seen(subject, listed=(TOKEN_1, a_remote_token(2))), NOW)

    status = status_after(subject, planned, Done(), NOW)

    assert (planned.record.current, (), "billing", None) == (
        status.current,
        status.previous,
        status.secret_name,
        status.operation,
    )


def test_a_published_token_becomes_current_with_what_it_was_issued_for() -> None:
    subject = an_api_token(status=WIPED, finalizers=())
    planned = plan(seen(subject, secret=None, listed=()), NOW)

    status = status_after(after_claim(planned, subject), planned, Published(NEW, ISSUANCE), NOW)

    assert a_current(2, issued_at=NOW, expires_at=NOW + 90 * DAY) == status.current
    assert (None, (), "billing") == (status.operation, status.previous, status.secret_name)


@pytest.mark.parametrize(
    ("rotation", "left"),
    [
        pytest.param(Rotation(), 12 * HOUR, id="reset"),
        pytest.param(Rotation(strategy="Replace", overlap=HOUR), HOUR, id="replace"),
    ],
)
def test_the_overlap_of_a_superseded_token_begins_with_the_publication(
    rotation: Rotation, left: object
) -> None:
    older = a_previous(9)
    subject = an_api_token(status=a_status(previous=(older,)), rotation=rotation)
    planned = plan(seen(subject, secret=None, listed=(TOKEN_1, a_remote_token(9))), NOW)
    published = NOW + 90 * SECOND + SECOND / 2

    status = status_after(after_claim(planned, subject), planned, Published(NEW, ISSUANCE), published)

    assert older == status.previous[0]
    assert left == status.previous[1].delete_after - NOW - 91 * SECOND


def test_a_token_whose_overlap_begins_again_is_counted_from_the_publication_too() -> None:
    subject = an_api_token(
        status=a_status(operation=an_operation(), current=None, previous=(a_previous(1, delete_after=NOW),))
    )
    world = seen(subject, listed=(TOKEN_1, a_remote_token(2)), unpublished=a_value_in_memory(2))

    status = status_after(subject, plan(world, NOW), Published(NEW, ISSUANCE), NOW + MINUTES)

    assert [NOW + 12 * HOUR + MINUTES] == [token.delete_after for token in status.previous]


MINUTES = 5 * 60 * SECOND


def test_a_failure_leaves_the_record_as_it_is_and_the_claim_open() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)
    claimed = after_claim(planned, subject)

    status = status_after(claimed, planned, Failed(TIMEOUT), NOW)

    assert recorded(claimed.status) == recorded(status)
    assert status.operation is not None


def test_a_definite_failure_closes_the_claim() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)
    claimed = after_claim(planned, subject)

    status = status_after(claimed, planned, Failed(TIMEOUT, closes_claim=True), NOW)

    assert recorded(subject.status) == recorded(status)


def test_a_refused_reset_is_remembered_and_the_next_reconcile_creates() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)

    status = status_after(
        after_claim(planned, subject), planned, Failed(REFUSED, is_final=True, closes_claim=True), NOW
    )

    assert a_current(reset_refused=True) == status.current
    following = plan(seen(an_api_token(status=status), secret=None), NOW).action
    assert isinstance(following, IssueToken)
    assert "Create" == following.operation.type


def test_a_reset_that_is_refused_for_the_clocks_is_tried_again_as_one() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)
    skewed = Failed(Unknown(Reason.CLOCK_SKEWED, "no"), is_final=True, closes_claim=True)

    status = status_after(after_claim(planned, subject), planned, skewed, NOW)

    assert recorded(subject.status) == recorded(status)
    following = plan(seen(an_api_token(status=status), secret=None), NOW).action
    assert isinstance(following, IssueToken)
    assert "Reset" == following.operation.type


def test_a_refused_create_says_nothing_of_the_present_token() -> None:
    subject = an_api_token(display_name="other")
    planned = plan(seen(subject), NOW)

    status = status_after(
        after_claim(planned, subject), planned, Failed(REFUSED, is_final=True, closes_claim=True), NOW
    )

    assert recorded(subject.status) == recorded(status)


def test_a_refused_reset_of_another_token_than_the_current_one_marks_nothing() -> None:
    subject = an_api_token(status=a_status(operation=an_operation("Reset", base=7)))
    planned = plan(seen(subject, listed=TIMEOUT), NOW)

    status = status_after(subject, planned, Failed(REFUSED, is_final=True, closes_claim=True), NOW)

    assert a_current() == status.current


def test_a_refusal_without_a_claim_changes_nothing() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)

    status = status_after(subject, planned, Failed(REFUSED, is_final=True, closes_claim=True), NOW)

    assert recorded(subject.status) == recorded(status)


def recorded(status: ApiTokenStatus) -> object:
    return status.operation, status.current, status.previous, status.secret_name


@pytest.mark.parametrize(
    "expiration",
    [Expiration(), Expiration(policy="After", after=90 * DAY), Expiration(policy="At", at=NOW + 90 * DAY)],
    ids=lambda expiration: expiration.policy,
)
def test_the_renewal_of_a_published_token_is_told_at_once_and_the_next_reconcile_comes_to_the_same(
    expiration: Expiration,
) -> None:
    for microseconds in range(0, 1_000_000, 37_000):
        moment = NOW.replace(microsecond=microseconds)
        subject = an_api_token(status=WIPED, finalizers=(), expiration=expiration)
        planned = plan(seen(subject, secret=None, listed=()), moment)
        assert isinstance(planned.action, IssueToken)
        published = Published(NEW, planned.action.issuance)
        first = status_after(after_claim(planned, subject), planned, published, moment)

        served = an_api_token(status=first, expiration=expiration)
        secret = a_secret(2, nonce=FRESH, issuance=planned.action.issuance)
        again = plan(seen(served, secret=secret, listed=(NEW,)), moment + SECOND)

        assert first == status_after(served, again, Done(), moment + SECOND)
        assert (expiration.policy == "At") == (first.renewal_time is None)


def test_without_a_publication_the_renewal_is_the_plans() -> None:
    subject = an_api_token()
    planned = replace(plan(seen(subject), NOW), renewal_time=NOW + DAY)

    assert NOW + DAY == status_after(subject, planned, Done(), NOW).renewal_time
    assert NOW + DAY == status_after(subject, planned, Failed(TIMEOUT), NOW).renewal_time


ENDING_1 = a_remote_token(expires_at=NOW + DAY)
UNRECORDED = seen(an_api_token(status=a_status(current=a_current(2))), secret=a_secret(), listed=TIMEOUT)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(seen(), "never", id="the token never expires"),
        pytest.param(seen(listed=(ENDING_1,)), "2030-02-01T12:00:00Z", id="it expires"),
        pytest.param(
            seen(an_api_token(status=WIPED, finalizers=()), secret=None, listed=TIMEOUT),
            None,
            id="the ApiToken has none yet",
        ),
        pytest.param(seen(secret=None, listed=TIMEOUT), None, id="its value is lost"),
        pytest.param(UNRECORDED, None, id="it is not on record yet, and no list shows it"),
        pytest.param(seen(an_api_token(deleted=True)), None, id="its object is being deleted"),
    ],
)
def test_the_status_says_in_words_when_the_token_expires(world: Observation, expected: str | None) -> None:
    status = status_after(world.api_token, plan(world, NOW), Done(), NOW)

    assert expected == status.expires


@pytest.mark.parametrize(("token", "expected"), [(NEW, "2030-05-01T12:00:00Z"), (a_remote_token(2), "never")])
def test_a_published_token_says_in_words_when_it_expires(token: RemoteToken, expected: str) -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)

    assert expected == status_after(subject, planned, Published(token, ISSUANCE), NOW).expires


def test_a_published_token_that_never_ends_has_no_renewal() -> None:
    subject = an_api_token()
    planned = plan(seen(subject, secret=None), NOW)

    assert status_after(subject, planned, Published(a_remote_token(2), ISSUANCE), NOW).renewal_time is None


def test_a_plan_that_only_looks_and_tells_changes_nothing() -> None:
    assert not plan(seen(), NOW).changes(an_api_token().status)
    assert plan(seen(secret=None), NOW).changes(an_api_token().status)

    attached = an_api_token(status=WIPED)
    assert plan(seen(attached), NOW).changes(attached.status)
