"""Finds the tokens of this installation that belong to no ApiToken, and deletes them where the account asks for it.

Passes over accounts begin only when everything was listed once, so an owner that is not known is not merely not known
yet. Still no deletion rests on that: right before it all ApiTokens are listed afresh, and none may lay claim to the token.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain

from mailtrap_operator.api.v1alpha1 import Account, parse_status
from mailtrap_operator.clients.accounts import Connection, Tokens
from mailtrap_operator.clients.errors import Failure, Terminal
from mailtrap_operator.clients.kube import KubeClient, api_tokens_path
from mailtrap_operator.core import orphans
from mailtrap_operator.core.announcements import Announcement
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import RemoteToken, Unknown
from mailtrap_operator.core.orphans import Claims, Swept
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.listing import pages
from mailtrap_operator.runtime.store import Store, key_of_account
from mailtrap_operator.telemetry.events import EventRecorder

_PROVES_FOR = timedelta(seconds=10)
"""How long a list of all ApiTokens proves that nobody lays claim to a token; waiting for the rate limit takes time."""


class OrphanSweep:
    """Looks for orphans in what an account's LIST says.

    An operator that does not see all namespaces (`sees_all`) cannot know of any token that it is an orphan.
    """

    def __init__(
        self,
        *,
        kube: KubeClient,
        store: Store,
        events: EventRecorder,
        installation: str,
        sees_all: bool,
        may_delete: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._store = store
        self._events = events
        self._installation = installation
        self._sees_all = sees_all
        self._may_delete = may_delete
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
        if not self._sees_all:
            return Swept((), ())
        if isinstance(tokens, Unknown):
            return None
        used, listed = connection.managed_with, chain.from_iterable(tokens.value.values())
        found = orphans.orphans_among(
            # A token that the operator works with is nobody's orphan, whatever it is called.
            (token for token in listed if token.last_four not in used),
            self._installation,
            self._retained(account),
            self._store.claims,
        )
        return Swept(found, orphans.recorded(found, account.status.orphans, self._clock()))

    def condition_of(self, swept: Swept, account: Account) -> Wanted | None:
        """Return the condition that tells of orphans, None where there are none."""
        return orphans.condition_of(swept, account, self._installation, may_delete=self._may_delete)

    def _retained(self, account: Account) -> frozenset[str]:
        """Return the owners whose tokens stay on purpose, whichever object for the account has them on record."""
        others = map(self._store.account, self._store.accounts_beside(key_of_account(account)))
        return frozenset(
            owner for each in (account, *others) if each for owner in each.status.retained_owners
        )

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
            claims = await self._claims()
            client = await connection.client()
            for token in due:
                # The credential may be another one since the list.
                if claims.cover(token) or token.last_four in connection.managed_with:
                    cleared.add(token.id)
                    continue
                async with client.pacer.slot(Lane.ROUTINE):
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

    async def _claims(self) -> Claims:
        owners, ids = set(), set[int]()
        async for body in pages(self._kube.list_page, api_tokens_path(), "ApiToken"):
            meta = body["metadata"]
            owners.add(owner_of(self._installation, meta["namespace"], meta["name"], meta["uid"]))
            ids |= orphans.ids_on_record(parse_status(body.get("status"))[0])
        return Claims(owners, ids)

    async def _tell(self, account: Account, token: RemoteToken) -> None:
        message = (
            f"Token {token.id} (…{token.last_four}) was deleted: it had belonged to no ApiToken for a day."
        )
        await self._events.emit(account, Announcement("Normal", Reason.REVOKED, message))


def _now() -> timedelta:
    return timedelta(seconds=asyncio.get_running_loop().time())
