"""One pass over an account: list its tokens, wake the ApiTokens for which that changes something, report.

This is the one periodic caller of the remote API. What it lists is what the passes over ApiTokens look at first.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import Account, AccountSpec, AccountStatus
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import Accounts, Tokens
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.conditions import merge_conditions
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict

logger = logging.getLogger(__name__)

_REACHABLE = "The account's tokens can be listed."


class AccountReconciler:
    """Runs passes over accounts; `wake` has an object looked at."""

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        account_store: AccountStore,
        wake: Callable[[Key], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._account_store = account_store
        self._wake = wake
        self._clock = clock
        self._served_with: dict[AccountKey, tuple[AccountSpec, Pacer | None]] = {}

    async def reconcile(self, key: AccountKey) -> Verdict:
        """Run one pass."""
        connection = self._accounts.at(key)
        tokens = await connection.list_tokens()
        account = self._store.account(key)
        if account is None:
            self._served_with.pop(key, None)
            return Verdict()
        served_with = (account.spec, connection.pacer)
        if self._served_with.get(key) != served_with:
            # Another spec or credential: what was refused before may be granted now.
            self._wake_all(self._store.users_of(key))
        self._served_with[key] = served_with
        written = await self._report(account, tokens)
        interval = account.spec.refresh_interval
        if isinstance(tokens, Unknown):
            return Verdict(tokens.retry_after, is_failed=True, at_most=interval, written=written)
        return Verdict(interval, written=written)

    def note_change(self, key: AccountKey, before: Tokens, now: Tokens) -> None:
        """Wake those for whom a LIST has brought news: the owners of tokens that came, went or changed, or all."""
        if isinstance(before, Found) and isinstance(now, Found):
            tags = before.value.keys() | now.value.keys()
            owners = [
                owner for tag in tags if before.value.get(tag) != now.value.get(tag) for owner in tag[1:]
            ]
            self._wake_all(api_token for owner in owners if (api_token := self._store.owner(owner)))
            return
        self._wake_all(self._store.users_of(key))
        if isinstance(before, Found):
            # Whoever met the trouble, it is the account's pass that watches and reports it.
            self._wake(key)

    def _wake_all(self, keys: Iterable[ApiTokenKey]) -> None:
        for key in keys:
            self._wake(key)

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
