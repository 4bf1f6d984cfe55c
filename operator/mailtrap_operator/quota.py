"""What an account's policy says of an ApiToken as things stand now, and whether a token may be issued at this moment.

A plan is made from what was read, and its call may wait for its turn. So the policy and the count of tokens are looked at
once more right before the claim, with no wait in between: what another reconcile has begun meanwhile counts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import AccountPolicy, ApiToken
from mailtrap_operator.clients.errors import Retryable
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, account_key
from mailtrap_operator.core.observation import TOKENS_NOT_COUNTED, Found, Tenancy, TokenCount, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import owner_part
from mailtrap_operator.core.token_count import Member, are_too_many, count_tokens
from mailtrap_operator.runtime.cache import Cache


class Quota:
    """Counts tokens by what the watch and the last LIST of the account told, and by what this process does; no call."""

    def __init__(
        self, cache: Cache, accounts: RemoteAccounts, *, installation: str, clock: Callable[[], datetime]
    ) -> None:
        self._cache = cache
        self._accounts = accounts
        self._installation = installation
        self._clock = clock
        self._issuing: dict[ApiTokenKey, AccountKey] = {}

    def tenancy(self, key: ApiTokenKey, api_token: ApiToken) -> Tenancy | None:
        """Return what the account says that an ApiToken names, without labels; None where it does not exist."""
        account = self._cache.account(account_key(api_token.spec.account_ref, key.namespace))
        if account is None:
            return None
        policy = account.spec.policy
        if policy.max_tokens_per_namespace is None:
            return Tenancy(policy)
        return Tenancy(policy, tokens=self._count(key, api_token))

    def _count(self, key: ApiTokenKey, api_token: ApiToken) -> Found[TokenCount] | Unknown:
        meta = api_token.metadata
        account = account_key(api_token.spec.account_ref, key.namespace)
        told, known = self._accounts.last_listed(account), self._cache.account(account)
        if isinstance(told, Unknown) or known is None:
            return told if isinstance(told, Unknown) else TOKENS_NOT_COUNTED
        me = Member(key.name, owner_part(api_token, self._installation), meta.creation_timestamp, account)
        count = count_tokens(
            me,
            self._cache.members.of(key.namespace),
            lambda owner: told.value.get((self._installation, owner), ()),
            retained=[each.owner for each in known.status.retained if each.namespace == key.namespace],
            issuing={
                each.name
                for each, where in self._issuing.items()
                if each.namespace == key.namespace and where == account
            },
            now=self._clock(),
        )
        return Found(count)

    @contextmanager
    def place_for(
        self, key: ApiTokenKey, api_token: ApiToken, policy: AccountPolicy | None
    ) -> Iterator[None]:
        """Hold a place for the token that is about to be issued under a policy, until the account shows it.

        Raises:
            Retryable: The policy is another one by now, or there is no place left; the decision is made again.
        """
        tenancy = self.tenancy(key, api_token)
        if (tenancy.policy if tenancy else None) != policy:
            message = "The account's policy changed before the token was issued; the decision is made again."
            raise Retryable(Reason.POLICY_VIOLATED, message)
        most = policy.max_tokens_per_namespace if policy else None
        if most is not None and tenancy is not None:
            count = tenancy.tokens
            if isinstance(count, Unknown) or are_too_many(most, count.value):
                message = (
                    "Other ApiTokens of the namespace got their tokens first; the decision is made again."
                )
                raise Retryable(Reason.POLICY_VIOLATED, message)
        self._issuing[key] = account_key(api_token.spec.account_ref, key.namespace)
        try:
            yield
        finally:
            del self._issuing[key]
