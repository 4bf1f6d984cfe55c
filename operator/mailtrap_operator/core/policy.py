"""Whether an account's policy allows what an ApiToken asks for.

Each rule is a small function that says what is wrong and what to change; the first that speaks is the answer. What
follows from a violation is decided in `planning`. The policy is that of the account that the spec names. No rule needs
an answer of Mailtrap, but for the id of a resource that the spec names by its name: an object that may not use the
account causes no call.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from mailtrap_operator.api.v1alpha1 import AccountPolicy, Resource, print_duration
from mailtrap_operator.core.blocked import RECHECK, Blocked
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.observation import Found, Permission, Tenancy, Unknown
from mailtrap_operator.core.observed_state import ObservedState, once
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.resource_types import canonical_type, is_allowed
from mailtrap_operator.core.tenants import selector_of, serves
from mailtrap_operator.core.token_count import are_too_many

_ACCOUNT = "account"
"""The type of resource whose administrator manages tokens."""


@once
def violation(s: ObservedState) -> Blocked | None:
    """Return in what the object breaks the account's policy, or None; what is not known breaks nothing."""
    tenancy = s.seen.account.tenancy
    found = tenancy and next((found for rule in _RULES if (found := rule(s, tenancy))), None)
    return _in_full(s, found) if found else None


@once
def crowding(s: ObservedState) -> Blocked | None:
    """Return why the object must not get another token now, as its namespace has too many; None also if that is unknown.

    That matters only where a token is needed: one that works is in no one's way.
    """
    tenancy = s.seen.account.tenancy
    most = tenancy.policy.max_tokens_per_namespace if tenancy else None
    if tenancy is None or most is None or isinstance(tenancy.tokens, Unknown):
        return None
    count = tenancy.tokens.value
    if not are_too_many(most, count):
        return None
    waiting = f", and {count.reserved} are to come for older ApiTokens" if count.reserved else ""
    advice = "Wait for the end of an overlap" + ("" if count.own else ", or delete an ApiToken")
    found = (
        f"maxTokensPerNamespace is {most}, and namespace {_namespace(s)} has {count.others + count.own} living tokens in "
        f"the account, those in their overlap among them{waiting}. {advice}"
    )
    return _in_full(s, _broken(found, may_pass=True))


def _broken(rule: str, *, may_pass: bool = False) -> Blocked:
    """Return which rule is broken; `may_pass` says whether it may be over with the policy and the spec as they are."""
    return Blocked(Reason.POLICY_VIOLATED, rule, RECHECK if may_pass else None)


def _in_full(s: ObservedState, found: Blocked) -> Blocked:
    account = account_key(s.seen.account.ref, _namespace(s))
    return replace(
        found, message=f"The policy of {account} is violated: {found.message}, or have the policy changed."
    )


def unknown_standing(s: ObservedState) -> Unknown | None:
    """Return why it is not known whether the policy lets the object have another token, if so."""
    tenancy = s.seen.account.tenancy
    is_counted = tenancy is not None and tenancy.policy.max_tokens_per_namespace is not None
    tokens = tenancy.tokens if tenancy and is_counted else None
    return namespace_labels_unknown(s) or (tokens if isinstance(tokens, Unknown) else None)


def namespace_labels_unknown(s: ObservedState) -> Unknown | None:
    """Return why the labels of the object's namespace are not known although the policy asks for them, if so."""
    tenancy = s.seen.account.tenancy
    if tenancy is None or selector_of(tenancy.policy) is None:
        return None
    return tenancy.labels if isinstance(tenancy.labels, Unknown) else None


