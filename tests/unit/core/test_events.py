"""Which Kubernetes Events a reconcile is worth."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, Condition
from mailtrap_operator.core.actions import Done, Failed, Notice, Outcome, Published
from mailtrap_operator.core.causes import BY_REASON
from mailtrap_operator.core.conditions import Wanted, merge_conditions
from mailtrap_operator.core.events import Event, event_for_left_tokens, events_of, events_of_account
from mailtrap_operator.core.observation import Adoptee, Found, Observation, Tenancy, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    LOST_NONCE,
    NOW,
    SECRET_1,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_foreign_secret,
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
from tests.unit.core.deleting import claimed, deleting

PUBLISHED = Published(a_remote_token(2), an_issuance())
OVERDUE = an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),)))
RENAMED = an_api_token(secret_name="renamed")
WAITING = an_api_token(status=a_status(operation=an_operation()))


def adopting() -> Observation:
    annotations = {ADOPT_ANNOTATION: "7", CONFIRM_ANNOTATION: "7"}
    policy = {"allowed_namespaces": {"names": ["*"]}, "adoption": "Allowed"}
    tenancy = Tenancy(AccountPolicy.model_validate(policy, by_name=True))
    world = seen(an_api_token(annotations=annotations), tenancy=tenancy)
    by_hand = replace(a_remote_token(7, tag=None, name="old mailer"), permissions=())
    return replace(world, adoptee=Found(Adoptee(by_hand, is_proven=False)))


def told(reason: Reason) -> Any:
    condition = Condition(
        type="Reconciling",
        status="True",
        observed_generation=3,
        last_transition_time=NOW,
        reason=reason,
        message="x",
    )
    return a_status(conditions=(condition,))


def of(world: Observation, outcome: Outcome) -> list[Event]:
    return list(events_of(world.api_token, plan(world, NOW), outcome))


@pytest.mark.parametrize(
    ("world", "outcome", "expected"),
    [
        pytest.param(
            seen(an_api_token(status=WIPED, finalizers=()), secret=None, listed=()),
            PUBLISHED,
            Event(
                "Normal",
                Reason.TOKEN_PUBLISHED,
                f"Token 2 (…0002) was issued: {BY_REASON[Reason.FIRST_TOKEN].why}.",
            ),
            id="a token was issued, and why",
        ),
        pytest.param(
            seen(OVERDUE, listed=(TOKEN_1, a_remote_token(2))),
            Done(),
            Event("Normal", Reason.REVOKED, "Token 2 (…0002) was deleted."),
            id="an old token was deleted",
        ),
        pytest.param(
            adopting(),
            Done(),
            Event("Normal", Reason.ADOPTED, "Token 7 (…0007) was adopted; after its overlap it is deleted."),
            id="a token was adopted",
        ),
        pytest.param(
            seen(claimed()),
            Done(),
            Event("Normal", Reason.REVOKED, "Token 1 (…0001) was deleted."),
            id="a token of a deleted object was deleted",
        ),
        pytest.param(
            seen(secret=None),
            Failed(TIMEOUT),
            Event("Warning", Reason.REMOTE_UNAVAILABLE, TIMEOUT.message),
            id="an action failed",
        ),
        pytest.param(
            seen(secret=None, listed=TIMEOUT),
            Done(),
            Event("Warning", Reason.REMOTE_UNAVAILABLE, TIMEOUT.message),
            id="something stands in the way",
        ),
        pytest.param(
            seen(secret=a_foreign_secret()),
            Done(),
            Event(
                "Warning",
                Reason.SECRET_NOT_OWNED,
                "Secret billing exists and does not belong to this ApiToken: it is left as it is. It does not say whose it is. "
                "Choose another spec.secretName, or delete that Secret. Or let it be overwritten: "
                "annotate it with mailtrap-operator.io/hand-over-to: billing.",
            ),
            id="nothing continues until someone acts",
        ),
        pytest.param(
            seen(
                an_api_token(status=a_status(operation=an_operation(ago=DAY))),
                listed=(TOKEN_1, a_remote_token(9, nonce=LOST_NONCE)),
            ),
            Done(),
            Event("Warning", Reason.UNTRACKED, "The value of token 9 is lost; it is retired."),
            id="a value was lost",
        ),
        pytest.param(
            seen(
                an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW), a_previous(3)))),
                listed=(TOKEN_1, a_remote_token(2), a_remote_token(3)),
            ),
            Done(),
            Event("Normal", Reason.REVOKED, "Token 2 (…0002) was deleted."),
            id="a token was deleted, and another one waits for its time",
        ),
        pytest.param(
            seen(listed=(TOKEN_1, a_remote_token(9))),
            Done(),
            Event("Warning", Reason.UNTRACKED, "Token 9 was on no record; it is retired."),
            id="a record was lost",
        ),
    ],
)
def test_events_follow_from_plan_and_outcome(world: Observation, outcome: Outcome, expected: Event) -> None:
    assert [expected] == of(world, outcome)


REPLACED = "Token 1 (…0001) was replaced; after its overlap it is deleted."


@pytest.mark.parametrize(
    ("world", "outcome", "expected"),
    [
        pytest.param(
            seen(secret=None),
            PUBLISHED,
            Event(
                "Normal",
                Reason.ROTATED,
                f"Token 2 (…0002) was issued: {BY_REASON[Reason.SECRET_MISSING].why}. {REPLACED}",
            ),
            id="the value was published at once",
        ),
        pytest.param(
            seen(WAITING, listed=(TOKEN_1, a_remote_token(2)), unpublished=a_value_in_memory(2)),
            PUBLISHED,
            Event("Normal", Reason.ROTATED, f"Token 2 (…0002) was issued. {REPLACED}"),
            id="the value waited in memory",
        ),
        pytest.param(
            seen(secret=a_secret(2, nonce="freshaaa"), listed=(TOKEN_1, a_remote_token(2))),
            Done(),
            Event("Normal", Reason.SUPERSEDED, REPLACED),
            id="another process published it",
        ),
    ],
)
def test_a_rotation_reports_both_tokens(world: Observation, outcome: Outcome, expected: Event) -> None:
    assert [expected] == of(world, outcome)


@pytest.mark.parametrize(
    ("world", "outcome"),
    [
        pytest.param(seen(), Done(), id="all is well"),
        pytest.param(seen(an_api_token(suspend=True)), Done(), id="it is suspended"),
        pytest.param(
            seen(an_api_token(status=told(Reason.REMOTE_UNAVAILABLE)), secret=None),
            Failed(TIMEOUT),
            id="an action failed for a reason that is told already",
        ),
        pytest.param(
            seen(an_api_token(status=told(Reason.REMOTE_UNAVAILABLE)), secret=None, listed=TIMEOUT),
            Done(),
            id="what stands in the way is told already",
        ),
        pytest.param(
            seen(an_api_token(status=told(Reason.UNTRACKED)), listed=(TOKEN_1, a_remote_token(9))),
            Done(),
            id="the lost record is told already",
        ),
        pytest.param(seen(WAITING), Done(), id="an answer is waited for"),
        pytest.param(
            seen(claimed(current=None), secret=None, listed=()),
            Done(),
            id="the object goes, and all its tokens are gone",
        ),
        pytest.param(seen(RENAMED, secret=None, former_secret=SECRET_1), Done(), id="a value moves"),
        pytest.param(
            seen(RENAMED, secret=a_secret(name="renamed"), former_secret=SECRET_1),
            Done(),
            id="a Secret is removed",
        ),
        pytest.param(seen(an_api_token(finalizers=())), Done(), id="the finalizer is put back"),
    ],
)
def test_what_is_not_announced(world: Observation, outcome: Outcome) -> None:
    assert [] == of(world, outcome)


def test_a_new_trouble_is_announced_beside_an_old_one() -> None:
    world = seen(an_api_token(status=told(Reason.ANSWER_LOST)), secret=None)
    trouble = Unknown(Reason.RATE_LIMITED, "The calls pause.")

    assert [Event("Warning", Reason.RATE_LIMITED, "The calls pause.")] == of(world, Failed(trouble))


@pytest.mark.parametrize(
    ("type_", "reason", "expected"),
    [
        pytest.param("AdoptionPending", Reason.ADOPTION_REFUSED, "Warning", id="an adoption is refused"),
        pytest.param("AdoptionPending", Reason.ADOPTION_UNCONFIRMED, "Warning", id="one is to be confirmed"),
        pytest.param("AdoptionPending", Reason.POLICY_VIOLATED, "Warning", id="the policy allows none"),
        pytest.param("AdoptionPending", Reason.CREDENTIAL_REFUSED, "Warning", id="it cannot be asked for"),
        pytest.param("AdoptionPending", Reason.ACCOUNT_NOT_LISTED, "Normal", id="it soon is asked for"),
        pytest.param("RevocationPending", Reason.ADOPTION_REFUSED, "Warning", id="a deletion is not allowed"),
        pytest.param("RevocationPending", Reason.CREDENTIAL_IN_USE, "Warning", id="a credential stays"),
        pytest.param("RolloutRestart", Reason.RESTARTING, "Normal", id="workloads are restarted"),
        pytest.param("RolloutRestart", Reason.TARGET_MISSING, "Warning", id="a workload is missing"),
        pytest.param("RolloutRestart", Reason.KUBERNETES_REFUSED, "Warning", id="workloads may not be read"),
        pytest.param("RotationPending", Reason.RENEWAL_DUE, "Normal", id="a rotation waits"),
        pytest.param("RotationPending", Reason.NO_WINDOW_BEFORE_EXPIRY, "Warning", id="it waits too long"),
        pytest.param("Drifted", Reason.ACCESS_DRIFTED, "Warning", id="someone changed the permissions"),
        pytest.param("Drifted", Reason.EXPIRY_DRIFTED, "Warning", id="someone changed the expiry"),
        pytest.param("Planned", Reason.POLICY_VIOLATED, "Normal", id="a rehearsal tells what it would find"),
    ],
)
def test_what_someone_must_act_upon_is_a_warning(type_: Any, reason: Reason, expected: str) -> None:
    api_token = an_api_token()
    planned = replace(plan(seen(), NOW), notices=(Notice(type_, reason, "said so"),))

    assert [(expected, reason)] == [
        (told.type, told.reason) for told in events_of(api_token, planned, Done())
    ]


@pytest.mark.parametrize(
    ("generation", "message", "expected"),
    [
        pytest.param(3, "x", 0, id="of this spec"),
        pytest.param(2, TIMEOUT.message, 0, id="of a former spec, in the same words"),
        pytest.param(2, "x", 1, id="of a former spec, in other words"),
    ],
)
@pytest.mark.parametrize("outcome", [Done(), Failed(TIMEOUT)], ids=["found", "met in an action"])
def test_each_spec_is_told_its_own_refusal(
    generation: int, message: str, expected: int, outcome: Outcome
) -> None:
    (before,) = told(TIMEOUT.reason).conditions
    before = before.model_copy(update={"observed_generation": generation, "message": message})
    world = seen(an_api_token(status=a_status(conditions=(before,))), secret=None, listed=TIMEOUT)

    assert expected == len(of(world, outcome))


REFUSED = ("Ready", "False", Reason.CREDENTIAL_REFUSED, "Put a valid one there.")
BLOCKED = ("DeletionBlocked", "True", Reason.ACCOUNT_IN_USE, "It waits for shop/billing.")


@pytest.mark.parametrize(
    ("wanted", "before", "expected"),
    [
        pytest.param(REFUSED, (), [Reason.CREDENTIAL_REFUSED], id="a trouble"),
        pytest.param(
            REFUSED, told(Reason.CREDENTIAL_REFUSED).conditions, [REFUSED[2]], id="reported otherwise"
        ),
        pytest.param(BLOCKED, (), [Reason.ACCOUNT_IN_USE], id="its deletion waits"),
        pytest.param(("Ready", "True", Reason.ACCOUNT_REACHABLE, "x"), (), [], id="all is well"),
        pytest.param(("Ready", "False", Reason.DELETING, "x"), (), [], id="it is being deleted"),
    ],
)
def test_account_events_follow_from_new_conditions(
    wanted: Wanted, before: tuple[Condition, ...], expected: list[Reason]
) -> None:
    assert expected == [each.reason for each in events_of_account(before, [wanted])]
    again = merge_conditions((), [wanted], 1, NOW)
    assert [] == list(events_of_account(again, [wanted]))


def test_reasons_are_words_that_kubernetes_takes() -> None:
    for reason in Reason:
        assert reason.isalpha(), reason
        assert reason[0].isupper(), reason
        assert len(reason) <= 128


def test_an_object_says_before_it_goes_which_tokens_it_leaves_behind() -> None:
    leaving = seen(deleting(deletion_policy="Retain"))

    message = "Tokens left in Mailtrap (1), because deletionPolicy is Retain."
    assert Event("Warning", Reason.RETAINED, message) == event_for_left_tokens(plan(leaving, NOW))
    assert [] == of(leaving, Done())


def test_an_object_that_leaves_nothing_behind_says_nothing() -> None:
    assert event_for_left_tokens(plan(seen(claimed(), listed=()), NOW)) is None
