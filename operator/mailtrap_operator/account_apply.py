"""APPLY, the accounts: our finalizers on the account object and on the Secret with its credential.

They keep both from vanishing while ApiTokens may have tokens there. Of the user's Secret nothing is written but its
finalizers; of both only the very versions that were read.
"""

import logging
from collections.abc import Awaitable, Callable

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER
from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.credential_secrets import CredentialSecrets
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core import protection
from mailtrap_operator.core.account_plan import AccountPlan
from mailtrap_operator.core.protection import CredentialSecret
from mailtrap_operator.core.reverts import FINALIZER_TARGET, GONE, THERE, secret_target
from mailtrap_operator.runtime.cache import Cache, key_of_account
from mailtrap_operator.runtime.reverts import Attempt, Reverts

logger = logging.getLogger(__name__)


class AccountApplier:
    """Writes the finalizers of a plan; each step returns what kept it from its end, if anything did."""

    def __init__(
        self,
        *,
        cache: Cache,
        accounts: RemoteAccounts,
        account_client: AccountClient,
        secrets: CredentialSecrets,
        reverts: Reverts,
    ) -> None:
        self._cache = cache
        self._accounts = accounts
        self._account_client = account_client
        self._secrets = secrets
        self._reverts = reverts

    async def release(self, plan: AccountPlan) -> Failure | None:
        """Remove our finalizer from the Secrets that need not stay."""
        return await self._told(plan, self._release)

    async def protect(self, plan: AccountPlan) -> Failure | None:
        """Hold the account and its Secret, or let the account go; the status must have named the Secret before."""
        return await self._told(plan, self._protect)

    async def _told(
        self, plan: AccountPlan, step: Callable[[AccountPlan], Awaitable[None]]
    ) -> Failure | None:
        try:
            await step(plan)
        except Failure as failure:
            extra = {"key": str(plan.key), "cause": failure.message}
            logger.warning("the finalizers of an account could not be updated", extra=extra)
            return failure
        return None

    async def _release(self, plan: AccountPlan) -> None:
        for name in plan.releases:
            await self._secrets.release(plan.credentials_namespace, name)
            if plan.account is None:
                # A new account of that name holds it again.
                self._accounts.at(plan.key).credential_secret = None

    async def _protect(self, plan: AccountPlan) -> None:
        if plan.finalizer == "add":
            await self._write_finalizer(plan, is_wanted=True)
        if plan.holds is not None:
            await self._hold(plan, plan.holds)
        if plan.finalizer == "remove":
            await self._write_finalizer(plan, is_wanted=False)

    def _latest(self, plan: AccountPlan) -> Account | None:
        return self._cache.account(plan.key) or plan.account

    async def _hold(self, plan: AccountPlan, secret: CredentialSecret) -> None:
        account = self._latest(plan)
        if account is None or not protection.secret_must_be_held(account, secret):
            return
        target = secret_target(secret.name)
        self._reverts.check(plan.key, target, THERE, GONE)
        is_held = await self._secrets.hold(secret)
        attempt = Attempt.at_adding(target, CREDENTIAL_FINALIZER, is_there=is_held)
        self._reverts.must_last(plan.key, attempt)

    async def _write_finalizer(self, plan: AccountPlan, *, is_wanted: bool) -> None:
        account = self._latest(plan)
        if account is None or protection.is_held(account) == is_wanted:
            return
        others = tuple(each for each in account.metadata.finalizers if each != ACCOUNT_FINALIZER)
        await self._write(account, (*others, ACCOUNT_FINALIZER) if is_wanted else others)

    async def _write(self, account: Account, finalizers: tuple[str, ...]) -> None:
        key, wanted, before = key_of_account(account), str(finalizers), str(account.metadata.finalizers)
        self._reverts.check(key, FINALIZER_TARGET, wanted, before)
        written = await self._account_client.write_finalizers(account, finalizers)
        if protection.is_terminating(written) and not written.metadata.finalizers:
            self._cache.drop_account(key, written.metadata.uid)
            return
        self._cache.put_account(written)
        found = str(written.metadata.finalizers)
        attempt = Attempt(FINALIZER_TARGET, wanted, before, found, ACCOUNT_FINALIZER)
        self._reverts.must_last(key, attempt)
