"""A token that somebody made by hand is told of first, then taken over: its place in the Secret first, its end later."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy, ApiTokenStatus
from mailtrap_operator.core.actions import IssueToken, State
from mailtrap_operator.core.adoption import Hindrance, to_adopt
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    Absent,
    Found,
    Observation,
    Permission,
    RemoteToken,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, is_adopted
from mailtrap_operator.core.situation import Situation
from tests.unit.core.builders import (
    DOMAIN,
    FOREIGN_TAG,
    HOUR,
    MINUTE,
    NOW,
    OURS,
    SIBLINGS_TAG,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_credential,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

WISHED = {ADOPT_ANNOTATION: "7"}
CONFIRMED = {ADOPT_ANNOTATION: "7", CONFIRM_ANNOTATION: "7"}
BY_HAND = replace(
    a_remote_token(7, tag=None, name="old mailer"), permissions=(Permission("domain", "7", "Admin"),)
)
READY = (State.READY, Reason.TOKEN_PUBLISHED)
UNCONFIRMED = (State.STALLED, Reason.ADOPTION_UNCONFIRMED)
REFUSED = (State.STALLED, Reason.ADOPTION_REFUSED)
ADOPTED = (State.PROGRESSING, Reason.ADOPTED)

Answer = RemoteToken | Unknown | None


def new(annotations: Mapping[str, str], adoptee: Answer = BY_HAND, **policy: Any) -> Observation:
    """Return an object without a token that is to adopt one."""
    api_token = an_api_token(status=WIPED, finalizers=(), annotations=annotations)
    return _asked(seen(api_token, secret=None, listed=()), adoptee, **policy)


def served(annotations: Mapping[str, str], adoptee: Answer = BY_HAND, **status: Any) -> Observation:
    """Return an object with a token that is to adopt another one."""
    known = a_status().model_copy(update=status)
    return _asked(seen(an_api_token(status=known, annotations=annotations)), adoptee)


def _asked(world: Observation, adoptee: Answer, **policy: Any) -> Observation:
    answer = Absent() if adoptee is None else Found(adoptee) if isinstance(adoptee, RemoteToken) else adoptee
    account = world.account
    if policy:
        rules = {"allowed_namespaces": {"names": ["*"]}, **policy}
        tenancy = Tenancy(AccountPolicy.model_validate(rules, by_name=True))
        account = replace(account, tenancy=tenancy)
    return replace(world, adoptee=answer, accounts=(account, *world.accounts[1:]))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "It is not confirmed: nothing is issued.",
            new(WISHED),
            says=UNCONFIRMED,
            again=5 * MINUTE,
            works=False,
        ),
        row(
            "Another id is confirmed.",
            new({**WISHED, CONFIRM_ANNOTATION: "8"}),
            says=UNCONFIRMED,
            again=5 * MINUTE,
            works=False,
        ),
        row("It is gone.", new(CONFIRMED, None), says=REFUSED, again=5 * MINUTE, works=False),
        row(
            "Mailtrap does not answer: nothing is issued.",
            new(CONFIRMED, TIMEOUT),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
            works=False,
        ),
        row(
            "The annotation is no id.",
            new({ADOPT_ANNOTATION: "old mailer"}),
            says=REFUSED,
            again=5 * MINUTE,
            works=False,
        ),
        row(
            "It is another ApiToken's.",
            new(CONFIRMED, a_remote_token(7, tag=SIBLINGS_TAG)),
            says=REFUSED,
            again=5 * MINUTE,
            works=False,
        ),
        row(
            "It is another installation's.",
            new(CONFIRMED, a_remote_token(7, tag=FOREIGN_TAG)),
            says=REFUSED,
            again=5 * MINUTE,
            works=False,
        ),
        row(
            "It is the object's own already.",
            new(CONFIRMED, a_remote_token(7, tag=OURS)),
            says=REFUSED,
            again=5 * MINUTE,
            works=False,
        ),
    ],
)
def test_no_first_token_is_issued_before_the_adoption_is_clear(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


def test_a_confirmed_adoption_begins_with_a_token_of_its_own() -> None:
    action = plan(new(CONFIRMED), NOW).action

    assert isinstance(action, IssueToken)
    assert ("Create", None) == (action.operation.type, action.operation.base)
    assert () == plan(new(CONFIRMED), NOW).record.previous


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Its place is taken: it goes on record, with its whole overlap.",
            served(CONFIRMED),
            says=ADOPTED,
            records=Noted(previous=(Leaving(7, 12 * HOUR, Reason.ADOPTED),)),
        ),
        row("It is not confirmed: it stays as it is.", served(WISHED), says=READY),
        row("It is adopted.", served(CONFIRMED, adopted=7), says=READY),
        row(
            "Mailtrap does not answer: it is asked again.",
            served(CONFIRMED, TIMEOUT),
            says=READY,
            again=MINUTE,
        ),
        row(
            "A lost value comes first.",
            replace(served(CONFIRMED), secret=Absent()),
            does="reset 1",
            says=(State.PROGRESSING, Reason.SECRET_MISSING),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
            works=False,
        ),
    ],
)
def test_the_adopted_token_leaves_after_its_place_is_taken(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_what_was_taken_back_may_be_adopted_again() -> None:
    on_record = a_previous(7, reason=Reason.ADOPTED)

    planned = plan(served({}, adopted=7, previous=(on_record,)), NOW)

    assert ((), None) == (planned.record.previous, planned.record.adopted)
    assert 7 == plan(served(CONFIRMED), NOW).record.adopted


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(a_status().model_copy(update={"adopted": 7}), id="it is named"),
        pytest.param(a_status(previous=(a_previous(7, reason=Reason.ADOPTED),)), id="it is on its way out"),
    ],
)
def test_an_adoption_is_known_from_either_place_in_the_status(status: ApiTokenStatus) -> None:
    assert is_adopted(an_api_token(status=status, annotations=CONFIRMED), 7)
    assert not is_adopted(an_api_token(status=status, annotations=WISHED), 7)


def test_it_is_on_record_which_token_was_adopted() -> None:
    assert 7 == plan(served(CONFIRMED), NOW).record.adopted
    assert 7 == plan(served(CONFIRMED, adopted=7), NOW).record.adopted


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(
            served(WISHED),
            "Token 7 'old mailer' (…0007) never expires; its permissions: domain 7 Admin. To adopt it, set the "
            'annotation mailtrap-operator.io/adopt-confirm: "7". Then a token of this ApiToken takes its place in Secret '
            "billing, and token 7 works on for 12h before it is deleted.",
            id="what would be adopted",
        ),
        pytest.param(
            served(WISHED, replace(BY_HAND, expires_at=NOW, permissions=None)),
            "expires at 2030-01-31T12:00:00Z; its permissions: not told.",
            id="its end, and rights that Mailtrap does not tell",
        ),
        pytest.param(served(WISHED, None), "has no token 7 to adopt", id="it is gone"),
        pytest.param(
            served({ADOPT_ANNOTATION: "0"}), "must be the id of a token, such as 2498715", id="it is no id"
        ),
        pytest.param(
            served(CONFIRMED, a_remote_token(7, tag=FOREIGN_TAG)),
            f"it bears the mark {FOREIGN_TAG}",
            id="it is another's",
        ),
    ],
)
def test_what_an_adoption_waits_for_is_told(world: Observation, words: str) -> None:
    (notice,) = plan(world, NOW).notices

    assert "AdoptionPending" == notice.type
    assert words in notice.message


@pytest.mark.parametrize(
    ("policy", "adoptee", "words"),
    [
        pytest.param(
            {"max_access_level": "Viewer"},
            BY_HAND,
            "it has domain 7 Admin, and the account's policy sets maxAccessLevel to Viewer",
            id="a higher access level",
        ),
        pytest.param(
            {"allowed_resources": ({"type": "domain", "id": 7}, {"type": "project"})},
            replace(BY_HAND, permissions=(Permission("domain", "8", "Viewer"),)),
            "it has domain 8 Viewer, which allowedResources of the account's policy does not list",
            id="another resource",
        ),
        pytest.param(
            {"max_access_level": "Viewer"},
            replace(BY_HAND, permissions=None),
            "Mailtrap does not tell what it may do",
            id="what Mailtrap does not tell",
        ),
    ],
)
def test_a_token_with_more_rights_than_the_policy_allows_is_refused(
    policy: dict[str, Any], adoptee: RemoteToken, words: str
) -> None:
    modest = an_api_token(
        annotations=CONFIRMED, resources=(DOMAIN.model_copy(update={"access_level": "Viewer"}),)
    )
    refused = to_adopt(Situation(_asked(seen(modest), adoptee, **policy), NOW))

    assert isinstance(refused, Hindrance)
    assert Reason.ADOPTION_REFUSED == refused.reason
    assert words in refused.message


@pytest.mark.parametrize("made", [new, served], ids=["without a token", "served"])
@pytest.mark.parametrize("annotations", [WISHED, CONFIRMED], ids=["looked at", "confirmed"])
def test_who_may_not_use_the_account_is_told_nothing_of_its_tokens(
    made: Callable[..., Observation], annotations: Mapping[str, str]
) -> None:
    world = _asked(made(annotations), BY_HAND, allowed_namespaces={"names": ["another"]})
    planned = plan(world, NOW)

    assert Reason.POLICY_VIOLATED == planned.finding.reason
    assert planned.action is None
    told = [planned.finding.message, *(notice.message for notice in planned.notices)]
    assert [] == [message for message in told if "old mailer" in message or "domain 7" in message]


def test_an_adoption_waits_until_it_is_known_whether_the_namespace_is_served() -> None:
    policy = {"allowed_namespaces": {"selector": {"match_labels": {"mail": "yes"}}}}

    assert LABELS_NOT_READ == to_adopt(Situation(_asked(new(WISHED), BY_HAND, **policy), NOW))


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({}, id="no rule speaks of rights"),
        pytest.param({"allowed_resources": ({"type": "sending_domain"},)}, id="every domain is allowed"),
    ],
)
def test_a_token_within_the_policy_is_adopted(policy: dict[str, Any]) -> None:
    assert Reason.ADOPTED == decision(_asked(served(CONFIRMED), BY_HAND, **policy)).reason


def test_the_credential_in_use_is_refused() -> None:
    world = served(CONFIRMED)
    used = a_credential(world.account.ref, BY_HAND.last_four)
    world = replace(world, accounts=(replace(world.account, credentials=used),))

    (notice,) = plan(world, NOW).notices

    assert Reason.ADOPTION_REFUSED == notice.reason
    assert "as does the credential that the operator works with" in notice.message


@pytest.mark.parametrize(
    ("annotations", "adopted", "expected"),
    [
        pytest.param(CONFIRMED, 7, True, id="as confirmed"),
        pytest.param({}, 7, False, id="the annotations were removed"),
        pytest.param({**CONFIRMED, CONFIRM_ANNOTATION: "8"}, 7, False, id="another one is confirmed"),
        pytest.param(CONFIRMED, None, False, id="the status does not say so"),
    ],
)
def test_an_adoption_can_be_taken_back(
    *, annotations: dict[str, str], adopted: int | None, expected: bool
) -> None:
    api_token = an_api_token(status=ApiTokenStatus(adopted=adopted), annotations=annotations)

    assert expected == is_adopted(api_token, 7)


def test_a_served_object_with_nothing_to_adopt_is_left_alone() -> None:
    assert () == plan(seen(listed=(TOKEN_1,)), NOW).notices


@pytest.mark.parametrize(
    ("world", "again"),
    [
        pytest.param(new(WISHED), 5 * MINUTE, id="It is not confirmed: an annotation tells that."),
        pytest.param(new(CONFIRMED, None), 5 * MINUTE, id="It is not there, and there is no other."),
        pytest.param(served(CONFIRMED, None), 5 * MINUTE, id="It is not there, and a token works."),
        pytest.param(
            new(WISHED, allowed_namespaces={"names": ["another"]}),
            MINUTE,
            id="Who may not ask is allowed soon.",
        ),
    ],
)
def test_a_token_that_is_not_adopted_as_it_is_is_asked_for_rarely(
    world: Observation, again: timedelta
) -> None:
    assert again == plan(world, NOW).requeue_after
