"""What a look reads next: the order of the chain, and what is left out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, PROOF_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiToken, Resource, RestartTarget
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    SECRET_NOT_READ,
    Absent,
    AccountView,
    Adoptee,
    Catalogue,
    CatalogueEntry,
    Found,
    Limits,
    Observation,
    OwnedTokens,
    Tenancy,
    TokenCount,
    Unknown,
)
from mailtrap_operator.core.reads import (
    AdopteeRead,
    Answers,
    LabelsRead,
    Read,
    ResourcesRead,
    SecretRead,
    TokenRead,
    TokensRead,
    WorkloadsRead,
    next_read,
    secret_names,
)
from mailtrap_operator.core.references import ProofPlace
from tests.unit.core.builders import (
    ACCOUNT,
    ACCOUNT_IDS,
    CURRENT_1,
    DOMAIN,
    NAME,
    NAMESPACE,
    NOW,
    OTHER_ACCOUNT,
    TIMEOUT,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    seen,
)

ID = ACCOUNT_IDS[ACCOUNT]
NAMED = Resource(type="domain", name="example.com", access_level="Admin")
TARGET = RestartTarget(kind="Deployment", name="billing")
ADOPTS = {ADOPT_ANNOTATION: "7"}
PROVES = {**ADOPTS, PROOF_ANNOTATION: "mine"}
ADOPTEE = Found(Adoptee(a_remote_token(7, tag=None, name="by hand"), is_proven=False))
LOOKED_UP = Found(Catalogue(ID, (CatalogueEntry("domain", "example.com", 7),), is_whole=True))
BY_LABEL: dict[str, Any] = {"allowed_namespaces": {"selector": {"match_labels": {"mail": "yes"}}}}
LABELS = Found({"mail": "yes"})
NO_LABELS = Unknown(TIMEOUT.reason, "The labels cannot be read.")
LISTED: dict[AccountRef, Found[OwnedTokens]] = {ACCOUNT: Found({}), OTHER_ACCOUNT: Found({})}
CLOSED = AccountView(ACCOUNT, None, TIMEOUT, is_closed=True)


def tenancy(
    labels: Found[Mapping[str, str]] | Unknown = LABELS_NOT_READ,
    tokens: Found[TokenCount] | Unknown = TIMEOUT,
    **rules: Any,
) -> Tenancy:
    policy = {"allowed_namespaces": {"names": ("*",)}, "adoption": "Allowed"} | rules
    return Tenancy(AccountPolicy.model_validate(policy, by_name=True), labels, tokens)


def new(
    policy: Tenancy | None = None, *, adopts: Mapping[str, str] | None = None, **spec: Any
) -> Observation:
    """Return an object that was never served, whose account was not listed."""
    api_token = an_api_token(status=WIPED, finalizers=(), annotations=adopts, **spec)
    return seen(api_token, secret=None, listed=TIMEOUT, tenancy=policy or tenancy())


def served(api_token: ApiToken | None = None, **world: Any) -> Observation:
    return seen(api_token, tenancy=tenancy(), **world)


def following(world: Observation, **read: Any) -> Read | None:
    """Return what is read after the object's Secrets and what `read` names."""
    secrets = dict.fromkeys(secret_names(world.api_token), world.secret)
    answers = Answers(world.api_token, timedelta(), **{"secrets": secrets, **read})
    return next_read(answers, world, NOW)


FORMER = an_api_token(secret_name="other")
TWO_ACCOUNTS = an_api_token(status=a_status(previous=(a_previous(2, account=OTHER_ACCOUNT),)))
RESTARTED = an_api_token(rollout_restart_targets=(TARGET,), status=a_status(previous=(a_previous(2),)))
BOTH_LISTED = served(TWO_ACCOUNTS, listed_elsewhere=(a_remote_token(2, account=OTHER_ACCOUNT),))
CHANGED = an_api_token(resources=(DOMAIN, NAMED))
ABOUT_ELSEWHERE = replace(
    BOTH_LISTED,
    accounts=(BOTH_LISTED.account, replace(BOTH_LISTED.accounts[1], tenancy=tenancy(**BY_LABEL))),
)


