"""Who may speak of an account: which namespaces it serves, and whose account objects count for whose tokens.

Whatever a tenant writes is a claim: a reference, a finalizer, a status, the marks of a Secret. These questions are asked
before anything is done, read or written on its behalf with the operator's rights.
"""

from collections.abc import Mapping

from mailtrap_operator.api.v1alpha1 import EVERY_NAMESPACE, AccountPolicy
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.reasons import Reason


def selector_of(policy: AccountPolicy) -> Mapping[str, str] | None:
    """Return the labels that a namespace must have, or None where its labels do not matter."""
    allowed = policy.allowed_namespaces
    return allowed.selector.match_labels if allowed and allowed.selector else None


def serves(
    policy: AccountPolicy, namespace: str, operator_namespace: str, labels: Mapping[str, str] | None
) -> bool | None:
    """Whether the policy of a ClusterMailtrapAccount serves a namespace.

    Args:
        policy: The policy of the account.
        namespace: The namespace that asks.
        operator_namespace: The operator's own, the only one that an account without `allowedNamespaces` serves.
        labels: The labels of the namespace; None: they are not known.

    Returns:
        None where only labels that are not known can tell.
    """
    selector = selector_of(policy)
    if selector is not None:
        return None if labels is None else selector.items() <= labels.items()
    allowed = policy.allowed_namespaces
    names = allowed.names if allowed else (operator_namespace,)
    return namespace in names or EVERY_NAMESPACE in names


def counts_for(other: AccountKey, namespace: str | None) -> bool:
    """Whether an account object counts for the tokens of a namespace, beside the one that they were issued by.

    Administrators write ClusterMailtrapAccounts. A MailtrapAccount may be anyone's: it counts for its own namespace alone.
    """
    return other.namespace is None or other.namespace == namespace


def not_found(account: AccountKey) -> Unknown:
    """Return the answer to who names an account that does not exist or does not serve it: both read the same.

    So a namespace that is not served learns nothing of the account, not even that there is one.
    """
    if account.namespace is not None:
        message = f"{account} does not exist. Create it, or change spec.accountRef."
    else:
        message = (
            f"{account} does not exist, or its policy does not serve this namespace. Create it, or add the namespace to "
            "its spec.policy.allowedNamespaces; without that it serves the operator's namespace alone. Or change "
            "spec.accountRef."
        )
    return Unknown(Reason.ACCOUNT_NOT_FOUND, message)
