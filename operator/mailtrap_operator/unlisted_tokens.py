"""Deletes a token on record that no LIST shows with our tag, once a look at it right before says that it may go.

A status and annotations are a note, not an order: what Mailtrap shows of the token decides, by the rules of the core.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from mailtrap_operator.adoption_proof import proven_token
from mailtrap_operator.clients.errors import Conflict, Retryable, Terminal
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.pacer import Turn
from mailtrap_operator.clients.remote_account import RemoteAccount
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.actions import RevokeToken
from mailtrap_operator.core.adoption import proof_needed, why_it_must_stay
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.observation import Adoptee, Observation, RemoteToken, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.cache import Cache

_PROVES_FOR = timedelta(seconds=10)
"""How long a look at a token proves that it may be deleted; waiting for the rate limit takes time."""


class UnlistedTokens:
    """Looks, judges, deletes; every method raises a `Failure`."""

    def __init__(self, *, cache: Cache, secrets: SecretClient, clock: Callable[[], datetime]) -> None:
        self._cache = cache
        self._secrets = secrets
        self._clock = clock

    async def revoke(
        self,
        action: RevokeToken,
        seen: Observation,
        remote_account: RemoteAccount,
        key: ApiTokenKey,
        version: str,
    ) -> None:
        """Delete a token; `seen` is what the plan was made from, `version` the resourceVersion of the ApiToken."""
        client = await remote_account.client()
        loop, id_ = asyncio.get_running_loop(), action.token.id
        begun = loop.time()
        turn = (action.priority, key.namespace)
        token = await _look(client, id_, turn)
        if token is None and not await _sees_all(remote_account):
            # Who sees less reads that a token is not there though it is: the answer to its DELETE proves that it is gone.
            async with client.pacer.slot(*turn):
                await client.delete_token(id_)
            return
        # That it is gone is believed when it was said twice: no DELETE proves it.
        token = token or await _look(client, id_, turn)
        if token is None:
            return
        s, found = ObservedState(seen, self._clock()), Adoptee(token, is_proven=False)
        if place := proof_needed(s, token):
            proven = await proven_token(self._secrets, client, turn, place, id_)
            found = Adoptee(proven or token, is_proven=proven is not None)
        if why := why_it_must_stay(s, id_, found):
            kind = Terminal if isinstance(why, Blocked) else Retryable
            raise kind(why.reason, why.message)
        async with client.pacer.slot(*turn):
            if loop.time() - begun > _PROVES_FOR.total_seconds() or self._has_changed(seen, key, version):
                message = f"Token {id_} is looked at once more before it is deleted: that took long, or something changed."
                raise Conflict(Reason.RATE_LIMITED, message)
            await client.delete_token(id_)
        if await _look(client, id_, turn) is not None:
            raise Retryable(Reason.REMOTE_UNAVAILABLE, f"Token {id_} is still there; it is deleted again.")

    def _has_changed(self, seen: Observation, key: ApiTokenKey, version: str) -> bool:
        """Whether the watches know of another ApiToken, or another policy of its account, than a plan was made from."""
        account = self._cache.account(account_key(seen.account.ref, key.namespace))
        policy = account.spec.policy if account else None
        judged_by = seen.account.tenancy.policy if seen.account.tenancy else None
        return policy != judged_by or self._cache.knows_newer(key, version)


async def _sees_all(remote_account: RemoteAccount) -> bool:
    """Whether the account's credential administers the account, by a LIST that starts now."""
    tokens = await remote_account.list_tokens()
    if isinstance(tokens, Unknown):
        raise Retryable(tokens.reason, tokens.message, tokens.retry_after)
    accepted = remote_account.credential.accepted
    return accepted is not None and accepted.sees_all


async def _look(client: MailtrapClient, token_id: int, turn: Turn) -> RemoteToken | None:
    async with client.pacer.slot(*turn):
        try:
            return await client.get_token(token_id)
        except Terminal as failure:
            message = f"Token {token_id} is deleted only after a look at it. {failure.said} Allow it in Mailtrap, or delete it there."
            raise Terminal(Reason.DELETION_REFUSED, message) from None
