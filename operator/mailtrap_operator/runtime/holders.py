"""Which ApiTokens say that they may have tokens in an account, and in which namespaces they are.

That is a claim of theirs: anyone may write a finalizer or a status. What follows from it is decided elsewhere.
"""

from collections import Counter, defaultdict

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.runtime.index import Index


class Holders:
    """The ApiTokens by account, and how many of them there are in each namespace."""

    def __init__(self) -> None:
        self._index: Index[ApiTokenKey, AccountKey] = Index()
        self._counts: dict[AccountKey, Counter[str]] = defaultdict(Counter)

    def put(self, user: ApiTokenKey, accounts: frozenset[AccountKey]) -> frozenset[AccountKey]:
        """Record all accounts that an ApiToken holds; return those for which that is new, or over."""
        changed = self._index.put(user, accounts)
        for account in changed:
            counts = self._counts[account]
            counts[user.namespace] += 1 if account in accounts else -1
            if not counts[user.namespace]:
                del counts[user.namespace]
            if not counts:
                del self._counts[account]
        return changed

    def of(self, account: AccountKey) -> frozenset[ApiTokenKey]:
        """Return the ApiTokens that hold an account."""
        return self._index.keys(account)

    def namespaces(self, account: AccountKey) -> tuple[str, ...]:
        """Return the namespaces of these ApiTokens."""
        return tuple(self._counts.get(account, ()))

    def has(self, user: ApiTokenKey, account: AccountKey) -> bool:
        """Whether an ApiToken holds an account."""
        return account in self._index.of(user)
