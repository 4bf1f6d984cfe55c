"""Records in the account's status that tokens are retained, before their ApiToken is gone."""

import asyncio

from mailtrap_operator.api.v1alpha1 import RetainedOwner
from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core.actions import Retention
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.observation import Found
from mailtrap_operator.core.orphans import MOST_RETAINED_OF_ONE, with_retained
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.cache import Cache


class Retentions:
    """Writes the records, one after the other."""

    def __init__(self, *, cache: Cache, accounts: RemoteAccounts, account_client: AccountClient) -> None:
        self._cache = cache
        self._accounts = accounts
        self._account_client = account_client
        # The objects of a namespace may all go at once, and write to the same account.
        self._writing = asyncio.Lock()

    async def note(self, key: ApiTokenKey, retention: Retention) -> None:
        """Put a retention on record in each of its accounts; raises a `Failure`."""
        async with self._writing:
            await self._note(key, retention)

    async def _note(self, key: ApiTokenKey, retention: Retention) -> None:
        for ref in retention.accounts:
            account_of_token = account_key(ref, key.namespace)
            if (account := self._cache.account(account_of_token)) is None:
                continue
            tokens, before = self._accounts.last_listed(account_of_token), account.status.retained
            living = {owner for _, owner in tokens.value} if isinstance(tokens, Found) else None
            new = RetainedOwner(owner=retention.owner, namespace=key.namespace)
            retained = with_retained(before, new, living)
            if retained is None:
                of_one = sum(each.namespace == key.namespace for each in before)
                message = (
                    f"{account_of_token} has the tokens of {len(before)} ApiTokens with deletionPolicy Retain on record, "
                    f"{of_one} of this namespace ({MOST_RETAINED_OF_ONE} at most), and no room for more. Delete some of "
                    "those tokens in Mailtrap, or set deletionPolicy to Delete here."
                )
                raise Terminal(Reason.TOO_MANY_RETAINED, message)
            if retained != before:
                status = account.status.model_copy(update={"retained": retained})
                self._cache.put_account(await self._account_client.write_status(account, status))