@pytest.mark.parametrize(
    ("world", "read", "expected"),
    [
        pytest.param(served(), {"secrets": {}}, SecretRead(NAME), id="the Secret comes first"),
        pytest.param(
            served(FORMER),
            {"secrets": {"other": Absent()}},
            SecretRead(NAME),
            id="then the Secret that the value leaves",
        ),
        pytest.param(
            new(tenancy(**BY_LABEL)), {}, LabelsRead(ACCOUNT), id="then the labels that a policy asks for"
        ),
        pytest.param(ABOUT_ELSEWHERE, {}, LabelsRead(OTHER_ACCOUNT), id="whichever account's policy asks"),
        pytest.param(new(), {}, ResourcesRead(ACCOUNT, ID, (DOMAIN,)), id="then the resources given by id"),
        pytest.param(
            new(resources=(DOMAIN, NAMED)),
            {},
            ResourcesRead(ACCOUNT, ID),
            id="or by name, for which no earlier answer will do",
        ),
        pytest.param(
            new(adopts=ADOPTS),
            {"catalogue": LOOKED_UP},
            AdopteeRead(ACCOUNT, 7, None),
            id="then the token to adopt",
        ),
        pytest.param(
            new(tenancy(adoption="Proven"), adopts=PROVES),
            {"catalogue": LOOKED_UP},
            AdopteeRead(ACCOUNT, 7, ProofPlace(NAMESPACE, "mine", "token")),
            id="with its proof where the policy asks for one",
        ),
        pytest.param(
            replace(new(adopts=ADOPTS), adoptee=ADOPTEE),
            {"catalogue": LOOKED_UP, "adoptee": ADOPTEE},
            TokensRead((ACCOUNT,)),
            id="then the LIST, as the token to adopt was found",
        ),
        pytest.param(served(), {}, TokensRead((ACCOUNT,)), id="then the LIST of an object that is served"),
        pytest.param(
            BOTH_LISTED, {}, TokensRead((ACCOUNT, OTHER_ACCOUNT)), id="the LISTs of all its accounts"
        ),
        pytest.param(
            BOTH_LISTED,
            {"lists": {ACCOUNT: Found({})}},
            TokensRead((OTHER_ACCOUNT,)),
            id="each account is listed once",
        ),
        pytest.param(
            replace(BOTH_LISTED, accounts=(CLOSED, BOTH_LISTED.accounts[1])),
            {},
            TokensRead((OTHER_ACCOUNT,)),
            id="an account that is closed is not listed",
        ),
        pytest.param(
            served(TWO_ACCOUNTS, listed=(), listed_elsewhere=()),
            {"lists": LISTED},
            TokenRead(ACCOUNT, 1),
            id="then each token on record that a LIST lacks",
        ),
        pytest.param(
            served(TWO_ACCOUNTS, listed=(), listed_elsewhere=()),
            {"lists": LISTED, "tokens": {(ACCOUNT, 1): Absent()}},
            TokenRead(OTHER_ACCOUNT, 2),
            id="also in other accounts",
        ),
        pytest.param(
            served(TWO_ACCOUNTS, listed=TIMEOUT, listed_elsewhere=()),
            {"lists": LISTED, "tokens": {(OTHER_ACCOUNT, 2): Absent()}},
            None,
            id="what was not listed lacks nothing",
        ),
        pytest.param(
            served(RESTARTED, listed=(a_remote_token(1), a_remote_token(2))),
            {"lists": LISTED},
            WorkloadsRead((TARGET,)),
            id="last the workloads that are to move",
        ),
        pytest.param(
            new(rollout_restart_targets=(TARGET,)),
            {"catalogue": LOOKED_UP},
            WorkloadsRead((TARGET,)),
            id="or that a spec newly names",
        ),
        pytest.param(
            served(RESTARTED, listed=(a_remote_token(1), a_remote_token(2))),
            {"lists": LISTED, "workloads": Found(())},
            None,
            id="they are read once",
        ),
        pytest.param(served(), {"lists": LISTED}, None, id="nothing is left to read"),
    ],
)
def test_reads_follow_in_the_order_of_the_protocol(
    world: Observation, read: Mapping[str, Any], expected: Read | None
) -> None:
    assert expected == following(world, **read)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(replace(new(adopts=ADOPTS), accounts=(CLOSED,)), id="an account that is closed"),
        pytest.param(new(tenancy(max_access_level="Viewer"), adopts=ADOPTS), id="a violated policy"),
        pytest.param(new(tenancy(NO_LABELS, **BY_LABEL), adopts=ADOPTS), id="labels that cannot be read"),
        pytest.param(
            new(tenancy(tokens=Found(TokenCount(1, 0, 0)), max_tokens_per_namespace=1), adopts=ADOPTS),
            id="a namespace that has too many tokens",
        ),
        pytest.param(
            new(tenancy(max_tokens_per_namespace=1), adopts=ADOPTS), id="tokens that were not counted"
        ),
        pytest.param(
            new(adopts=ADOPTS, secret_template={"metadata": {"labels": {"example.com/x": "y"}}}),
            id="a form beyond the settings",
        ),
        pytest.param(new(adopts=ADOPTS, deleted=True), id="an object that is terminating"),
    ],
)
def test_nothing_is_asked_of_an_account_for_an_object_that_may_not_use_it(world: Observation) -> None:
    assert None is following(world, labels=LABELS)


