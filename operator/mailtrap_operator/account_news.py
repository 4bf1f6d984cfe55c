"""What is news for whom: which reconciles follow from what a LIST has shown, and from who begins or ends to use an account.

What one object meets at an account is news for the others, but ends no one's backoff: objects that fail would keep each
other awake. Only a reconcile of the account itself says that it can be used again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from mailtrap_operator.account_observe import AccountObserver
from mailtrap_operator.clients.remote_account import Tokens
from mailtrap_operator.core.account_observation import Remembered
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.observation import Found
from mailtrap_operator.core.protection import fits, is_terminating
from mailtrap_operator.core.tenants import counts_for
from mailtrap_operator.runtime.cache import Cache


class Wake(Protocol):
    """Has an object reconciled."""

    def __call__(self, key: Key, *, ends_backoff: bool) -> None:
        """Have it reconciled; one that failed comes at its own time unless that `ends_backoff`."""


class AccountNews:
    """Remembers the last reconcile of each account, and wakes those whom a change concerns."""

    def __init__(self, *, cache: Cache, observer: AccountObserver, wake: Wake) -> None:
        self._cache = cache
        self._observer = observer
        self._wake = wake
        self._remembered: dict[AccountKey, Remembered] = {}

    def begin(self, key: AccountKey) -> Remembered:
        """Return what is remembered of an account; its trouble is over until it is met again."""
        remembered = self._remembered.get(key, Remembered())
        self._remembered[key] = replace(remembered, is_troubled=False)
        return remembered

    def remember(self, key: AccountKey, remembered: Remembered | None) -> None:
        """Remember a reconcile; None forgets the account."""
        if remembered is None:
            self._remembered.pop(key, None)
        else:
            self._remembered[key] = remembered

    def is_settled(self, key: AccountKey) -> bool:
        """Whether an account is held as it should be, or gone."""
        account = self._cache.account(key)
        return account is None or fits(account, self._observer.usage(key), self._observer.reach)

    def note_tokens(self, key: AccountKey, before: Tokens, now: Tokens) -> None:
        """Wake those for whom a LIST has brought news: the owners of tokens that came, went or changed, or all."""
        if isinstance(before, Found) and isinstance(now, Found):
            tags = before.value.keys() | now.value.keys()
            owners = [
                owner for tag in tags if before.value.get(tag) != now.value.get(tag) for owner in tag[1:]
            ]
            known = (api_token for owner in owners if (api_token := self._cache.owner(owner)))
            self._wake_all(known, ends_backoff=False)
            return
        self._wake_all(self._cache.users_of(key), ends_backoff=False)
        # Anyone who met the trouble or its end, it is the account's reconcile that watches and reports it.
        if isinstance(before, Found):
            self._wake(key, ends_backoff=False)
        elif key in self._remembered and self._remembered[key].is_troubled:
            self._wake(key, ends_backoff=True)

    def note_holders(self, key: AccountKey) -> None:
        """Have an account reconciled that someone begins or ends to use, as far as that changes something."""
        account = self._cache.account(key)
        if account is not None and (is_terminating(account) or not self.is_settled(key)):
            self._wake(key, ends_backoff=True)

    def wake_users(self, key: AccountKey) -> None:
        """Wake the users of an account, and those of other objects for the same account in Mailtrap."""
        self._wake_all({*self._cache.users_of(key), *self._users_of_siblings(key)}, ends_backoff=True)

    def _users_of_siblings(self, key: AccountKey) -> Iterator[ApiTokenKey]:
        """Yield the users of other objects for the same account in Mailtrap whose tokens this credential counts for."""
        for other in self._cache.sibling_accounts(key):
            yield from (user for user in self._cache.users_of(other) if counts_for(key, user.namespace))

    def _wake_all(self, keys: Iterable[ApiTokenKey], *, ends_backoff: bool) -> None:
        for key in keys:
            self._wake(key, ends_backoff=ends_backoff)
