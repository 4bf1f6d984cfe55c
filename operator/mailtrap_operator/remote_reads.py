"""OBSERVE, the remote side: what is asked of Mailtrap for a look at one ApiToken. `core/reads.py` says what to ask.

Only reads happen here.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

from mailtrap_operator.adoption_proof import proven_token
from mailtrap_operator.api.v1alpha1 import AccountRef
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.remote_account import RemoteAccount, Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.observation import Absent, Adoptee, Catalogue, Found, RemoteToken, Unknown
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reads import AdopteeRead, ResourcesRead, TokenRead
from mailtrap_operator.core.resources import will_do

_LATELY = timedelta(seconds=10)


class RemoteReads:
    """Asks the accounts; never raises."""

    def __init__(self, accounts: RemoteAccounts, secrets: SecretClient) -> None:
        self._accounts = accounts
        self._secrets = secrets

    async def lists(self, accounts: Iterable[AccountRef], namespace: str) -> Mapping[AccountRef, Tokens]:
        """Ask accounts for their tokens, all at once."""
        refs = tuple(accounts)
        # Only the reconcile's own task can give its worker back: those that read for it have none.
        async with self._accounts.while_waiting():
            answers = await asyncio.gather(*(self._list(ref, namespace) for ref in refs))
        return dict(zip(refs, answers, strict=True))

    async def _list(self, ref: AccountRef, namespace: str) -> Tokens:
        unknown = await self._accounts.judge_own_credentials(account_key(ref, namespace), namespace)
        return unknown or await self._at(ref, namespace).list_tokens()

    async def last_lists(self, accounts: Iterable[AccountRef], namespace: str) -> Mapping[AccountRef, Tokens]:
        """Return what the last LISTs said, without a call."""
        return {ref: self._accounts.last_listed(account_key(ref, namespace)) for ref in accounts}

    async def resources(self, read: ResourcesRead, namespace: str) -> Found[Catalogue] | Unknown:
        """Ask for the resources of an account, or return an answer of late."""
        resources = self._at(read.account, namespace).resources
        recent = resources.latest(_LATELY) if read.ids else None
        if recent is not None and will_do(recent, read.account_id, read.ids):
            return recent
        return await resources.answer()

    async def adoptee(self, read: AdopteeRead, namespace: str) -> Found[Adoptee] | Absent | Unknown:
        """Ask for the token that is to be adopted; absent also where the proof is not its value."""
        if read.proof is None:
            found = await self.token(TokenRead(read.account, read.token_id), namespace, Priority.ROUTINE)
            return Found(Adoptee(found.value, is_proven=False)) if isinstance(found, Found) else found
        turn = Priority.ROUTINE, namespace
        try:
            client = await self._at(read.account, namespace).client()
            token = await proven_token(self._secrets, client, turn, read.proof, read.token_id)
        except Failure as failure:
            return failure.as_unknown()
        return Absent() if token is None else Found(Adoptee(token, is_proven=True))

    async def token(
        self, read: TokenRead, namespace: str, priority: Priority
    ) -> Found[RemoteToken] | Absent | Unknown:
        """Ask for one token by its id."""
        try:
            client = await self._at(read.account, namespace).client()
            async with client.pacer.slot(priority, namespace):
                token = await client.get_token(read.id)
        except Failure as failure:
            return failure.as_unknown()
        return Absent() if token is None else Found(token)

    def _at(self, ref: AccountRef, namespace: str) -> RemoteAccount:
        return self._accounts.at(account_key(ref, namespace))
