"""One pass over an account: list its tokens, wake the ApiTokens for which that changes something, report.

This is the one periodic caller of the remote API. What it lists is what the passes over ApiTokens look at first.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import Account, AccountSpec, AccountStatus
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import NOT_LISTED, Accounts, Tokens
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.conditions import merge_conditions
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict

logger = logging.getLogger(__name__)

_REACHABLE = "The account's tokens can be listed."


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ApiTokens of an account were last woken for."""

    tokens: Tokens
    pacer: Pacer | None
    spec: AccountSpec | None

    def changes(self, other: "_Told") -> bool:
        """Whether the account itself is another one: what it refused before it may grant now."""
        return self.pacer is not other.pacer or self.spec != other.spec


_NOTHING = _Told(NOT_LISTED, None, None)


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
        self._told: dict[AccountKey, _Told] = {}

    async def reconcile(self, key: AccountKey) -> Verdict:
        """Run one pass."""
        connection = self._accounts.at(key)
        tokens = await connection.list_tokens()
        account = self._store.account(key)
        told = _Told(tokens, connection.pacer, account.spec if account else None)
        for api_token in self._touched(key, self._told.get(key, _NOTHING), told):
            self._wake(api_token)
        if account is None:
            self._told.pop(key, None)
            return Verdict()
        self._told[key] = told
        written = await self._report(account, tokens)
        interval = account.spec.refresh_interval
        if isinstance(tokens, Unknown):
            return Verdict(tokens.retry_after, is_failed=True, at_most=interval, written=written)
        return Verdict(interval, written=written)

    def _touched(self, key: AccountKey, before: "_Told", now: "_Told") -> Iterable[ApiTokenKey]:
        if before == now:
            return ()
        if not (isinstance(before.tokens, Found) and isinstance(now.tokens, Found)) or before.changes(now):
            return self._store.users_of(key)
        old, new = before.tokens.value, now.tokens.value
        tags = [tag for tag in old.keys() | new.keys() if old.get(tag) != new.get(tag)]
        return [owner for _, name in tags if (owner := self._store.owner(name)) is not None]

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
