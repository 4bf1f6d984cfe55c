"""One pass over an account: list its tokens, wake the ApiTokens for which that changes something, report.

This is the one periodic caller of the remote API. What it lists is what the passes over ApiTokens look at first.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import Account, AccountStatus
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import NOT_LISTED, Accounts, Tokens
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.conditions import merge_conditions
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict

logger = logging.getLogger(__name__)

_REACHABLE = "The account's tokens can be listed."


class AccountReconciler:
    """Runs passes over accounts; `wake` has an ApiToken looked at."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        account_store: AccountStore,
        wake: Callable[[ApiTokenKey], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._account_store = account_store
        self._wake = wake
        self._clock = clock
        self._told: dict[AccountKey, Tokens] = {}

    async def reconcile(self, key: AccountKey) -> Verdict:
        """Run one pass."""
        tokens = await self._accounts.at(key).list_tokens()
        for api_token in self._touched(key, self._told.get(key, NOT_LISTED), tokens):
            self._wake(api_token)
        self._told[key] = tokens
        account = self._store.account(key)
        if account is None:
            del self._told[key]
            return Verdict()
        written = await self._report(account, tokens)
        interval = account.spec.refresh_interval
        if isinstance(tokens, Unknown):
            return Verdict(tokens.retry_after, is_failed=True, at_most=interval, written=written)
        return Verdict(interval, written=written)

    def _touched(self, key: AccountKey, before: Tokens, now: Tokens) -> Iterable[ApiTokenKey]:
        if isinstance(before, Found) and isinstance(now, Found):
            tags = [
                tag
                for tag in before.value.keys() | now.value.keys()
                if before.value.get(tag) != now.value.get(tag)
            ]
            return [owner for _, name in tags if (owner := self._store.owner(name)) is not None]
        return self._store.users_of(key) if before != now else ()

    async def _report(self, account: Account, tokens: Tokens) -> tuple[str, ...]:
        if isinstance(tokens, Unknown):
            wanted = ("Ready", "False", tokens.reason, tokens.message)
        else:
            wanted = ("Ready", "True", Reason.ACCOUNT_REACHABLE, _REACHABLE)
        generation = account.metadata.generation
        conditions = merge_conditions(account.status.conditions, [wanted], generation, self._clock())
        status = AccountStatus(observed_generation=generation, conditions=conditions)
        if status == account.status:
            return ()
        try:
            written = await self._account_store.write_status(account, status)
        except Failure as failure:
            logger.info("the status of an account was not written", extra={"cause": failure.message})
            return ()
        self._store.put_account(written)
        return (written.metadata.resource_version,)
