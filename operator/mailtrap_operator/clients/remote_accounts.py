"""The connections of all accounts, and what several of them say together: which credentials are at work in one account."""

import asyncio
from collections.abc import Callable, Iterable

from mailtrap_operator.clients.account_access import AccountAccess
from mailtrap_operator.clients.remote_account import OnChange, RemoteAccount, Tokens
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import CredentialInUse, Unknown
from mailtrap_operator.core.tenants import counts_for

_MOST_TRIED = 16
"""So many credentials of a namespace one reconcile has judged at most."""


class RemoteAccounts:
    """All accounts that were asked for; `siblings` names the other account objects for the same account in Mailtrap."""

    def __init__(
        self,
        access: AccountAccess,
        *,
        siblings: Callable[[AccountKey], Iterable[AccountKey]],
        on_change: OnChange,
    ) -> None:
        self.while_waiting = access.while_waiting
        self.end_waiting = access.end_waiting
        self._access = access
        self._siblings = siblings
        self._on_change = on_change
        self._remote_accounts: dict[AccountKey, RemoteAccount] = {}

    def at(self, key: AccountKey) -> RemoteAccount:
        """Return the connection of an account, also of one that does not exist."""
        if key not in self._remote_accounts:
            self._remote_accounts[key] = RemoteAccount(
                key, self._access, shared=lambda: self._others(key, None), on_change=self._on_change
            )
        return self._remote_accounts[key]

    def last_listed(self, key: AccountKey) -> Tokens:
        """Return what is known of an account's tokens without a call."""
        if self._access.find(key) is None:
            return self._access.not_found(key).as_unknown()
        return self.at(key).tokens

    def credentials(self, key: AccountKey, namespace: str | None) -> tuple[CredentialInUse, ...]:
        """Return the credentials at work in an account in Mailtrap that count for the tokens of a namespace."""
        connections = (self.at(key), *self._others(key, namespace))
        return tuple(each for remote_account in connections for each in remote_account.credential.in_use())

    async def judge_own_credentials(self, key: AccountKey, namespace: str) -> Unknown | None:
        """Have Mailtrap judge the credentials of a namespace's own account objects; return why one is not known, if so."""
        own = (other for other in self._others(key, namespace) if other.key.namespace)
        untried = [remote_account for remote_account in own if not remote_account.credential.was_judged]
        # A namespace may have any number of them: the rest is tried in later reconciles.
        async with self.while_waiting():
            await asyncio.gather(*(remote_account.list_tokens() for remote_account in untried[:_MOST_TRIED]))
        undecided = (each.tokens for each in untried if not each.credential.was_judged)
        return next((tokens for tokens in undecided if isinstance(tokens, Unknown)), None)

    async def close(self) -> None:
        """Close all connections."""
        for remote_account in self._remote_accounts.values():
            await remote_account.close()

    def _others(self, key: AccountKey, namespace: str | None) -> list[RemoteAccount]:
        others = (other for other in self._siblings(key) if counts_for(other, namespace))
        return [self.at(other) for other in sorted(others, key=str)]
