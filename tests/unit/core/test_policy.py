"""What an account's policy allows: each rule on its own, and what it says to whom it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiToken, Expiration, Resource
from mailtrap_operator.core.observation import LABELS_NOT_READ, Found, Observation, Tenancy, Unknown
from mailtrap_operator.core.policy import unread_labels, violation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.situation import Situation
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


def judged(api_token: ApiToken | None = None, seniors: int = 0, **rules: Any) -> tuple[str, bool] | None:
    policy = AccountPolicy.model_validate(EVERYBODY | rules, by_name=True)
    return verdict(seen(api_token, tenancy=Tenancy(policy, seniors)))


def verdict(world: Observation) -> tuple[str, bool] | None:
    found = violation(Situation(world, NOW))
    return (found.message, found.may_pass) if found else None


def asks_for(*resources: Resource) -> ApiToken:
    return an_api_token(resources=resources)


def ends(policy: str, **end: Any) -> ApiToken:
    return an_api_token(expiration=Expiration(policy=policy, **end))


def in_namespace(namespace: str, **spec: Any) -> ApiToken:
    api_token = an_api_token(**spec)
    return api_token.model_copy(
        update={"metadata": api_token.metadata.model_copy(update={"namespace": namespace})}
    )


def test_an_account_without_an_object_asks_for_nothing() -> None:
    assert None is verdict(seen(tenancy=None))
    assert None is unread_labels(Situation(seen(tenancy=None), NOW))


VIEWER = Resource(type="domain", id=7, access_level="Viewer")
NAMED = Resource(type="inbox", name="Staging", access_level="Admin")
PROJECT = Resource(type="project", id="ab-1", access_level="Admin")


@pytest.mark.parametrize(
    ("api_token", "seniors", "rules"),
    [
        pytest.param(an_api_token(), 1000, {}, id="No rule: everything is allowed."),
        pytest.param(an_api_token(), 0, {"max_access_level": "Admin"}, id="Admin is the highest level."),
        pytest.param(asks_for(VIEWER), 0, {"max_access_level": "Viewer"}, id="Viewer is not above Viewer."),
        pytest.param(asks_for(DOMAIN), 0, {"allowed_resources": [{"type": "domain"}]}, id="Every domain."),
        pytest.param(
            asks_for(DOMAIN, PROJECT),
            0,
            {"allowed_resources": [{"type": "project", "id": "ab-1"}, {"type": "domain", "id": 7}]},
            id="Each of several resources is listed.",
        ),
        pytest.param(
            asks_for(DOMAIN), 0, {"allowed_resources": [{"type": "domain", "id": "7"}]}, id="An id as text."
        ),
        pytest.param(
            asks_for(Resource(type="sending_domain", id=7, access_level="Admin")),
            0,
            {"allowed_resources": [{"type": "domain", "id": 7}]},
            id="A type's earlier name in the spec.",
        ),
        pytest.param(
            asks_for(Resource(type="sandbox", id=3, access_level="Admin")),
            0,
            {"allowed_resources": [{"type": "inbox"}]},
            id="A type's earlier name in the policy.",
        ),
        pytest.param(
            asks_for(NAMED),
            0,
            {"allowed_resources": [{"type": "sandbox", "id": 3}]},
            id="A name may stand for it.",
        ),
        pytest.param(ends("After", after=90 * DAY), 0, {"max_lifetime": 90 * DAY}, id="Just as long."),
        pytest.param(ends("At", at=NOW + 90 * DAY), 0, {"max_lifetime": 90 * DAY}, id="A date just so far."),
        pytest.param(ends("At", at=NOW - DAY), 0, {"max_lifetime": 90 * DAY}, id="A date in the past."),
        pytest.param(ends("After", after=HOUR), 0, {"require_expiration": True}, id="It ends after a time."),
        pytest.param(ends("At", at=NOW + DAY), 0, {"require_expiration": True}, id="It ends at a date."),
        pytest.param(
            an_api_token(), 1, {"max_tokens_per_namespace": 2}, id="The last one that there may be."
        ),
    ],
)
def test_what_keeps_to_the_rules_is_allowed(api_token: ApiToken, seniors: int, rules: dict[str, Any]) -> None:
    assert None is judged(api_token, seniors, **rules)


@pytest.mark.parametrize(
    ("api_token", "seniors", "rules", "says", "may_pass"),
    [
        pytest.param(
            asks_for(VIEWER, PROJECT),
            0,
            {"max_access_level": "Viewer"},
            "maxAccessLevel is Viewer, and spec.resources asks for Admin of project ab-1. Ask for Viewer",
            False,
            id="A level above the highest.",
        ),
        pytest.param(
            asks_for(DOMAIN),
            0,
            {"allowed_resources": [{"type": "domain", "id": 8}, {"type": "project"}]},
            "allowedResources does not list domain 7. Remove it from spec.resources",
            False,
            id="Another one of the type.",
        ),
        pytest.param(
            asks_for(DOMAIN, PROJECT),
            0,
            {"allowed_resources": [{"type": "domain"}]},
            "allowedResources does not list project ab-1. Remove it from spec.resources",
            False,
            id="Another type.",
        ),
        pytest.param(
            asks_for(DOMAIN, NAMED),
            0,
            {"allowed_resources": [{"type": "domain"}]},
            "allowedResources does not list inbox Staging. Remove it from spec.resources",
            False,
            id="Another type, whatever the name stands for.",
        ),
        pytest.param(
            ends("Never"),
            0,
            {"require_expiration": True},
            "requireExpiration is set, and spec.expiration.policy is Never. Set it to After or At",
            False,
            id="It never ends.",
        ),
        pytest.param(
            an_api_token(),
            0,
            {"require_expiration": True},
            "requireExpiration is set, and spec.expiration.policy is ServerDefault. Set it to After or At",
            False,
            id="Mailtrap decides when it ends.",
        ),
        pytest.param(
            an_api_token(),
            0,
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 2160h, and spec.expiration.policy is ServerDefault. Set it to After or At",
            False,
            id="Mailtrap decides, and might decide on longer.",
        ),
        pytest.param(
            ends("Never"),
            0,
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 2160h, and spec.expiration.policy is Never. Set it to After or At",
            False,
            id="It never ends, which is longer than anything.",
        ),
        pytest.param(
            ends("After", after=90 * DAY + SECOND),
            0,
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 2160h, and spec.expiration.after is longer. Make it shorter",
            False,
            id="A second too long.",
        ),
        pytest.param(
            ends("At", at=NOW + 90 * DAY + SECOND),
            0,
            {"max_lifetime": 90 * DAY},
            "maxLifetime is 2160h, and spec.expiration.at is later than that from now. Name an earlier date",
            True,
            id="A date that is a second too far, as yet.",
        ),
        pytest.param(
            an_api_token(),
            2,
            {"max_tokens_per_namespace": 2},
            "maxTokensPerNamespace is 2, and as many older ApiTokens of namespace shop use the account. Delete one of them",
            True,
            id="One too many.",
        ),
    ],
)
def test_what_breaks_a_rule_is_told_which_and_what_to_change(
    api_token: ApiToken, seniors: int, rules: dict[str, Any], says: str, *, may_pass: bool
) -> None:
    message = f"The policy of ClusterMailtrapAccount default is violated: {says}, or have the policy changed."

    assert (message, may_pass) == judged(api_token, seniors, **rules)


NOT_SERVED = "The policy of ClusterMailtrapAccount default is violated: {}. Use another spec.accountRef, or have the policy changed."


def policy_for(**allowed: Any) -> AccountPolicy:
    return AccountPolicy.model_validate({"allowed_namespaces": allowed or None}, by_name=True)


def served(policy: AccountPolicy, namespace: str = NAMESPACE, **facts: Any) -> tuple[str, bool] | None:
    return verdict(seen(in_namespace(namespace), tenancy=Tenancy(policy, **facts)))


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
    says = "allowedNamespaces wants the labels mail=yes, stage=live, which namespace shop has not"

    assert None is served(policy, labels=Found({"mail": "yes", "stage": "live", "team": "a"}))
    for labels in ({}, {"mail": "yes"}, {"mail": "yes", "stage": "test"}):
        assert (NOT_SERVED.format(says), True) == served(policy, labels=Found(labels))


@pytest.mark.parametrize("labels", [LABELS_NOT_READ, READ_ERROR])
def test_labels_that_are_not_known_break_no_rule_but_are_missing(labels: Unknown) -> None:
    def world(**rules: Any) -> Observation:
        policy = AccountPolicy.model_validate(rules, by_name=True)
        return seen(tenancy=Tenancy(policy, labels=labels))

    unread = world(**LABELLED)
    assert (None, labels) == (verdict(unread), unread_labels(Situation(unread, NOW)))
    assert None is unread_labels(Situation(world(**EVERYBODY), NOW))
    assert None is not verdict(world(**LABELLED, require_expiration=True))


def test_labels_that_are_known_are_not_missing() -> None:
    policy = AccountPolicy.model_validate(LABELLED, by_name=True)
    world = seen(tenancy=Tenancy(policy, labels=Found({})))

    assert None is unread_labels(Situation(world, NOW))


def in_own_account(**rules: Any) -> tuple[str, bool] | None:
    policy = AccountPolicy.model_validate(rules, by_name=True)
    world = seen(an_api_token(), tenancy=Tenancy(policy, labels=Found({})))
    own = replace(world.account, ref=NAMESPACED)
    return verdict(replace(world, api_token=an_api_token(account_ref=NAMESPACED), accounts=(own,)))


@pytest.mark.parametrize("rules", [{}, {"allowed_namespaces": {"names": ("desk",)}}, LABELLED], ids=str)
def test_an_account_of_a_namespace_serves_that_whatever_it_says_of_namespaces(rules: dict[str, Any]) -> None:
    assert None is in_own_account(**rules)


def test_an_account_of_a_namespace_has_rules_like_any_other() -> None:
    found = in_own_account(require_expiration=True)

    assert found is not None
    assert found[0].startswith("The policy of MailtrapAccount shop/default is violated: requireExpiration")


def test_the_first_rule_that_is_broken_speaks() -> None:
    found = judged(ends("Never"), 5, max_tokens_per_namespace=1, max_access_level="Viewer")

    assert found is not None
    assert "maxAccessLevel" in found[0]
