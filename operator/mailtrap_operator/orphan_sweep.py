"""Finds the tokens of this installation that belong to no ApiToken, and deletes them where the account asks for it.

Passes over accounts begin only when everything was listed once, so an owner that is not known is not merely not known
yet. Still no deletion rests on that: right before it all ApiTokens and Secrets are listed afresh, and none may lay claim to
the token.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from itertools import chain

from mailtrap_operator.api.names import SECRETS_OF_OURS
from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.accounts import Accounts
from mailtrap_operator.clients.connection import Connection, Tokens
from mailtrap_operator.clients.errors import Failure, Terminal
from mailtrap_operator.clients.kube import KubeClient, api_tokens_path, secrets_path
from mailtrap_operator.clients.secret_marks import told_to_hold
from mailtrap_operator.core import orphans
from mailtrap_operator.core.announcements import Announcement
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import CredentialInUse, RemoteToken, Unknown
from mailtrap_operator.core.orphans import Swept
from mailtrap_operator.core.ownership import HeldToken, owner_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import speaks_for
from mailtrap_operator.runtime.listing import pages
from mailtrap_operator.runtime.store import Store, key_of_account
from mailtrap_operator.telemetry.events import EventRecorder

_PROVES_FOR = timedelta(seconds=10)
"""How long a list of all ApiTokens proves that nobody lays claim to a token; waiting for the rate limit takes time."""


class OrphanSweep:
    """Looks for orphans in what an account's LIST says.

    An operator that does not see all namespaces (`sees_all`) cannot know of any token that it is an orphan. One that must not
    list Secrets does not know which of them hold a value.
    """

    def __init__(
        self,
        *,
        kube: KubeClient,
        store: Store,
        accounts: Accounts,
        events: EventRecorder,
        installation: str,
        sees_all: bool,
        may_delete: bool,
        lists_secrets: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._store = store
        self._accounts = accounts
        self._events = events
        self._installation = installation
        self._sees_all = sees_all
        self._may_delete = may_delete
        self._lists_secrets = lists_secrets
        self._clock = clock
        self._refused: dict[AccountKey, frozenset[int]] = {}

    async def run(self, account: Account, tokens: Tokens, connection: Connection) -> Swept | None:
        """Delete what is due; return the orphans that are left, None where the LIST does not tell; never raises."""
        swept = self.look(account, tokens, connection)
        if swept is None or account.spec.orphan_policy != "Delete" or not self._may_delete:
            return swept
        ids = orphans.due(swept.record, self._clock(), self._refused.get(connection.key, ()))
        if not ids:
            return swept
        by_id = {token.id: token for token in swept.found}
        cleared, failure = await self._delete([by_id[id_] for id_ in ids], account, connection)
        return Swept(
            tuple(token for token in swept.found if token.id not in cleared),
            tuple(orphan for orphan in swept.record if orphan.id not in cleared),
            failure.as_unknown() if failure else None,
        )

    def look(self, account: Account, tokens: Tokens, connection: Connection) -> Swept | None:
        """Return the orphans that there are, None where the LIST does not tell."""
        if isinstance(tokens, Unknown):
            return None
        if not self._sees_all:
            # Another installation's operator, which sees more, may have told of its own.
            others = any(installation != self._installation for installation, _ in tokens.value)
            return None if others else Swept((), ())
        used, listed = self._at_work(connection), chain.from_iterable(tokens.value.values())
        found = orphans.orphans_among(
            # A token that the operator works with is nobody's orphan, whatever it is called.
            (token for token in listed if not any(each.may_be(token) for each in used)),
            self._installation,
            self._retained(account),
            self._claims(),
        )
        return Swept(found, orphans.recorded(found, account.status.orphans, self._clock()))

    def _claims(self) -> Callable[[RemoteToken], bool]:
        """Return what tells whether a token belongs to an ApiToken, or a Secret that outlived its ApiToken holds its value."""
        held = cache(self._store.held_tokens)
        return lambda token: self._store.claims(token) or orphans.is_held(token, held())

    def condition_of(self, swept: Swept, account: Account) -> Wanted | None:
        """Return the condition that tells of orphans, None where there are none."""
        return orphans.condition_of(swept, account, self._installation, may_delete=self._may_delete)

    def _retained(self, account: Account) -> frozenset[str]:
        """Return the owners whose tokens stay on purpose, by the account object and those that may speak for it."""
        own = key_of_account(account)
        others = (key for key in self._store.accounts_beside(own) if speaks_for(key, own.namespace))
        accounts = (account, *map(self._store.account, others))
        return frozenset(owner for each in accounts if each for owner in orphans.retained_owners(each.status))

    async def _delete(
        self, due: list[RemoteToken], account: Account, connection: Connection
    ) -> tuple[set[int], Failure | None]:
        """Delete what is due and belongs to nobody.

        Returns:
            The ids of what is gone or turned out to belong to somebody, and what kept the rest from being deleted.
        """
        cleared: set[int] = set()
        refusals: dict[int, Failure] = {}
        try:
            listed_at = _now()
            owners, held = await self._owners(), await self._held()
            client = await connection.client()
            for token in due:
                # The credential may be another one since the list.
                is_wanted = orphans.belongs_to(token, owners) or orphans.is_held(token, held)
                if is_wanted or any(each.may_be(token) for each in self._at_work(connection)):
                    cleared.add(token.id)
                    continue
                async with client.pacer.slot(Lane.ROUTINE, connection.key.namespace):
                    if _now() - listed_at >= _PROVES_FOR:
                        break
                    try:
                        await client.delete_token(token.id)
                    except Terminal as refusal:
                        refusals[token.id] = refusal
                        continue
                cleared.add(token.id)
                connection.learn(token, is_alive=False)
                await self._tell(account, token)
        except Failure as failure:
            return cleared, failure
        finally:
            self._refused[connection.key] = frozenset(refusals)
        return cleared, next(iter(refusals.values()), None)

    async def _owners(self) -> set[str]:
        owners = set()
        async for body in pages(self._kube.list_metadata, api_tokens_path(), "ApiToken"):
            meta = body["metadata"]
            owners.add(owner_of(self._installation, meta["namespace"], meta["name"], meta["uid"]))
        return owners

    async def _held(self) -> set[HeldToken]:
        held = set[HeldToken]()
        if self._lists_secrets:
            async for body in pages(self._kube.list_metadata, secrets_path(), "Secret", SECRETS_OF_OURS):
                held |= told_to_hold(body["metadata"], self._installation)
        return held

    async def _tell(self, account: Account, token: RemoteToken) -> None:
        message = (
            f"Token {token.id} (…{token.last_four}) was deleted: it had belonged to no ApiToken for a day."
        )
        await self._events.emit(account, Announcement("Normal", Reason.REVOKED, message))

    def _at_work(self, connection: Connection) -> tuple[CredentialInUse, ...]:
        return self._accounts.credentials(connection.key, connection.key.namespace)


def _now() -> timedelta:
    return timedelta(seconds=asyncio.get_running_loop().time())
