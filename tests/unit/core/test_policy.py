"""What an account's policy allows: each rule on its own, and what it says to whom it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiToken, Expiration, Resource, Rotation
from mailtrap_operator.core.blocked import RECHECK, Blocked
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    TOKENS_NOT_COUNTED,
    Found,
    Observation,
    Permission,
    Tenancy,
    TokenCount,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.policy import (
    crowding,
    excess,
    namespace_labels_unknown,
    unknown_standing,
    violation,
)
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    DOMAIN,
    HOUR,
    NAMESPACE,
    NOW,
    OPERATOR_NAMESPACE,
    SECOND,
    an_api_token,
    seen,
)

EVERYBODY = {"allowed_namespaces": {"names": ("*",)}}
LABELLED = {"allowed_namespaces": {"selector": {"match_labels": {"mail": "yes", "stage": "live"}}}}
NAMESPACED = AccountRef(kind="MailtrapAccount", name="default")
READ_ERROR = Unknown(Reason.KUBERNETES_REFUSED, "The labels of namespace shop cannot be read.")


def judged(api_token: ApiToken | None = None, **rules: Any) -> tuple[str, bool] | None:
    policy = AccountPolicy.model_validate(EVERYBODY | rules, by_name=True)
    return violation_found(seen(api_token, tenancy=Tenancy(policy)))


def violation_found(world: Observation) -> tuple[str, bool] | None:
    found = violation(ObservedState(world, NOW))
    return (found.message, found.retry_after is not None) if found else None


def asks_for(*resources: Resource) -> ApiToken:
    return an_api_token(resources=resources)


def ends(policy: str, **end: Any) -> ApiToken:
    return an_api_token(expiration=Expiration(policy=policy, **end))


def rotates(**rotation: Any) -> ApiToken:
    return an_api_token(rotation=Rotation(**rotation))


def in_namespace(namespace: str, **spec: Any) -> ApiToken:
    api_token = an_api_token(**spec)
    return api_token.model_copy(
        update={"metadata": api_token.metadata.model_copy(update={"namespace": namespace})}
    )


def test_an_account_without_an_object_asks_for_nothing() -> None:
    assert None is violation_found(seen(tenancy=None))
    assert None is namespace_labels_unknown(ObservedState(seen(tenancy=None), NOW))


VIEWER = Resource(type="domain", id=7, access_level="Viewer")
NAMED = Resource(type="inbox", name="Staging", access_level="Admin")
PROJECT = Resource(type="project", id="ab-1", access_level="Admin")
ACCOUNT_ADMIN = Resource(type="account", id=3229, access_level="Admin")
GIVEN_AWAY = (
    "spec.resources asks for Admin of {}; Admin of the account equals the operator's own credential, and "
    "allowedResources does not list the type account. Ask for Viewer, or for single resources"
)


@pytest.mark.parametrize(
    ("api_token", "rules"),
    [
        pytest.param(an_api_token(), {}, id="No rule: everything is allowed."),
        pytest.param(an_api_token(), {"max_access_level": "Admin"}, id="Admin is the highest level."),
        pytest.param(asks_for(VIEWER), {"max_access_level": "Viewer"}, id="Viewer is not above Viewer."),
        pytest.param(asks_for(DOMAIN), {"allowed_resources": [{"type": "domain"}]}, id="Every domain."),
        pytest.param(
            asks_for(DOMAIN, PROJECT),
            {"allowed_resources": [{"type": "project", "id": "ab-1"}, {"type": "domain", "id": 7}]},
            id="Each of several resources is listed.",
        ),
        pytest.param(
            asks_for(DOMAIN), {"allowed_resources": [{"type": "domain", "id": "7"}]}, id="An id as text."
        ),
        pytest.param(
            asks_for(Resource(type="sending_domain", id=7, access_level="Admin")),
            {"allowed_resources": [{"type": "domain", "id": 7}]},
            id="A type's earlier name in the spec.",
        ),
        pytest.param(
            asks_for(Resource(type="sandbox", id=3, access_level="Admin")),
            {"allowed_resources": [{"type": "inbox"}]},
            id="A type's earlier name in the policy.",
        ),
        pytest.param(
            asks_for(NAMED),
            {"allowed_resources": [{"type": "sandbox", "id": 3}]},
            id="A name may stand for it.",
        ),
        pytest.param(ends("After", after=90 * DAY), {"max_lifetime": 90 * DAY}, id="Just as long."),
        pytest.param(ends("At", at=NOW + 90 * DAY), {"max_lifetime": 90 * DAY}, id="A date just so far."),
        pytest.param(ends("At", at=NOW - DAY), {"max_lifetime": 90 * DAY}, id="A date in the past."),
        pytest.param(ends("After", after=HOUR), {"require_expiration": True}, id="It ends after a time."),
        pytest.param(ends("At", at=NOW + DAY), {"require_expiration": True}, id="It ends at a date."),
        pytest.param(
            asks_for(Resource(type="account", id=3229, access_level="Viewer")),
            {},
            id="Viewer of the account.",
        ),
        pytest.param(
            asks_for(ACCOUNT_ADMIN),
            {"allowed_resources": [{"type": "account"}, {"type": "domain"}]},
            id="Admin of the account, where that type is listed.",
        ),
        pytest.param(
            asks_for(ACCOUNT_ADMIN),
            {"allowed_resources": [{"type": "account", "id": "3229"}]},
            id="Admin of the account that is listed.",
        ),
        pytest.param(
            rotates(overlap=12 * HOUR), {"max_overlap": HOUR}, id="The overlap of a reset is not the spec's."
        ),
        pytest.param(
            rotates(overlap=HOUR, max_overlap=HOUR, strategy="Replace"),
            {"max_overlap": HOUR},
            id="An overlap that is just so long.",
        ),
        pytest.param(
            an_api_token(deletion_policy="Retain"),
            {"deletion_policies": ["Delete", "Retain"]},
            id="Both deletion policies are listed.",
        ),
    ],
)
def test_what_keeps_to_the_rules_is_allowed(api_token: ApiToken, rules: dict[str, Any]) -> None:
    assert None is judged(api_token, **rules)


@pytest.mark.parametrize(
    ("api_token", "rules", "says", "may_pass"),
    [
        pytest.param(
            asks_for(VIEWER, PROJECT),
            {"max_access_level": "Viewer"},
            "maxAccessLevel is Viewer, and spec.resources asks for Admin of project ab-1. Ask for Viewer",
            False,
            id="A level above the highest.",
        ),
        pytest.param(
            asks_for(DOMAIN),
            {"allowed_resources": [{"type": "domain", "id": 8}, {"type": "project"}]},
            "allowedResources does not list domain 7. Remove it from spec.resources",
            False,
            id="Another one of the type.",
        ),
        pytest.param(
            asks_for(DOMAIN, PROJECT),
            {"allowed_resources": [{"type": "domain"}]},
            "allowedResources does not list project ab-1. Remove it from spec.resources",
            False,
            id="Another type.",
        ),
        pytest.param(
            asks_for(DOMAIN, NAMED),
            {"allowed_resources": [{"type": "domain"}]},
            "allowedResources does not list inbox Staging. Remove it from spec.resources",
            False,
            id="Another type, whatever the name stands for.",
        ),
        pytest.param(
            ends("Never"),
            {"require_expiration": True},
            "requireExpiration is set, and spec.expiration.policy is Never. Set it to After or At",
            False,
            id="It never ends.",
        ),
        pytest.param(
            an_api_token(),
            {"require_expiration": True},
            "requireExpiration is set, and spec.expiration.policy is ServerDefault. Set it to After or At",
            False,
            id="Mailtrap decides when it ends.",
        ),
        pytest.param(
            an_api_token(),
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 90d, and spec.expiration.policy is ServerDefault. Set it to After or At",
            False,
            id="Mailtrap decides, and might decide on longer.",
        ),
        pytest.param(
            ends("Never"),
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 90d, and spec.expiration.policy is Never. Set it to After or At",
            False,
            id="It never ends, which is longer than anything.",
        ),
        pytest.param(
            ends("After", after=90 * DAY + SECOND),
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 90d, and spec.expiration.after is longer. Make it shorter",
            False,
            id="A second too long.",
        ),
        pytest.param(
            ends("At", at=NOW + 90 * DAY + SECOND),
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 90d, and spec.expiration.at is later than that from now. Name an earlier date",
            True,
            id="A date that is a second too far, as yet.",
        ),
        pytest.param(
            asks_for(DOMAIN, ACCOUNT_ADMIN),
            {},
            GIVEN_AWAY.format("account 3229"),
            False,
            id="Admin of the account, without a list.",
        ),
        pytest.param(
            asks_for(Resource(type="ACCOUNT", name="Acme", access_level="Admin")),
            {"max_access_level": "Admin"},
            GIVEN_AWAY.format("ACCOUNT Acme"),
            False,
            id="The account by its name, and its type in capitals.",
        ),
        pytest.param(
            asks_for(ACCOUNT_ADMIN),
            {"allowed_resources": [{"type": "account", "id": 1}]},
            "allowedResources does not list account 3229. Remove it from spec.resources",
            False,
            id="Admin of another account than the one that is listed.",
        ),
        pytest.param(
            rotates(overlap=HOUR + SECOND, strategy="Replace"),
            {"max_overlap": HOUR},
            "maxOverlap is 1h, and spec.rotation.overlap is longer. Make it shorter",
            False,
            id="An overlap that is a second too long.",
        ),
        pytest.param(
            rotates(overlap=0 * HOUR, max_overlap=2 * HOUR),
            {"max_overlap": HOUR},
            "maxOverlap is 1h, and spec.rotation.maxOverlap is longer. Make it shorter",
            False,
            id="Consumers may take too long.",
        ),
        pytest.param(
            an_api_token(deletion_policy="Retain"),
            {"deletion_policies": ["Delete"]},
            "deletionPolicies does not list Retain, which spec.deletionPolicy is. Set it to Delete",
            False,
            id="Its tokens are to stay.",
        ),
        pytest.param(
            an_api_token(),
            {"deletion_policies": ["Retain"]},
            "deletionPolicies does not list Delete, which spec.deletionPolicy is. Set it to Retain",
            False,
            id="Its tokens are to go.",
        ),
    ],
)
def test_violation_names_the_rule_and_what_to_change(
    api_token: ApiToken, rules: dict[str, Any], says: str, *, may_pass: bool
) -> None:
    message = f"The policy of ClusterMailtrapAccount default is violated: {says}, or have the policy changed."

    assert (message, may_pass) == judged(api_token, **rules)


NOT_SERVED = "The policy of ClusterMailtrapAccount default is violated: {}. Use another spec.accountRef, or have the policy changed."


def policy_for(**allowed: Any) -> AccountPolicy:
    return AccountPolicy.model_validate({"allowed_namespaces": allowed or None}, by_name=True)


def served(policy: AccountPolicy, namespace: str = NAMESPACE, **facts: Any) -> tuple[str, bool] | None:
    return violation_found(seen(in_namespace(namespace), tenancy=Tenancy(policy, **facts)))


def test_an_account_of_the_cluster_serves_the_operators_namespace_alone_unless_it_says_otherwise() -> None:
    says = "without allowedNamespaces it serves the operator's namespace alone, not namespace shop"

    assert None is served(AccountPolicy(), OPERATOR_NAMESPACE)
    assert (NOT_SERVED.format(says), False) == served(AccountPolicy())


def test_namespaces_may_be_named() -> None:
    says = "allowedNamespaces does not name namespace shop"

    assert None is served(policy_for(names=("desk", "shop")))
    assert None is served(policy_for(names=("*",)))
    assert (NOT_SERVED.format(says), False) == served(policy_for(names=("desk", "sho")))
    assert None is not served(policy_for(names=("desk",)), OPERATOR_NAMESPACE)


def test_namespaces_may_be_known_by_their_labels() -> None:
    policy = AccountPolicy.model_validate(LABELLED, by_name=True)
    says = "allowedNamespaces requires the labels mail=yes, stage=live, which namespace shop has not"

    assert None is served(policy, labels=Found({"mail": "yes", "stage": "live", "team": "a"}))
    for labels in ({}, {"mail": "yes"}, {"mail": "yes", "stage": "test"}):
        assert (NOT_SERVED.format(says), True) == served(policy, labels=Found(labels))


@pytest.mark.parametrize("labels", [LABELS_NOT_READ, READ_ERROR])
def test_labels_that_are_not_known_break_no_rule_but_are_missing(labels: Unknown) -> None:
    def world(**rules: Any) -> Observation:
        policy = AccountPolicy.model_validate(rules, by_name=True)
        return seen(tenancy=Tenancy(policy, labels=labels))

    unread = world(**LABELLED)
    assert (None, labels) == (violation_found(unread), namespace_labels_unknown(ObservedState(unread, NOW)))
    assert None is namespace_labels_unknown(ObservedState(world(**EVERYBODY), NOW))
    assert None is not violation_found(world(**LABELLED, require_expiration=True))


def test_labels_that_are_known_are_not_missing() -> None:
    policy = AccountPolicy.model_validate(LABELLED, by_name=True)
    world = seen(tenancy=Tenancy(policy, labels=Found({})))

    assert None is namespace_labels_unknown(ObservedState(world, NOW))


def in_own_account(resources: tuple[Resource, ...] = (DOMAIN,), **rules: Any) -> tuple[str, bool] | None:
    policy = AccountPolicy.model_validate(rules, by_name=True)
    world = seen(an_api_token(), tenancy=Tenancy(policy, labels=Found({})))
    own = replace(world.account, ref=NAMESPACED)
    api_token = an_api_token(account_ref=NAMESPACED, resources=resources)
    return violation_found(replace(world, api_token=api_token, accounts=(own,)))


@pytest.mark.parametrize("rules", [{}, {"allowed_namespaces": {"names": ("desk",)}}, LABELLED], ids=str)
def test_an_account_of_a_namespace_serves_that_whatever_it_says_of_namespaces(rules: dict[str, Any]) -> None:
    assert None is in_own_account(**rules)


def test_an_account_of_a_namespace_has_rules_like_any_other() -> None:
    found = in_own_account(require_expiration=True)

    assert found is not None
    assert found[0].startswith("The policy of MailtrapAccount shop/default is violated: requireExpiration")


def test_the_first_rule_that_is_broken_speaks() -> None:
    found = judged(ends("Never"), require_expiration=True, max_access_level="Viewer")

    assert found is not None
    assert "maxAccessLevel" in found[0]


def test_in_the_operators_namespace_and_in_an_account_of_its_own_the_account_may_be_administered() -> None:
    at_home = in_namespace(OPERATOR_NAMESPACE, resources=(ACCOUNT_ADMIN,))

    assert None is violation_found(seen(at_home, tenancy=Tenancy(policy_for(names=("*",)))))
    assert None is in_own_account(resources=(ACCOUNT_ADMIN,))


DOMAIN_ADMIN, DOMAIN_VIEWER = Permission("domain", "7", "Admin"), Permission("domain", "7", "Viewer")
NOT_TOLD = "Mailtrap does not tell what it may do, and the account's policy asks for that"
ONE_DOMAIN = {"allowed_resources": [{"type": "sending_domain", "id": 7}]}


@pytest.mark.parametrize(
    ("permissions", "rules", "words"),
    [
        pytest.param((DOMAIN_ADMIN,), {}, None, id="No rule."),
        pytest.param((DOMAIN_VIEWER,), {"max_access_level": "Viewer"}, None, id="Viewer."),
        pytest.param((DOMAIN_ADMIN,), ONE_DOMAIN, None, id="It is listed."),
        pytest.param(
            (DOMAIN_VIEWER, DOMAIN_ADMIN),
            {"max_access_level": "Viewer"},
            "it has domain 7 Admin, and the account's policy sets maxAccessLevel to Viewer",
            id="Admin.",
        ),
        pytest.param(
            (Permission("domain", "8", "Viewer"),),
            ONE_DOMAIN,
            "it has domain 8 Viewer, which allowedResources of the account's policy does not list",
            id="It is not listed.",
        ),
        pytest.param(
            (Permission("Account", "3229", "1000"),),
            {},
            "it has Account 3229 1000, which allowedResources of the account's policy does not list",
            id="More than Viewer of the account.",
        ),
        pytest.param(
            (Permission("account", "3229", "Admin"),),
            {"allowed_resources": [{"type": "account"}]},
            None,
            id="Admin of the account, which is listed.",
        ),
        pytest.param(
            None, {"allowed_resources": [{"type": "account"}]}, NOT_TOLD, id="Not told, and there is a list."
        ),
        pytest.param(
            None, {"max_access_level": "Viewer"}, NOT_TOLD, id="Not told, and only Viewer is allowed."
        ),
        pytest.param(None, {}, NOT_TOLD, id="Not told: it may be Admin of the account."),
    ],
)
def test_what_a_token_may_do_is_judged_as_what_is_asked_for(
    permissions: tuple[Permission, ...] | None, rules: dict[str, Any], words: str | None
) -> None:
    policy = AccountPolicy.model_validate(EVERYBODY | rules, by_name=True)

    assert words == excess(ObservedState(seen(tenancy=Tenancy(policy)), NOW), permissions)


def test_permissions_that_are_not_told_matter_to_no_one_where_everything_is_allowed() -> None:
    at_home = seen(in_namespace(OPERATOR_NAMESPACE), tenancy=Tenancy(policy_for(names=("*",))))

    assert None is excess(ObservedState(at_home, NOW), None)
    assert None is excess(ObservedState(seen(tenancy=None), NOW), None)


def counted(most: int | None, tokens: Found[TokenCount] | Unknown) -> ObservedState:
    policy = AccountPolicy.model_validate(EVERYBODY | {"max_tokens_per_namespace": most}, by_name=True)
    return ObservedState(seen(tenancy=Tenancy(policy, tokens=tokens)), NOW)


def test_violation_names_the_number_of_tokens_and_what_to_wait_for() -> None:
    new = crowding(counted(3, Found(TokenCount(others=2, own=0, reserved=1))))
    rotated = crowding(counted(3, Found(TokenCount(others=1, own=2, reserved=0))))

    assert new == Blocked(
        Reason.POLICY_VIOLATED,
        "The policy of ClusterMailtrapAccount default is violated: maxTokensPerNamespace is 3, and namespace shop has 2 "
        "living tokens in the account, those in their overlap among them, and 1 are to come for older ApiTokens. Wait "
        "for the end of an overlap, or delete an ApiToken, or have the policy changed.",
        RECHECK,
    )
    assert rotated == Blocked(
        Reason.POLICY_VIOLATED,
        "The policy of ClusterMailtrapAccount default is violated: maxTokensPerNamespace is 3, and namespace shop has 3 "
        "living tokens in the account, those in their overlap among them. Wait for the end of an overlap, or have the "
        "policy changed.",
        RECHECK,
    )


@pytest.mark.parametrize(
    ("most", "tokens", "unknown"),
    [
        pytest.param(None, TOKENS_NOT_COUNTED, None, id="Nobody asks."),
        pytest.param(2, Found(TokenCount(1, 0, 0)), None, id="There is a free place."),
        pytest.param(2, TOKENS_NOT_COUNTED, TOKENS_NOT_COUNTED, id="They were not counted yet."),
    ],
)
def test_where_there_is_a_place_or_that_is_not_known_nothing_is_violated(
    most: int | None, tokens: Found[TokenCount] | Unknown, unknown: Unknown | None
) -> None:
    s = counted(most, tokens)

    assert (None, unknown) == (crowding(s), unknown_standing(s))


def test_an_account_without_an_object_counts_nothing() -> None:
    s = ObservedState(seen(tenancy=None), NOW)

    assert (None, None) == (crowding(s), unknown_standing(s))


def test_labels_that_are_not_known_leave_the_standing_unknown() -> None:
    policy = AccountPolicy.model_validate(LABELLED, by_name=True)

    assert READ_ERROR == unknown_standing(
        ObservedState(seen(tenancy=Tenancy(policy, labels=READ_ERROR)), NOW)
    )
