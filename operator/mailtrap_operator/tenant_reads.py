"""OBSERVE, the tenant's side: which accounts may be asked on behalf of an ApiToken, and what it needs to know for that.

An ApiToken, its status and its Secret may name any account. That is a claim: here it is decided, before an account is asked
or written to, whether the account serves the namespace. Only reads happen here.
"""

from collections.abc import Iterable

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.namespace_client import NamespaceClient
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core.keys import AccountKey, account_key
from mailtrap_operator.core.observation import LABELS_NOT_READ, AccountView, Found, Identity, Unknown
from mailtrap_operator.core.reads import Labels
from mailtrap_operator.core.references import owner_part
from mailtrap_operator.core.tenants import not_found, serves
from mailtrap_operator.runtime.cache import Cache


class TenantReads:
    """Looks at accounts and namespaces; never raises."""

    def __init__(
        self, *, cache: Cache, accounts: RemoteAccounts, namespaces: NamespaceClient, identity: Identity
    ) -> None:
        self._cache = cache
        self._accounts = accounts
        self._namespaces = namespaces
        self._identity = identity

    def known_labels(self, namespace: str) -> Labels:
        """Return the labels of a namespace where they were read lately."""
        known = self._cache.namespace_labels(namespace)
        return LABELS_NOT_READ if known is None else Found(known)

    async def labels(self, namespace: str, account: AccountKey) -> Labels:
        """Read the labels of a namespace, for which the policy of an account asks."""
        try:
            labels = await self._namespaces.labels(namespace)
        except Failure as failure:
            message = (
                f"The labels of namespace {namespace} cannot be read, and the policy of {account} "
                f"asks for them: {failure.message} Let the operator get namespaces, or have the policy name them."
            )
            return Unknown(failure.reason, message, failure.retry_after)
        self._cache.put_namespace_labels(namespace, labels)
        return Found(labels)

    def closed(
        self, api_token: ApiToken, refs: Iterable[AccountRef], labels: Labels
    ) -> dict[AccountRef, AccountView]:
        """Return the accounts that must not be asked on behalf of an ApiToken, and what it sees in their place.

        One that does not serve its namespace any more is still asked while it shows tokens of this very object. Labels that
        were not read yet close none.
        """
        views = (self._closed(api_token, ref, labels) for ref in refs)
        return {view.ref: view for view in views if view is not None}

    def _closed(self, api_token: ApiToken, ref: AccountRef, labels: Labels) -> AccountView | None:
        installation = self._identity.installation
        remote_account = self._accounts.at(account_key(ref, api_token.metadata.namespace or ""))
        if remote_account.shows((installation, owner_part(api_token, installation))):
            return None
        unknown = self._refusal(remote_account.key, api_token.metadata.namespace or "", labels)
        if unknown is None:
            return None
        return AccountView(ref, None, unknown, is_closed=True, shows_none=remote_account.owned is not None)

    def _refusal(self, key: AccountKey, namespace: str, labels: Labels) -> Unknown | None:
        account = self._cache.account(key)
        if account is None or key.namespace:
            return None
        known = labels.value if isinstance(labels, Found) else None
        served = serves(account.spec.policy, namespace, self._identity.namespace, known)
        if served is None and isinstance(labels, Unknown) and labels is not LABELS_NOT_READ:
            return labels
        return not_found(key) if served is False else None