@pytest.mark.parametrize(
    ("policy", "adopts"),
    [
        pytest.param(tenancy(adoption="Denied"), ADOPTS, id="it is denied"),
        pytest.param(tenancy(adoption="Proven"), ADOPTS, id="it is not proven"),
        pytest.param(tenancy(), {ADOPT_ANNOTATION: "mine"}, id="there is no id"),
        pytest.param(tenancy(), {}, id="there is none"),
    ],
)
def test_no_token_to_adopt_is_asked_for(policy: Tenancy, adopts: Mapping[str, str]) -> None:
    assert None is following(new(policy, adopts=adopts), catalogue=LOOKED_UP)


def test_an_object_that_was_never_served_needs_no_list_without_a_token_to_adopt() -> None:
    world = replace(new(adopts=ADOPTS), adoptee=Absent())

    assert None is following(world, catalogue=LOOKED_UP, adoptee=Absent())


def test_of_an_object_that_is_served_a_crowded_namespace_does_not_matter() -> None:
    crowded = tenancy(tokens=Found(TokenCount(1, 1, 0)), max_tokens_per_namespace=1)

    assert ResourcesRead(ACCOUNT, ID) == following(seen(CHANGED, tenancy=crowded))


def test_access_that_a_token_was_issued_for_is_not_looked_up() -> None:
    assert TokensRead((ACCOUNT,)) == following(seen(an_api_token(), tenancy=tenancy()))


def test_what_a_policy_allows_after_the_list_is_still_asked_for() -> None:
    api_token = an_api_token(annotations=ADOPTS)

    denied, allowed = (seen(api_token, tenancy=tenancy(adoption=each)) for each in ("Denied", "Allowed"))

    assert None is following(denied, lists=LISTED)
    assert AdopteeRead(ACCOUNT, 7, None) == following(allowed, lists=LISTED)


def test_what_a_policy_forbids_after_the_resources_is_not_asked_for() -> None:
    closed = replace(new(adopts=ADOPTS), accounts=(CLOSED,), catalogue=LOOKED_UP)

    assert None is following(closed, catalogue=LOOKED_UP)


def test_restarts_that_the_settings_do_not_allow_cost_no_read() -> None:
    world = new(rollout_restart_targets=(TARGET,))
    identity = replace(world.identity, limits=Limits(rollout_restarts=False))

    assert None is following(replace(world, identity=identity), catalogue=LOOKED_UP)


def test_answers_name_the_secrets_of_the_object() -> None:
    former = Found(a_secret())
    answers = Answers(FORMER, timedelta(), {"other": Absent()})

    assert (Absent(), SECRET_NOT_READ) == (answers.secret, answers.former_secret)
    assert former == replace(answers, secrets={NAME: former}).former_secret
    assert SECRET_NOT_READ == replace(answers, secrets={}).secret
    assert Absent() == Answers(an_api_token(), timedelta()).former_secret
    assert CURRENT_1 == FORMER.status.current
