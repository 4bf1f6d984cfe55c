"""The types of resources: their names, and which resources a policy lists.

The API's earlier reference has other names for some of today's types.
"""

from mailtrap_operator.api.v1alpha1 import AccountPolicy

_CANONICAL_NAMES = {"inbox": "sandbox", "sending_domain": "domain"}
_OTHER_NAMES = _CANONICAL_NAMES | {canonical: earlier for earlier, canonical in _CANONICAL_NAMES.items()}


def canonical_type(name: str) -> str:
    """Return a type's name in today's reference; one that is not known stays as it is."""
    return _CANONICAL_NAMES.get(name, name)


def other_spelling(name: str) -> str:
    """Return a type's name in the other reference; one that has a single name stays as it is."""
    return _OTHER_NAMES.get(name, name)


def is_allowed(policy: AccountPolicy, type_: str, id_: int | str | None) -> bool:
    """Whether a policy lists a resource, by its type and id; one without a list allows every resource."""
    allowed = {(canonical_type(r.type), r.id and str(r.id)) for r in policy.allowed_resources}
    return not allowed or bool(allowed & {(canonical_type(type_), None), (canonical_type(type_), str(id_))})
