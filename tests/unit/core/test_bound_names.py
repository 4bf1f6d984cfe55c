"""What names stand for, on record: kept with the claim, forgotten with the spec, doubted after a refusal."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus
from mailtrap_operator.core.actions import Done, Failed, IssueToken, Published
from mailtrap_operator.core.conditions import status_after, status_of_claim
from mailtrap_operator.core.digests import permissions_digest
from mailtrap_operator.core.observation import Permission, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DOMAIN,
    NOW,
    SECRET_1,
    TIMEOUT,
    TOKEN_1,
    a_current,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)
from tests.unit.core.named import BOUND, ELSEWHERE, RENAMED, TREE, UNUSED, Answer, asked, named
from tests.unit.core.test_first_token import UNLISTED


@pytest.mark.parametrize(
    ("subject", "catalogue", "bound"),
    [
        pytest.param(named(), TREE, (BOUND,), id="a name was looked up"),
        pytest.param(named(bound=(BOUND,)), None, (BOUND,), id="it was before"),
        pytest.param(named(DOMAIN, bound=(BOUND,)), None, (), id="it left the spec"),
        pytest.param(named(RENAMED, bound=(BOUND,)), TREE, (), id="another took its place, yet unknown"),
    ],
)
def test_what_names_stand_for_goes_into_the_status(
    subject: ApiToken, catalogue: Answer, bound: object
) -> None:
    planned = plan(asked(seen(subject), catalogue), NOW)
    status = status_after(subject, planned, Done(), NOW)

    assert planned.action is None
    assert bound == status.resources
    assert (bound != subject.status.resources) == planned.changes(subject.status)


def test_an_object_that_is_terminating_keeps_what_its_names_stood_for() -> None:
    planned = plan(seen(named(bound=(BOUND,), deleted=True)), NOW)

    assert (BOUND,) == planned.record.resources


def status_when(outcome: Published | Failed, subject: ApiToken = UNUSED) -> ApiTokenStatus:
    """Return the status after the first token was claimed, or its claim failed."""
    planned = plan(asked(seen(subject, secret=None, listed=UNLISTED)), NOW)
    assert isinstance(planned.action, IssueToken)
    claimed = subject.model_copy(update={"status": status_of_claim(subject, planned.action, NOW)})
    return status_after(claimed, planned, outcome, NOW)


REFUSED = Unknown(Reason.REQUEST_REFUSED, "no")


@pytest.mark.parametrize(
    ("outcome", "bound"),
    [
        pytest.param(Published(TOKEN_1, an_issuance()), (BOUND,), id="it was made"),
        pytest.param(Failed(TIMEOUT), (BOUND,), id="the answer is lost"),
        pytest.param(Failed(TIMEOUT, closes_claim=True), (BOUND,), id="nothing was made"),
        pytest.param(Failed(REFUSED, is_final=True), (BOUND,), id="the Secret was refused"),
        pytest.param(
            Failed(REFUSED, is_final=True, closes_claim=True), (), id="Mailtrap refused: an id may be gone"
        ),
    ],
)
def test_names_are_looked_up_again_when_mailtrap_refuses_what_they_stood_for(
    outcome: Published | Failed, bound: object
) -> None:
    assert bound == status_when(outcome).resources


def test_what_was_looked_up_before_a_failure_is_not_looked_up_again() -> None:
    planned = plan(asked(seen(UNUSED, secret=None, listed=UNLISTED)), NOW)

    assert (BOUND,) == status_after(UNUSED, planned, Failed(TIMEOUT), NOW).resources


def test_a_refused_reset_says_nothing_of_names() -> None:
    subject = named(bound=(BOUND,))
    planned = plan(seen(subject, secret=None), NOW)
    assert isinstance(planned.action, IssueToken)
    claimed = subject.model_copy(update={"status": status_of_claim(subject, planned.action, NOW)})

    refused = Failed(REFUSED, is_final=True, closes_claim=True)
    assert (BOUND,) == status_after(claimed, planned, refused, NOW).resources


@pytest.mark.parametrize(
    ("catalogue", "words"),
    [
        (TREE, "it lacks domain 7 Admin and has domain 7 Viewer beyond the spec."),
        (ELSEWHERE, "it has other permissions than it was granted."),
    ],
)
def test_drift_is_told_by_ids_as_far_as_they_are_known(catalogue: Answer, words: str) -> None:
    current = a_current().model_copy(
        update={"granted_digest": permissions_digest((Permission("domain", "7", "Admin"),))}
    )
    listed = replace(TOKEN_1, permissions=(Permission("domain", "7", "Viewer"),))
    subject = named(drift_policy="Report", status=a_status(current=current))
    world = asked(seen(subject, secret=SECRET_1, listed=(listed,)), catalogue)

    assert [f"Token 1 was changed in Mailtrap: {words}"] == [n.message for n in plan(world, NOW).notices]


def test_the_earlier_name_of_a_type_is_no_difference_in_words() -> None:
    current = a_current().model_copy(
        update={"granted_digest": permissions_digest((Permission("domain", "7", "Viewer"),))}
    )
    listed = replace(TOKEN_1, permissions=(Permission("domain", "7", "Admin"),))
    earlier = an_api_token(
        resources=(DOMAIN.model_copy(update={"type": "sending_domain"}),),
        drift_policy="Report",
        rotation={"policy": "Manual"},
        status=a_status(current=current),
    )

    (message,) = [
        n.message for n in plan(seen(earlier, listed=(listed,)), NOW).notices if n.type == "Drifted"
    ]
    assert "it has other permissions than it was granted" in message
