"""Keeps an account object and the Secret with its credential from vanishing while ApiTokens may have tokens there.

Of the user's Secret nothing is written but its finalizers; of both only the very versions that were read.
"""

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER
from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import Accounts
from mailtrap_operator.clients.credential_secrets import CredentialSecrets
from mailtrap_operator.core import protection
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.reverts import FINALIZER_TARGET, GONE, THERE, secret_target
from mailtrap_operator.core.tenants import serves
from mailtrap_operator.runtime.reverts import Attempt, Reverts
from mailtrap_operator.runtime.store import Store, key_of_account


class AccountProtection:
    """Puts the finalizers there and takes them away; where it must not write, it only tells. Raises a `Failure`."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        account_store: AccountStore,
        secrets: CredentialSecrets,
        reverts: Reverts,
        may_write: bool,
        installation: str,
        sees_all: bool,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._account_store = account_store
        self._secrets = secrets
        self._reverts = reverts
        self._may_write = may_write
        self._installation = installation
        self._sees_all = sees_all

    def condition_of(self, account: Account) -> Wanted | None:
        """Return the condition that says whom a deletion waits for, None where none waits."""
        key = key_of_account(account)
        seen = self._accounts.at(key).credential_secret
        if not (protection.is_going(account) or (seen and seen.is_going)):
            return None
        users = {user for user in self._store.holders.of(key) if self._counts(user, account)}
        return protection.condition_of(account, seen, users)

    def is_used(self, account: Account) -> bool:
        """Whether an account must be held: by who may have tokens there, or as it is where that is not known yet."""
        used = self._is_used(account)
        return protection.is_held(account) if used is None else used

    def fits(self, account: Account) -> bool:
        """Whether an account object is held if, and only if, somebody uses it, as far as it still can be."""
        is_used, is_held = self.is_used(account), protection.is_held(account)
        return is_used == is_held or (is_used and protection.is_going(account)) or not self._may_write

    def _is_used(self, account: Account) -> bool | None:
        """Whether somebody counts who says that it may have tokens there; None where that is not known yet."""
        key = key_of_account(account)
        answers = {self._serves(account, namespace) for namespace in self._store.holders.namespaces(key)}
        if True in answers or self._shows_tokens_of_users(key):
            return True
        is_open = None in answers or (False in answers and self._accounts.at(key).owned is None)
        return None if is_open or self._may_be_anothers(key) else False

    def _may_be_anothers(self, key: AccountKey) -> bool:
        """Whether an operator of another installation may hold the account, for ApiTokens that are not seen here."""
        if self._sees_all or key.namespace is not None:
            return False
        owned = self._accounts.at(key).owned
        return owned is None or any(installation != self._installation for installation, _ in owned)

    def _counts(self, user: ApiTokenKey, account: Account) -> bool:
        if self._serves(account, user.namespace):
            return True
        owned = self._accounts.at(key_of_account(account)).owned or ()
        return any(self._store.owner(owner) == user for _, owner in owned)

    def _shows_tokens_of_users(self, key: AccountKey) -> bool:
        users = (self._store.owner(owner) for _, owner in self._accounts.at(key).owned or ())
        return any(user is not None and self._store.holders.has(user, key) for user in users)

    def _serves(self, account: Account, namespace: str) -> bool | None:
        if account.kind == "MailtrapAccount":
            return True
        own = self._accounts.credentials_namespace(key_of_account(account))
        return serves(account.spec.policy, namespace, own, self._store.namespace_labels(namespace))

    async def free_secrets(self, account: Account, *, is_used: bool) -> str | None:
        """Let go the Secrets that need not stay; return the name of the one that is held from now on."""
        if not self._may_write:
            return account.status.credentials_secret
        key = key_of_account(account)
        seen = self._accounts.at(key).credential_secret
        for name in protection.secrets_to_free(account, seen, is_used=is_used):
            if not self._is_anothers_credential(key, name):
                await self._secrets.free(self._accounts.credentials_namespace(key), name)
        return account.spec.credentials_secret_ref.name if is_used else None

    async def free_secret_of(self, key: AccountKey) -> None:
        """Let the Secret go that an account had which is gone; an account of that name that comes holds it anew."""
        connection = self._accounts.at(key)
        seen = connection.credential_secret
        if seen is None or not self._may_write or self._is_anothers_credential(key, seen.name):
            return
        await self._secrets.free(seen.namespace, seen.name)
        connection.credential_secret = None

    async def settle(self, account: Account, *, is_used: bool) -> None:
        """Hold the account and its Secret, or let the account go; the status must have named the Secret before."""
        if not self._may_write:
            return
        key = key_of_account(account)
        seen = self._accounts.at(key).credential_secret
        others = tuple(f for f in account.metadata.finalizers if f != ACCOUNT_FINALIZER)
        if is_used and not protection.is_held(account) and not protection.is_going(account):
            await self._write(account, (*others, ACCOUNT_FINALIZER))
        if is_used and seen is not None and protection.secret_must_be_held(account, seen):
            target = secret_target(seen.name)
            self._reverts.check(key, target, THERE, GONE)
            is_held = await self._secrets.hold(seen)
            attempt = Attempt.at_adding(target, CREDENTIAL_FINALIZER, is_there=is_held)
            self._reverts.must_last(key, attempt)
        if not is_used and protection.is_held(account):
            await self._write(account, others)

    async def _write(self, account: Account, finalizers: tuple[str, ...]) -> None:
        key, wanted, before = key_of_account(account), str(finalizers), str(account.metadata.finalizers)
        self._reverts.check(key, FINALIZER_TARGET, wanted, before)
        written = await self._account_store.write_finalizers(account, finalizers)
        if protection.is_going(written) and not written.metadata.finalizers:
            self._store.drop_account(key, written.metadata.uid)
            return
        self._store.put_account(written)
        found = str(written.metadata.finalizers)
        attempt = Attempt(FINALIZER_TARGET, wanted, before, found, ACCOUNT_FINALIZER)
        self._reverts.must_last(key, attempt)

    def _is_anothers_credential(self, own: AccountKey, name: str) -> bool:
        """Whether another account in use has its credential in the same Secret."""
        place = (self._accounts.credentials_namespace(own), name)
        for key in self._store.account_keys():
            account = self._store.account(key)
            # Where it is not known yet, it may be.
            if account and key != own and self._is_used(account) is not False:
                wished = account.spec.credentials_secret_ref.name
                if place == (self._accounts.credentials_namespace(key), wished):
                    return True
        return False
