"""A token that someone made by hand is reported first, then taken over: its place in the Secret first, its end later."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, PROOF_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiTokenStatus, Condition
from mailtrap_operator.core.actions import IssueToken, RemoveFinalizer, RevokeToken, State
from mailtrap_operator.core.adoption import (
    adoption_in,
    proof_needed,
    proven_by,
    to_adopt,
    why_it_must_stay,
)
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    NOT_ASKED_FOR,
    Absent,
    Adoptee,
    Found,
    Observation,
    Permission,
    RemoteToken,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_adopted, proof_place
from tests.unit.core.builders import (
    ACCOUNT,
    CURRENT_1,
    DOMAIN,
    FOREIGN_TAG,
    HOUR,
    MINUTE,
    NOW,
    OLD_NONCE,
    OTHER_ACCOUNT,
    OURS,
    SECRET_1,
    SIBLINGS_TAG,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

DESIRED = {ADOPT_ANNOTATION: "7"}
CONFIRMED = {ADOPT_ANNOTATION: "7", CONFIRM_ANNOTATION: "7"}
PROOF = {PROOF_ANNOTATION: "mine"}
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
    answer: Found[Adoptee] | Absent | Unknown
    if isinstance(adoptee, RemoteToken):
        answer = Found(Adoptee(adoptee, is_proven=policy.get("adoption") == "Proven"))
    else:
        answer = adoptee or Absent()
    account = replace(world.account, tenancy=Tenancy(a_policy(**policy)))
    return replace(world, adoptee=answer, accounts=(account, *world.accounts[1:]))


def a_policy(**rules: Any) -> AccountPolicy:
    """Return the policy of an account that serves every namespace and allows adoptions."""
    everybody = {"allowed_namespaces": {"names": ["*"]}, "adoption": "Allowed"}
    return AccountPolicy.model_validate(everybody | rules, by_name=True)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "It is not confirmed: nothing is issued.",
            new(DESIRED),
            says=UNCONFIRMED,
            again=5 * MINUTE,
            works=False,
        ),
        row(
            "Another id is confirmed.",
            new({**DESIRED, CONFIRM_ANNOTATION: "8"}),
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
            "Its place is taken: it is recorded, with its whole overlap.",
            served(CONFIRMED),
            says=ADOPTED,
            records=Noted(previous=(Leaving(7, 12 * HOUR, Reason.ADOPTED),)),
        ),
        row("It is not confirmed: it stays as it is.", served(DESIRED), says=READY),
        row("It is adopted.", served(CONFIRMED, adopted=7), says=READY),
        row(
            "It is retired, and that it was adopted is lost: it stays there once, with its date.",
            served(CONFIRMED, previous=(a_previous(7, reason=Reason.ADOPTED),)),
            says=ADOPTED,
            records=Noted(previous=(Leaving(7, HOUR, Reason.ADOPTED),)),
        ),
        row(
            "Mailtrap does not answer: it is asked again.",
            served(CONFIRMED, TIMEOUT),
            says=READY,
            again=MINUTE,
        ),
        row(
            "A lost value comes first.",
            replace(served(CONFIRMED), secret=Absent()),
            # The list does not tell what token 1 may do: it might be more than the policy allows.
            does="create",
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
        pytest.param(a_status(previous=(a_previous(7, reason=Reason.ADOPTED),)), id="it is retired"),
    ],
)
def test_an_adoption_is_known_from_either_place_in_the_status(status: ApiTokenStatus) -> None:
    assert is_adopted(an_api_token(status=status, annotations=CONFIRMED), 7)
    assert not is_adopted(an_api_token(status=status, annotations=DESIRED), 7)


def test_it_is_on_record_which_token_was_adopted() -> None:
    assert 7 == plan(served(CONFIRMED), NOW).record.adopted
    assert 7 == plan(served(CONFIRMED, adopted=7), NOW).record.adopted


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(
            served(DESIRED),
            "Token 7 'old mailer' (…0007) never expires; its permissions: domain 7 Admin. To adopt it, set the "
            'annotation mailtrap-operator.io/adopt-confirm: "7". Then a token of this ApiToken takes its place in Secret '
            "billing, and token 7 works on for 12h before it is deleted.",
            id="what would be adopted",
        ),
        pytest.param(
            served(DESIRED, replace(BY_HAND, expires_at=NOW, permissions=())),
            "expires at 2030-01-31T12:00:00Z; its permissions: not told.",
            id="its end, and that it has no rights",
        ),
        pytest.param(served(DESIRED, None), "Token 7 is not adopted. It must be a token of", id="it is gone"),
        pytest.param(
            served({ADOPT_ANNOTATION: "0"}), "must be the id of a token, such as 2498715", id="it is no id"
        ),
    ],
)
def test_adoption_message_names_what_it_waits_for(world: Observation, words: str) -> None:
    (notice,) = plan(world, NOW).notices

    assert "AdoptionPending" == notice.type
    assert words in notice.message


VIEWER = DOMAIN.model_copy(update={"access_level": "Viewer"})
NOT_TO_BE_HAD: dict[str, tuple[Answer, dict[str, Any]]] = {
    "there is none, or the proof is not its value": (None, {}),
    "another id than was asked for": (replace(BY_HAND, id=8), {}),
    "it is the object's own": (a_remote_token(7, tag=OURS), {}),
    "it is another ApiToken's": (a_remote_token(7, tag=SIBLINGS_TAG), {}),
    "it is another installation's": (a_remote_token(7, tag=FOREIGN_TAG), {}),
    "it has a mark that cannot be read": (replace(BY_HAND, name="mailer [k8s:of a later version]"), {}),
    "it ends as the credential does": (replace(BY_HAND, last_four="cafe"), {}),
    "a higher access level": (BY_HAND, {"max_access_level": "Viewer"}),
    "another resource": (
        replace(BY_HAND, permissions=(Permission("domain", "8", "Viewer"),)),
        {"allowed_resources": ({"type": "domain", "id": 7}, {"type": "project"})},
    ),
    "rights that Mailtrap does not tell": (
        replace(BY_HAND, permissions=None),
        {"max_access_level": "Viewer"},
    ),
}


@pytest.mark.parametrize("mode", ["Allowed", "Proven"])
@pytest.mark.parametrize("annotations", [DESIRED, CONFIRMED], ids=["looked at", "confirmed"])
@pytest.mark.parametrize("made", ["new", "served"])
def test_whatever_is_not_to_be_had_reads_the_same(
    made: str, annotations: Mapping[str, str], mode: str
) -> None:
    told: set[tuple[str, ...]] = set()
    for adoptee, policy in NOT_TO_BE_HAD.values():
        status, secret = (WIPED, None) if made == "new" else (a_status(), SECRET_1)
        api_token = an_api_token(
            status=status, annotations={**annotations, **PROOF}, resources=(VIEWER,), finalizers=()
        )
        world = seen(api_token, secret=secret, credential="cafe", listed=(TOKEN_1,) if secret else ())
        planned = plan(_asked(world, adoptee, **{**policy, "adoption": mode}), NOW)
        messages = (planned.finding.message, *(notice.message for notice in planned.notices))
        told.add(tuple(message for message in messages if "adopt" in message))

    ((message, *_),) = told
    assert message.startswith(
        "Token 7 is not adopted. It must be a token of ClusterMailtrapAccount default that "
    )
    assert ("under key token of Secret mine" in message) == (mode == "Proven")


@pytest.mark.parametrize(
    ("ref", "adoption", "annotations", "words"),
    [
        pytest.param(
            ACCOUNT,
            None,
            CONFIRMED,
            "ClusterMailtrapAccount default allows no adoption: its policy.adoption is Denied, its default. Have its admin",
            id="by default on a shared account",
        ),
        pytest.param(
            ACCOUNT,
            "Denied",
            {**CONFIRMED, **PROOF},
            "its policy.adoption is Denied. Have its admin",
            id="denied",
        ),
        pytest.param(
            AccountRef(kind="MailtrapAccount", name="default"),
            "Denied",
            CONFIRMED,
            "MailtrapAccount shop/default allows no adoption: its policy.adoption is Denied.",
            id="denied on an account of the namespace",
        ),
        pytest.param(
            ACCOUNT,
            "Proven",
            CONFIRMED,
            "asks for a proof: put the value of the token into a Secret of namespace shop, under the key token, and set the "
            "annotation mailtrap-operator.io/adopt-proof",
            id="no proof is named",
        ),
        pytest.param(
            ACCOUNT,
            "Proven",
            {**CONFIRMED, PROOF_ANNOTATION: "../../mailtrap-system/secrets/mailtrap-credentials"},
            "asks for a proof",
            id="a proof that is no Secret of the namespace",
        ),
    ],
)
def test_a_policy_that_allows_no_adoption_says_so(
    ref: AccountRef, adoption: str | None, annotations: Mapping[str, str], words: str
) -> None:
    refused = to_adopt(ObservedState(under(ref, annotations, adoption=adoption), NOW))

    assert isinstance(refused, Blocked)
    assert Reason.ADOPTION_REFUSED == refused.reason
    assert words in refused.message
    assert refused.message.endswith("Or remove the annotation mailtrap-operator.io/adopt-token-id.")


def under(ref: AccountRef, annotations: Mapping[str, str], **policy: Any) -> Observation:
    """Return an object under an account, which is to adopt token 7."""
    world = _asked(seen(an_api_token(annotations=annotations)), BY_HAND, **policy)
    return replace(world, accounts=(replace(world.account, ref=ref),))


def test_an_account_of_the_namespace_allows_adoptions_by_default() -> None:
    ref = AccountRef(kind="MailtrapAccount", name="default")

    assert "Allowed" == adoption_in(under(ref, CONFIRMED, adoption=None).account)
    assert "Denied" == adoption_in(under(ACCOUNT, CONFIRMED, adoption=None).account)
    assert "Denied" == adoption_in(seen().account), "there is no account object"


@pytest.mark.parametrize("is_listed", [True, False])
def test_without_an_account_object_nothing_is_adopted(*, is_listed: bool) -> None:
    missing = Unknown(Reason.ACCOUNT_NOT_FOUND, "It does not exist.")
    world = seen(an_api_token(annotations=CONFIRMED), listed=(TOKEN_1,) if is_listed else missing)

    assert (NOT_ASKED_FOR if is_listed else missing) == to_adopt(ObservedState(world, NOW))


def test_nothing_is_adopted_while_it_is_not_known_what_the_account_is_managed_with() -> None:
    world = _asked(seen(an_api_token(annotations=CONFIRMED), listed=TIMEOUT), BY_HAND)

    assert TIMEOUT == to_adopt(ObservedState(world, NOW))


def test_adoption_message_says_how_long_the_proof_is_needed() -> None:
    world = under(ACCOUNT, {**DESIRED, **PROOF}, adoption="Proven")

    found = to_adopt(ObservedState(world, NOW))

    assert isinstance(found, Blocked)
    assert Reason.ADOPTION_UNCONFIRMED == found.reason
    assert found.message.startswith("Token 7 'old mailer' (…0007)")
    assert found.message.endswith("is deleted. Keep the Secret with the proof until then.")


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        pytest.param("mine", ("shop", "mine", "token"), id="a Secret"),
        pytest.param("my.proof/API_KEY", ("shop", "my.proof", "API_KEY"), id="a Secret and a key"),
        pytest.param("", None, id="nothing"),
        pytest.param("Mine", None, id="no name of an object"),
        pytest.param("other/mine/token", None, id="another namespace"),
        pytest.param("../secrets/mine", None, id="another path"),
        pytest.param("mine/", None, id="no key"),
        pytest.param("mine\n", None, id="a line break"),
        pytest.param("m" * 254, None, id="too long"),
    ],
)
def test_a_proof_is_a_key_of_a_secret_of_the_namespace(
    annotation: str, expected: tuple[str, str, str] | None
) -> None:
    assert expected == proof_place(an_api_token(annotations={PROOF_ANNOTATION: annotation}))


ENDS_ALIKE = replace(BY_HAND, id=8)


@pytest.mark.parametrize(
    ("end", "listed", "is_proven"),
    [
        pytest.param("0007", (TOKEN_1, BY_HAND), True, id="the one token that ends so"),
        pytest.param(
            "a whole value that ends with 0007", (BY_HAND,), True, id="of a value only its end counts"
        ),
        pytest.param("0007", (BY_HAND, ENDS_ALIKE), False, id="two tokens end so"),
        pytest.param("0007", (ENDS_ALIKE,), False, id="another token ends so"),
        pytest.param("0001", (TOKEN_1, BY_HAND), False, id="the value of another token"),
        pytest.param("cafe", (TOKEN_1, BY_HAND), False, id="no token ends so"),
        pytest.param("", (replace(BY_HAND, last_four=""),), False, id="Mailtrap does not tell how it ends"),
    ],
)
def test_a_value_proves_the_one_token_that_ends_as_it_does(
    end: str, listed: tuple[RemoteToken, ...], *, is_proven: bool
) -> None:
    assert (BY_HAND if is_proven else None) == proven_by(end, listed, 7)


def leaving(annotations: Mapping[str, str] = CONFIRMED, *, deleted: bool = False, **more: Any) -> Observation:
    """Return an object whose adopted token 7 is to be deleted now; `more` are an account, rules of its policy, or who waits."""
    account = more.pop("account", ACCOUNT)
    others = more.pop("others", ())
    on_record = a_previous(7, delete_after=NOW, reason=Reason.ADOPTED, account=account)
    operation = an_operation("Delete", nonce="") if deleted else None
    status = a_status(
        previous=(on_record, *others), operation=operation, current=None if deleted else CURRENT_1
    )
    known = status.model_copy(update={"adopted": 7})
    api_token = an_api_token(status=known, annotations=annotations, deleted=deleted)
    listed = () if deleted else (TOKEN_1, *(a_remote_token(p.id, nonce=OLD_NONCE) for p in others))
    elsewhere = None if account == ACCOUNT else ()
    secret = None if deleted else SECRET_1
    world = seen(api_token, secret=secret, listed=listed, listed_elsewhere=elsewhere)
    return _asked(world, None, **more)


KEPT: dict[str, tuple[Observation, Reason, str]] = {
    "the policy does not allow it any more": (
        leaving(adoption=None),
        Reason.ADOPTION_REFUSED,
        "allows no adoption: its policy.adoption is Denied, its default. Have its admin",
    ),
    "the proof is not named any more": (
        leaving(adoption="Proven"),
        Reason.ADOPTION_REFUSED,
        "asks for a proof",
    ),
    "the namespace is not served any more": (
        leaving(allowed_namespaces={"names": ["another"]}),
        Reason.POLICY_VIOLATED,
        "does not name namespace shop",
    ),
    "it is not known whether the namespace is served": (
        leaving(allowed_namespaces={"selector": {"match_labels": {"mail": "yes"}}}),
        LABELS_NOT_READ.reason,
        LABELS_NOT_READ.message,
    ),
    "the spec names another account": (
        leaving(account=OTHER_ACCOUNT),
        Reason.ADOPTION_REFUSED,
        "It lives in ClusterMailtrapAccount other, and spec.accountRef names another account.",
    ),
}
WAY_OUT = "Or remove the annotations mailtrap-operator.io/adopt-token-id and mailtrap-operator.io/adopt-confirm: then the token is removed from the status and kept."


@pytest.mark.parametrize(("world", "reason", "words"), KEPT.values(), ids=KEPT)
def test_an_adopted_token_that_may_not_be_deleted_is_kept_on_record_with_a_condition(
    world: Observation, reason: Reason, words: str
) -> None:
    planned = plan(world, NOW)
    (notice,) = (notice for notice in planned.notices if notice.type == "RevocationPending")

    assert planned.action is None
    assert [7] == [previous.id for previous in planned.record.previous]
    assert reason == notice.reason
    assert notice.message.startswith("Token 7 was adopted, but is not deleted. ")
    assert words in notice.message
    assert notice.message.endswith(WAY_OUT)
    assert MINUTE == planned.requeue_after


@pytest.mark.parametrize("mode", ["Allowed", "Proven"])
def test_an_adopted_token_is_deleted_by_what_a_look_at_it_says(mode: str) -> None:
    world = leaving({**CONFIRMED, **PROOF}, adoption=mode)
    action = plan(world, NOW).action

    assert isinstance(action, RevokeToken)
    assert (7, world) == (action.token.id, action.seen)


def test_an_adopted_token_holds_up_no_other() -> None:
    other = a_previous(2, delete_after=NOW)

    for world in (leaving(others=(other,)), leaving(others=(other,), adoption="Denied")):
        action = plan(world, NOW).action
        assert isinstance(action, RevokeToken)
        assert (2, None) == (action.token.id, action.seen)


def test_a_deletion_waits_for_an_adopted_token_that_may_not_be_deleted() -> None:
    planned = plan(leaving(deleted=True, adoption="Denied"), NOW)

    assert (None, State.BLOCKED) == (planned.action, planned.finding.state)
    assert Reason.ADOPTION_REFUSED == planned.finding.reason
    assert WAY_OUT in planned.finding.message
    assert isinstance(plan(leaving({}, deleted=True, adoption="Denied"), NOW).action, RemoveFinalizer)
    assert isinstance(plan(leaving(deleted=True), NOW).action, RevokeToken)


def test_that_a_deletion_was_refused_holds_up_nothing_else() -> None:
    stalled = Condition(
        type="Stalled",
        status="True",
        observed_generation=3,
        last_transition_time=NOW,
        reason=Reason.ADOPTION_REFUSED,
        message="x",
    )
    world = replace(leaving(), secret=Absent())
    status = world.api_token.status.model_copy(update={"conditions": (stalled,)})
    world = replace(world, api_token=world.api_token.model_copy(update={"status": status}))

    assert isinstance(plan(world, NOW).action, IssueToken)


OWN = a_remote_token(7, tag=OURS)
ANOTHERS = a_remote_token(7, tag=SIBLINGS_TAG)
CREDENTIAL = replace(BY_HAND, last_four="cafe")


@pytest.mark.parametrize(
    ("world", "found", "reason"),
    [
        pytest.param(leaving(), BY_HAND, None, id="as it was adopted"),
        pytest.param(leaving(adoption="Denied"), OWN, None, id="it is the object's own after all"),
        pytest.param(leaving(), replace(OWN, id=8), Reason.ADOPTION_REFUSED, id="another token was shown"),
        pytest.param(leaving(), ANOTHERS, Reason.ADOPTION_REFUSED, id="another ApiToken's"),
        pytest.param(
            leaving(),
            a_remote_token(7, tag=FOREIGN_TAG),
            Reason.ADOPTION_REFUSED,
            id="another installation's",
        ),
        pytest.param(leaving(), CREDENTIAL, Reason.ADOPTION_REFUSED, id="the credential"),
        pytest.param(
            leaving(max_access_level="Viewer"),
            BY_HAND,
            Reason.POLICY_VIOLATED,
            id="the object breaks the policy",
        ),
        pytest.param(
            leaving(allowed_resources=({"type": "domain", "id": 7},)),
            replace(BY_HAND, permissions=(Permission("domain", "8", "Viewer"),)),
            Reason.ADOPTION_REFUSED,
            id="more than the policy allows",
        ),
        pytest.param(leaving(adoption="Denied"), BY_HAND, Reason.ADOPTION_REFUSED, id="denied meanwhile"),
        pytest.param(
            leaving({**CONFIRMED, **PROOF}, adoption="Proven"),
            BY_HAND,
            Reason.ADOPTION_REFUSED,
            id="the proof is not its value any more",
        ),
        pytest.param(leaving(DESIRED), BY_HAND, Reason.LIST_INCOMPLETE, id="taken back"),
        pytest.param(leaving({}), ANOTHERS, Reason.LIST_INCOMPLETE, id="on record, and another ApiToken's"),
    ],
)
def test_a_token_that_no_list_shows_is_judged_by_what_mailtrap_says_of_it(
    world: Observation, found: RemoteToken, reason: Reason | None
) -> None:
    s = ObservedState(_with_credential(world, "cafe"), NOW)

    why = why_it_must_stay(s, 7, Adoptee(found, is_proven=False))

    assert reason == (why and why.reason)
    if why is not None:
        assert [] == [word for word in ("old mailer", "cafe", "domain 8", "k8s") if word in why.message]
    if reason is Reason.ADOPTION_REFUSED and why is not None:
        assert why.message.endswith(WAY_OUT)


def test_what_is_refused_right_before_it_is_deleted_reads_the_same_whatever_it_is() -> None:
    s = ObservedState(_with_credential(leaving(), "cafe"), NOW)
    found = (ANOTHERS, CREDENTIAL, a_remote_token(7, tag=FOREIGN_TAG), replace(BY_HAND, id=8))

    assert 1 == len({why_it_must_stay(s, 7, Adoptee(each, is_proven=False)) for each in found})


def test_a_proof_is_asked_for_again_before_the_deletion() -> None:
    proven = ObservedState(leaving({**CONFIRMED, **PROOF}, adoption="Proven"), NOW)

    assert ("shop", "mine", "token") == proof_needed(proven, BY_HAND)
    assert None is why_it_must_stay(proven, 7, Adoptee(BY_HAND, is_proven=True))
    assert None is proof_needed(proven, OWN)
    assert None is proof_needed(proven, ENDS_ALIKE)
    assert None is proof_needed(ObservedState(leaving({**CONFIRMED, **PROOF}), NOW), BY_HAND)


def _with_credential(world: Observation, last_four: str) -> Observation:
    used = seen(credential=last_four).account.credentials
    return replace(world, accounts=tuple(replace(view, credentials=used) for view in world.accounts))


@pytest.mark.parametrize("made", [new, served], ids=["without a token", "served"])
@pytest.mark.parametrize("annotations", [DESIRED, CONFIRMED], ids=["looked at", "confirmed"])
def test_refused_object_learns_nothing_about_the_tokens_of_the_account(
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

    assert LABELS_NOT_READ == to_adopt(ObservedState(_asked(new(DESIRED), BY_HAND, **policy), NOW))


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param({}, id="no rule speaks of rights"),
        pytest.param({"allowed_resources": ({"type": "sending_domain"},)}, id="every domain is allowed"),
    ],
)
def test_a_token_within_the_policy_is_adopted(policy: dict[str, Any]) -> None:
    assert Reason.ADOPTED == decision(_asked(served(CONFIRMED), BY_HAND, **policy)).reason


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
        pytest.param(new(DESIRED), 5 * MINUTE, id="It is not confirmed: an annotation tells that."),
        pytest.param(new(CONFIRMED, None), 5 * MINUTE, id="It is not there, and there is no other."),
        pytest.param(served(CONFIRMED, None), 5 * MINUTE, id="It is not there, and a token works."),
        pytest.param(
            new(DESIRED, allowed_namespaces={"names": ["another"]}),
            MINUTE,
            id="Who may not ask is allowed soon.",
        ),
    ],
)
def test_a_token_that_is_not_adopted_as_it_is_is_asked_for_rarely(
    world: Observation, again: timedelta
) -> None:
    assert again == plan(world, NOW).requeue_after
