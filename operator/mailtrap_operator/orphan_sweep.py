"""Deletes tokens of this installation that belong to no ApiToken, where the account asks for it.

Reconciles of accounts begin only when everything was listed once, so an owner that is not known is not merely not known
yet. Still no deletion rests on that: right before it all ApiTokens and Secrets are listed afresh, and none may lay claim to
the token.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from mailtrap_operator.api.names import SECRETS_OF_OURS
from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.errors import Failure, Terminal
from mailtrap_operator.clients.kube import KubeClient, api_tokens_path, secrets_path
from mailtrap_operator.clients.remote_account import RemoteAccount
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_marks import tokens_marked_as_held
from mailtrap_operator.core import orphans
from mailtrap_operator.core.account_observation import OrphanDeletion
from mailtrap_operator.core.events import Event
from mailtrap_operator.core.observation import CredentialInUse, RemoteToken
from mailtrap_operator.core.ownership import HeldToken, owner_of
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.cache import key_of_account
from mailtrap_operator.runtime.listing import pages
from mailtrap_operator.telemetry.events import EventRecorder

_PROVES_FOR = timedelta(seconds=10)
"""How long a list of all ApiTokens proves that no one lays claim to a token; waiting for the rate limit takes time."""


class OrphanSweep:
    """Deletes orphans. An operator that must not list Secrets does not know which of them hold a value."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        accounts: RemoteAccounts,
        events: EventRecorder,
        installation: str,
        lists_secrets: bool,
    ) -> None:
        self._kube = kube
        self._accounts = accounts
        self._events = events
        self._installation = installation
        self._lists_secrets = lists_secrets

    async def delete(self, account: Account, due: Iterable[RemoteToken]) -> OrphanDeletion:
        """Delete what is due and belongs to no one; never raises."""
        remote_account = self._accounts.at(key_of_account(account))
        cleared: set[int] = set()
        refusals: dict[int, Failure] = {}
        failure: Failure | None = None
        try:
            await self._delete(account, due, remote_account, cleared, refusals)
        except Failure as trouble:
            failure = trouble
        failure = failure or next(iter(refusals.values()), None)
        unknown = failure.as_unknown() if failure else None
        return OrphanDeletion(frozenset(cleared), frozenset(refusals), unknown)

    async def _delete(
        self,
        account: Account,
        due: Iterable[RemoteToken],
        remote_account: RemoteAccount,
        cleared: set[int],
        refusals: dict[int, Failure],
    ) -> None:
        """Note each token in `cleared` or `refusals` as it goes; raises the `Failure` that ends it."""
        listed_at = _now()
        owners, held = await self._owners(), await self._held()
        client = await remote_account.client()
        for token in due:
            # The credential may be another one since the list.
            is_wanted = orphans.belongs_to(token, owners) or orphans.is_held(token, held)
            if is_wanted or any(each.may_be(token) for each in self._credentials_in_use(remote_account)):
                cleared.add(token.id)
                continue
            async with client.pacer.slot(Priority.ROUTINE, remote_account.key.namespace):
                if _now() - listed_at >= _PROVES_FOR:
                    break
                try:
                    await client.delete_token(token.id)
                except Terminal as refusal:
                    refusals[token.id] = refusal
                    continue
            cleared.add(token.id)
            remote_account.record_change(token, is_alive=False)
            await self._emit_deleted(account, token)

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
                held |= tokens_marked_as_held(body["metadata"], self._installation)
        return held

    async def _emit_deleted(self, account: Account, token: RemoteToken) -> None:
        message = (
            f"Token {token.id} (…{token.last_four}) was deleted: it had belonged to no ApiToken for a day."
        )
        await self._events.emit(account, Event("Normal", Reason.REVOKED, message))

    def _credentials_in_use(self, remote_account: RemoteAccount) -> tuple[CredentialInUse, ...]:
        return self._accounts.credentials(remote_account.key, remote_account.key.namespace)


def _now() -> timedelta:
    return timedelta(seconds=asyncio.get_running_loop().time())
