"""Whether an account's policy allows what an ApiToken asks for.

Each rule is a small function that says what is wrong and what to change; the first that speaks is the answer. What
follows from a violation is decided in `planning`. The policy is that of the account that the spec names. No rule needs
an answer of Mailtrap, but for the id of a resource that the spec names by its name: who may not use the account costs it
no call.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from mailtrap_operator.api.v1alpha1 import AccountPolicy, Resource, print_duration
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.observation import Found, Permission, Tenancy, Unknown
from mailtrap_operator.core.resource_types import todays_type
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.core.tenants import selector_of, serves


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks a rule, in words; `may_pass` says whether it may be over with the policy and the spec as they are."""

    message: str
    may_pass: bool = False


def violation(s: Situation) -> Violation | None:
    """Return in what the object breaks the account's policy, or None; what is not known breaks nothing."""
    tenancy = s.seen.account.tenancy
    found = tenancy and next((found for rule in _RULES if (found := rule(s, tenancy))), None)
    if not found:
        return None
    account = account_key(s.seen.account.ref, _namespace(s))
    message = f"The policy of {account} is violated: {found.message}, or have the policy changed."
    return Violation(message, found.may_pass)


def unread_labels(s: Situation) -> Unknown | None:
    """Return why the labels of the object's namespace are not known although the policy asks for them, if so."""
    tenancy = s.seen.account.tenancy
    if tenancy is None or selector_of(tenancy.policy) is None:
        return None
    return tenancy.labels if isinstance(tenancy.labels, Unknown) else None


def _namespace_is_not_served(s: Situation, tenancy: Tenancy) -> Violation | None:
    namespace, allowed = _namespace(s), tenancy.policy.allowed_namespaces
    if s.seen.account.ref.kind == "MailtrapAccount":
        return None
    labels = tenancy.labels.value if isinstance(tenancy.labels, Found) else None
    # Labels that are not known break nothing.
    if serves(tenancy.policy, namespace, s.seen.identity.namespace, labels) is not False:
        return None
    other = "Use another spec.accountRef"
    if allowed is None:
        return Violation(
            "without allowedNamespaces it serves the operator's namespace alone, "
            f"not namespace {namespace}. {other}"
        )
    selector = selector_of(tenancy.policy)
    if selector is None:
        return Violation(f"allowedNamespaces does not name namespace {namespace}. {other}")
    wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
    return Violation(
        f"allowedNamespaces wants the labels {wanted}, which namespace {namespace} has not. {other}",
        may_pass=True,
    )


def _access_is_too_high(s: Situation, tenancy: Tenancy) -> Violation | None:
    high = (resource for resource in s.api_token.spec.resources if resource.access_level == "Admin")
    found = next(high, None)
    if tenancy.policy.max_access_level != "Viewer" or found is None:
        return None
    return Violation(
        f"maxAccessLevel is Viewer, and spec.resources asks for Admin of {_words(found)}. Ask for Viewer"
    )


def excess(permissions: Iterable[Permission] | None, policy: AccountPolicy) -> str | None:
    """Return what a token may do beyond a policy, or None; what Mailtrap does not tell may be anything."""
    if permissions is None:
        is_free = policy.max_access_level != "Viewer" and not policy.allowed_resources
        return (
            None
            if is_free
            else "Mailtrap does not tell what it may do, and the account's policy asks for that"
        )
    for each in permissions:
        if policy.max_access_level == "Viewer" and each.access_level != "Viewer":
            return f"it has {each}, and the account's policy sets maxAccessLevel to Viewer"
        if not _is_allowed(policy, each.type, each.id):
            return f"it has {each}, which allowedResources of the account's policy does not list"
    return None


def _is_allowed(policy: AccountPolicy, type_: str, id_: int | str | None) -> bool:
    allowed = {(todays_type(r.type), r.id and str(r.id)) for r in policy.allowed_resources}
    return not allowed or bool(allowed & {(todays_type(type_), None), (todays_type(type_), str(id_))})


def _resource_is_not_allowed(s: Situation, tenancy: Tenancy) -> Violation | None:
    types = {todays_type(r.type) for r in tenancy.policy.allowed_resources}
    strange = (r for r in s.api_token.spec.resources if types and todays_type(r.type) not in types)
    others = (r for r in s.resolution.resources if not _is_allowed(tenancy.policy, r.type, r.id))
    found = next(chain(strange, others), None)
    if found is None:
        return None
    return Violation(f"allowedResources does not list {_words(found)}. Remove it from spec.resources")


def _expiration_is_missing(s: Situation, tenancy: Tenancy) -> Violation | None:
    policy, wished = tenancy.policy, s.api_token.spec.expiration.policy
    if wished in {"After", "At"} or not (policy.require_expiration or policy.max_lifetime):
        return None
    rule = "requireExpiration is set" if policy.max_lifetime is None else _longest(policy.max_lifetime)
    return Violation(f"{rule}, and spec.expiration.policy is {wished}. Set it to After or At")


def _lifetime_is_too_long(s: Situation, tenancy: Tenancy) -> Violation | None:
    longest, wish = tenancy.policy.max_lifetime, s.api_token.spec.expiration
    if longest is None:
        return None
    if wish.after is not None and wish.after > longest:
        return Violation(f"{_longest(longest)}, and spec.expiration.after is longer. Make it shorter")
    if wish.at is not None and wish.at - s.now > longest:
        return Violation(
            f"{_longest(longest)}, and spec.expiration.at is later than that from now. Name an earlier date",
            may_pass=True,
        )
    return None


def _tokens_are_too_many(s: Situation, tenancy: Tenancy) -> Violation | None:
    most = tenancy.policy.max_tokens_per_namespace
    if most is None or tenancy.seniors < most:
        return None
    return Violation(
        f"maxTokensPerNamespace is {most}, and as many older ApiTokens of namespace {_namespace(s)} use the account. "
        "Delete one of them",
        may_pass=True,
    )


_RULES: tuple[Callable[[Situation, Tenancy], Violation | None], ...] = (
    _namespace_is_not_served,
    _access_is_too_high,
    _resource_is_not_allowed,
    _expiration_is_missing,
    _lifetime_is_too_long,
    _tokens_are_too_many,
)


def _namespace(s: Situation) -> str:
    return s.api_token.metadata.namespace or ""


def _words(resource: Resource) -> str:
    return f"{resource.type} {resource.id or resource.name}"


def _longest(lifetime: timedelta) -> str:
    return f"maxLifetime is {print_duration(lifetime)}"