def _namespace_is_not_served(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    namespace, allowed = _namespace(s), tenancy.policy.allowed_namespaces
    if s.seen.account.ref.kind == "MailtrapAccount":
        return None
    labels = tenancy.labels.value if isinstance(tenancy.labels, Found) else None
    # Labels that are not known break nothing.
    if serves(tenancy.policy, namespace, s.seen.identity.namespace, labels) is not False:
        return None
    other = "Use another spec.accountRef"
    if allowed is None:
        return _broken(
            "without allowedNamespaces it serves the operator's namespace alone, "
            f"not namespace {namespace}. {other}"
        )
    selector = selector_of(tenancy.policy)
    if selector is None:
        return _broken(f"allowedNamespaces does not name namespace {namespace}. {other}")
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return _broken(
        f"allowedNamespaces requires the labels {wanted}, which namespace {namespace} has not. {other}",
        may_pass=True,
    )


def _access_is_too_high(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    high = (resource for resource in s.api_token.spec.resources if resource.access_level == "Admin")
    found = next(high, None)
    if tenancy.policy.max_access_level != "Viewer" or found is None:
        return None
    return _broken(
        f"maxAccessLevel is Viewer, and spec.resources asks for Admin of {_words(found)}. Ask for Viewer"
    )


def _account_is_not_given_away(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    for resource in s.api_token.spec.resources:
        if _guards(s, tenancy.policy, resource.type, resource.access_level):
            return _broken(
                f"spec.resources asks for {resource.access_level} of {_words(resource)}; Admin of the account equals the "
                "operator's own credential, and allowedResources does not list the type account. "
                "Ask for Viewer, or for single resources"
            )
    return None


def _guards(s: ObservedState, policy: AccountPolicy, type_: str, access_level: str) -> bool:
    """Whether a right is that to manage a shared account and all tokens in it, which only a list gives away."""
    is_shared = (
        s.seen.account.ref.kind == "ClusterMailtrapAccount" and _namespace(s) != s.seen.identity.namespace
    )
    listed = {r.type.lower() for r in policy.allowed_resources}
    return is_shared and type_.lower() == _ACCOUNT and access_level != "Viewer" and _ACCOUNT not in listed


def limits_rights(policy: AccountPolicy) -> bool:
    """Whether a policy limits for which resources, or at which level, tokens may be issued."""
    return policy.max_access_level == "Viewer" or bool(policy.allowed_resources)


def excess(s: ObservedState, permissions: Iterable[Permission] | None) -> str | None:
    """Return what a token of the desired account may do beyond its policy, or None.

    What Mailtrap does not tell may be anything.
    """
    tenancy = s.seen.account.tenancy
    if tenancy is None:
        return None
    policy = tenancy.policy
    if permissions is None:
        is_free = not limits_rights(policy) and not _guards(s, policy, _ACCOUNT, "Admin")
        return (
            None
            if is_free
            else "Mailtrap does not tell what it may do, and the account's policy asks for that"
        )
    for each in permissions:
        if policy.max_access_level == "Viewer" and each.access_level != "Viewer":
            return f"it has {each}, and the account's policy sets maxAccessLevel to Viewer"
        if not is_allowed(policy, each.type, each.id) or _guards(s, policy, each.type, each.access_level):
            return f"it has {each}, which allowedResources of the account's policy does not list"
    return None


def _resource_is_not_allowed(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    types = {canonical_type(r.type) for r in tenancy.policy.allowed_resources}
    strange = (r for r in s.api_token.spec.resources if types and canonical_type(r.type) not in types)
    others = (r for r in s.resolution.resources if not is_allowed(tenancy.policy, r.type, r.id))
    found = next(chain(strange, others), None)
    if found is None:
        return None
    return _broken(f"allowedResources does not list {_words(found)}. Remove it from spec.resources")


def _expiration_is_missing(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    policy, desired = tenancy.policy, s.api_token.spec.expiration.policy
    if desired in {"After", "At"} or not (policy.require_expiration or policy.max_lifetime):
        return None
    rule = "requireExpiration is set" if policy.max_lifetime is None else _longest(policy.max_lifetime)
    return _broken(f"{rule}, and spec.expiration.policy is {desired}. Set it to After or At")


def _lifetime_is_too_long(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    longest, desired = tenancy.policy.max_lifetime, s.api_token.spec.expiration
    if longest is None:
        return None
    if desired.after is not None and desired.after > longest:
        return _broken(f"{_longest(longest)}, and spec.expiration.after is longer. Make it shorter")
    if desired.at is not None and desired.at - s.now > longest:
        return _broken(
            f"{_longest(longest)}, and spec.expiration.at is later than that from now. Name an earlier date",
            may_pass=True,
        )
    return None


def _overlap_is_too_long(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    longest, rotation = tenancy.policy.max_overlap, s.api_token.spec.rotation
    if longest is None:
        return None
    rule = f"maxOverlap is {print_duration(longest)}"
    if rotation.strategy == "Replace" and rotation.overlap > longest:
        return _broken(f"{rule}, and spec.rotation.overlap is longer. Make it shorter")
    if rotation.max_overlap is not None and rotation.max_overlap > longest:
        return _broken(f"{rule}, and spec.rotation.maxOverlap is longer. Make it shorter")
    return None


def _deletion_policy_is_not_allowed(s: ObservedState, tenancy: Tenancy) -> Blocked | None:
    allowed, asked = tenancy.policy.deletion_policies, s.api_token.spec.deletion_policy
    if not allowed or asked in allowed:
        return None
    return _broken(
        f"deletionPolicies does not list {asked}, which spec.deletionPolicy is. Set it to {allowed[0]}"
    )


_RULES: tuple[Callable[[ObservedState, Tenancy], Blocked | None], ...] = (
    _namespace_is_not_served,
    _access_is_too_high,
    _resource_is_not_allowed,
    _account_is_not_given_away,
    _expiration_is_missing,
    _lifetime_is_too_long,
    _overlap_is_too_long,
    _deletion_policy_is_not_allowed,
)


def _namespace(s: ObservedState) -> str:
    return s.api_token.metadata.namespace or ""


def _words(resource: Resource) -> str:
    return f"{resource.type} {resource.id or resource.name}"


def _longest(lifetime: timedelta) -> str:
    return f"maxLifetime is {print_duration(lifetime)}"
