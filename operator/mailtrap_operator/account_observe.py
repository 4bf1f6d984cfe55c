"""OBSERVE, the accounts: what one reconcile sees of an account. Only reads happen here; one of them is remote, the LIST.

This is the one periodic caller of the remote API. What it lists is what the reconciles of ApiTokens look at first.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.remote_account import Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core import orphans
from mailtrap_operator.core.account_observation import (
    AccountObservation,
    OrphanDeletion,
    Remembered,
    Terms,
)
from mailtrap_operator.core.account_plan import releasable_secrets
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.protection import Reach, Usage, is_terminating, may_be_used
from mailtrap_operator.core.tenants import counts_for
from mailtrap_operator.runtime.cache import Cache, key_of_account
from mailtrap_operator.runtime.reverts import Reverts


class AccountObserver:
    """Reads what there is to know of an account; never raises."""

    def __init__(self, *, cache: Cache, accounts: RemoteAccounts, reverts: Reverts, reach: Reach) -> None:
        self._cache = cache
        self._accounts = accounts
        self._reverts = reverts
        self.reach = reach

    async def listed(self, key: AccountKey, remembered: Remembered) -> AccountObservation:
        """Return an account as it is after a LIST."""
        tokens = await self._accounts.at(key).list_tokens()
        return self.look(key, self._cache.account(key), tokens, remembered)

    def after(self, seen: AccountObservation, deletion: OrphanDeletion) -> AccountObservation:
        """Return an account as it is after the deletion of orphans, by the same LIST."""
        account = self._cache.account(seen.key) or seen.account
        return self.look(seen.key, account, seen.tokens, seen.remembered, deletion)

    def look(
        self,
        key: AccountKey,
        account: Account | None,
        tokens: Tokens,
        remembered: Remembered,
        deletion: OrphanDeletion | None = None,
    ) -> AccountObservation:
        """Return what is known of an account, without a call."""
        connection = self._accounts.at(key)
        accepted = connection.credential.accepted
        seen = AccountObservation(
            key=key,
            account=account,
            tokens=tokens,
            reach=self.reach,
            remembered=remembered,
            terms=Terms(account.spec, connection.pacer, is_terminating(account)) if account else None,
            usage=self.usage(key),
            holders=self._cache.holders.of(key),
            credential=accepted.token if accepted else None,
            in_use=self._accounts.credentials(key, key.namespace),
            credential_secret=connection.credential_secret,
            clock_difference=connection.clock_difference,
            reverted=self._reverts.of(key),
            retained=self._retained(account) if account else frozenset(),
            is_claimed=self._claims(),
            deletion=deletion,
        )
        names = releasable_secrets(seen)
        return replace(seen, shared_secrets=self._shared(key, frozenset(names))) if names else seen

    def usage(self, key: AccountKey) -> Usage:
        """Return who may have tokens in an account."""
        holders = self._cache.holders
        labels = {each: self._cache.namespace_labels(each) for each in holders.namespaces(key)}

        def user(owner: str) -> ApiTokenKey | None:
            api_token = self._cache.owner(owner)
            return api_token if api_token is not None and holders.has(api_token, key) else None

        return Usage(labels, self._accounts.at(key).owned, user)

    def _claims(self) -> Callable[[RemoteToken], bool]:
        """Return the predicate whether a token belongs to an ApiToken, or a Secret that outlived its ApiToken holds its value."""
        held = cache(self._cache.held_tokens)
        return lambda token: self._cache.claims(token) or orphans.is_held(token, held())

    def _retained(self, account: Account) -> frozenset[str]:
        """Return the owners whose tokens stay on purpose, by the account object and those that may speak for it."""
        own = key_of_account(account)
        others = (key for key in self._cache.sibling_accounts(own) if counts_for(key, own.namespace))
        accounts = (account, *map(self._cache.account, others))
        return frozenset(owner for each in accounts if each for owner in orphans.retained_owners(each.status))

    def _shared(self, own: AccountKey, names: frozenset[str]) -> frozenset[str]:
        """Return those of some Secrets in which another account in use has its credential."""
        namespace, shared = self.reach.credentials_namespace(own), set[str]()
        for key in self._cache.account_keys():
            account = self._cache.account(key)
            if account is None or key == own or self.reach.credentials_namespace(key) != namespace:
                continue
            name = account.spec.credentials_secret_ref.name
            # Where it is not known yet, it may be in use.
            if name in names and may_be_used(account, self.usage(key), self.reach) is not False:
                shared.add(name)
        return frozenset(shared)
