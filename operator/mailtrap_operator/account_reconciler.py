"""One pass over an account: list its tokens, wake the ApiTokens for which that changes something, report.

This is the one periodic caller of the remote API. What it lists is what the passes over ApiTokens look at first.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from mailtrap_operator.api.v1alpha1 import Account, AccountSpec, AccountStatus, CredentialToken
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import Accounts, Tokens
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.conditions import merge_conditions
from mailtrap_operator.core.credential import why_it_is_expiring
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.store import Store, key_of_account
from mailtrap_operator.runtime.workqueue import Verdict

logger = logging.getLogger(__name__)

_REACHABLE = "The account's tokens can be listed."


class Wake(Protocol):
    """Has an object looked at."""

    def __call__(self, key: Key, *, ends_backoff: bool) -> None:
        """Have it looked at; one that failed comes at its own time unless that `ends_backoff`."""


class AccountReconciler:
    """Runs passes over accounts.

    What one object meets at an account is news for the others, but ends nobody's backoff: objects that fail would keep
    each other awake. Only a pass over the account itself says that it can be used again.
    """

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        account_store: AccountStore,
        wake: Wake,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._account_store = account_store
        self._wake = wake
        self._clock = clock
        self._served_with: dict[AccountKey, tuple[AccountSpec, Pacer | None]] = {}
        self._troubled: set[AccountKey] = set()

    async def reconcile(self, key: AccountKey) -> Verdict:
        """Run one pass."""
        connection = self._accounts.at(key)
        was_troubled = key in self._troubled
        self._troubled.discard(key)
        tokens = await connection.list_tokens()
        account = self._store.account(key)
        if account is None:
            self._served_with.pop(key, None)
            return Verdict()
        served_with = (account.spec, connection.pacer)
        is_usable_again = was_troubled and isinstance(tokens, Found)
        if is_usable_again or self._served_with.get(key) != served_with:
            # Another spec or credential: what was refused before may be granted now.
            self._wake_all(self._store.users_of(key), ends_backoff=True)
        self._served_with[key] = served_with
        written = await self._report(account, tokens)
        interval = account.spec.refresh_interval
        if isinstance(tokens, Unknown):
            self._troubled.add(key)
            return Verdict(tokens.retry_after, is_failed=True, at_most=interval, written=written)
        return Verdict(interval, written=written)

    def note_change(self, key: AccountKey, before: Tokens, now: Tokens) -> None:
        """Wake those for whom a LIST has brought news: the owners of tokens that came, went or changed, or all."""
        if isinstance(before, Found) and isinstance(now, Found):
            tags = before.value.keys() | now.value.keys()
            owners = [
                owner for tag in tags if before.value.get(tag) != now.value.get(tag) for owner in tag[1:]
            ]
            known = (api_token for owner in owners if (api_token := self._store.owner(owner)))
            self._wake_all(known, ends_backoff=False)
            return
        self._wake_all(self._store.users_of(key), ends_backoff=False)
        # Whoever met the trouble or its end, it is the account's pass that watches and reports it.
        if isinstance(before, Found):
            self._wake(key, ends_backoff=False)
        elif key in self._troubled:
            self._wake(key, ends_backoff=True)

    def _wake_all(self, keys: Iterable[ApiTokenKey], *, ends_backoff: bool) -> None:
        for key in keys:
            self._wake(key, ends_backoff=ends_backoff)

    async def _report(self, account: Account, tokens: Tokens) -> tuple[str, ...]:
        generation, now = account.metadata.generation, self._clock()
        credential = self._credential(account, tokens)
        wanted = tuple(_wanted(account, tokens, credential, now))
        conditions = merge_conditions(account.status.conditions, wanted, generation, now)
        status = AccountStatus(observed_generation=generation, conditions=conditions, credential=credential)
        if status == account.status:
            return ()
        try:
            written = await self._account_store.write_status(account, status)
        except Failure as failure:
            logger.info("the status of an account was not written", extra={"cause": failure.message})
            return ()
        self._store.put_account(written)
        return (written.metadata.resource_version,)

    def _credential(self, account: Account, tokens: Tokens) -> CredentialToken | None:
        if isinstance(tokens, Unknown):
            # What was known of it stays: a list that fails tells nothing.
            return account.status.credential
        credential = self._accounts.at(key_of_account(account)).credential
        return credential.token if credential else None


def _wanted(
    account: Account, tokens: Tokens, credential: CredentialToken | None, now: datetime
) -> Iterator[tuple[str, str, str, str]]:
    """Yield type, status, reason and message of the account's conditions."""
    if isinstance(tokens, Unknown):
        yield "Ready", "False", tokens.reason, tokens.message
    else:
        yield "Ready", "True", Reason.ACCOUNT_REACHABLE, _REACHABLE
    place = account.spec.credentials_secret_ref
    if credential and (message := why_it_is_expiring(credential, place, now)):
        yield "CredentialExpiring", "True", Reason.CREDENTIAL_EXPIRING, message
