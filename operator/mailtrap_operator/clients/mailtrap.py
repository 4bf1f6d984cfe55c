"""The remote API. The one place that knows its URLs, bodies and error forms.

A mutation's failure is definite only when the API itself said so, in its own JSON; a proxy's page, a broken
body or a lost connection leaves it uncertain. A value leaves this module as `SecretStr` alone.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, assert_never

import httpx
from pydantic import SecretStr, ValidationError
from pydantic_core import from_json

from mailtrap_operator.api.v1alpha1 import AccountRef, Resource, print_time
from mailtrap_operator.clients.errors import (
    Failure,
    Missing,
    Retryable,
    Terminal,
    Unauthorized,
    Uncertain,
)
from mailtrap_operator.clients.known_server import RESOURCES, TOKENS, KnownServer
from mailtrap_operator.clients.mailtrap_bodies import (
    RESOURCE_TREE,
    IssuedBody,
    TokenBody,
    is_sendable,
    read_tokens,
    resource_body,
)
from mailtrap_operator.clients.mailtrap_calls import MailtrapCalls, unusable
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.actions import ServerDefault, WantedExpiry
from mailtrap_operator.core.clocks import ClockDifference
from mailtrap_operator.core.observation import Catalogue, RemoteToken
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction
from mailtrap_operator.core.resource_types import other_spelling


class MailtrapClient:
    """One account seen through one credential.

    Every method raises a `Failure`; `request_timeout` bounds each call as a whole. `before_mutation` runs right before
    a call that changes something is sent, and may raise a `Failure` in its place.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        account: AccountRef,
        server: KnownServer,
        credential: SecretStr,
        pacer: Pacer,
        request_timeout: timedelta,
        before_mutation: Callable[[], None] = lambda: None,
    ) -> None:
        self.pacer = pacer
        self._account = account
        self._server = server
        self._credential = credential
        self._redaction = Redaction(credential.get_secret_value())
        self._calls = MailtrapCalls(
            http,
            server=server,
            credential=credential,
            pacer=pacer,
            timeout=request_timeout,
            before_mutation=before_mutation,
        )

    @property
    def clock_difference(self) -> ClockDifference:
        """How far the server's clock and the operator's are apart, by the answers up to now."""
        return self._server.clock.difference

    @property
    def credential_last_four(self) -> str:
        """The last four characters of the credential, as Mailtrap lists them."""
        return self._credential.get_secret_value()[-4:]

    async def list_tokens(self) -> tuple[RemoteToken, ...]:
        """Return every token that the credential can see."""
        content = await self._calls.read(TOKENS, is_always_there=True)
        try:
            return tuple(body.as_token(self._account, self._redaction) for body in read_tokens(content))
        except ValidationError:
            raise unusable("the list of tokens") from None

    async def list_resources(self) -> Catalogue:
        """Return every resource that the credential can see."""
        content = await self._calls.read(RESOURCES, is_always_there=True)
        try:
            tree = RESOURCE_TREE.validate_json(content)
        except ValidationError:
            raise unusable("the account's resources") from None
        entries = tuple(entry for top in tree for entry in top.flat(self._redaction))
        self._server.note_types({entry.type for entry in entries})
        account_id = self._server.account_id
        # An account that shows nothing but itself may hide what is in it.
        is_whole = len(entries) > 1 and any(top.is_administered(account_id) for top in tree)
        return Catalogue(account_id, entries, is_whole)

    async def get_token(self, token_id: int) -> RemoteToken | None:
        """Return one token, or None when the API positively has no such token."""
        try:
            body = TokenBody.model_validate_json(await self._calls.read(f"{TOKENS}/{token_id}"))
        except Missing:
            return None
        except ValidationError:
            raise unusable("a token") from None
        if not body.has_id:
            raise unusable("a token")
        return body.as_token(self._account, self._redaction)

    async def create_token(
        self, name: str, resources: Sequence[Resource], expires_at: WantedExpiry
    ) -> tuple[RemoteToken, SecretStr]:
        """Create a token and return it with its value, which is never shown again."""
        types = [self._server.spelled(resource.type) for resource in resources]
        others = [other_spelling(type_) for type_ in types]
        try:
            return await self._create(name, resources, types, expires_at)
        except Terminal as failure:
            # Refused by the API itself: there is no token, and the other spelling may be the server's.
            if not _blames_a_type(failure) or types == others:
                raise
        issued = await self._create(name, resources, others, expires_at)
        self._server.note_types(set(others))
        return issued

    async def _create(
        self,
        name: str,
        resources: Sequence[Resource],
        types: Sequence[str],
        expires_at: WantedExpiry,
    ) -> tuple[RemoteToken, SecretStr]:
        body = {
            "name": name,
            "resources": [resource_body(*each) for each in zip(resources, types, strict=True)],
        } | _expiry(expires_at)
        return await self._issue(TOKENS, body)

    async def reset_token(self, token_id: int, expires_at: WantedExpiry) -> tuple[RemoteToken, SecretStr]:
        """Reset a token and return its successor with its value, which is never shown again."""
        return await self._issue(f"{TOKENS}/{token_id}/reset", _expiry(expires_at) or None)

    async def delete_token(self, token_id: int) -> None:
        """Delete a token; one that is gone already counts as deleted."""
        with suppress(Missing):
            try:
                content = await self._calls.change("DELETE", f"{TOKENS}/{token_id}")
            except Terminal as failure:
                message = f"Token {token_id} may not be deleted. {failure.said} Allow it in Mailtrap, or delete it there."
                raise Terminal(Reason.DELETION_REFUSED, message) from None
            if content and not _is_json(content):
                message = "Mailtrap's answer to a deletion could not be read; it is looked at again."
                raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message)

    async def is_accepted(self, value: SecretStr) -> bool:
        """Whether a token value authenticates; only a clear refusal says no, and what cannot be a value at all."""
        if not is_sendable(value):
            return False
        try:
            await self._calls.accounts_of(value)
        except Unauthorized:
            return False
        except Failure:
            return True
        return True

    async def opens_account(self, value: SecretStr) -> bool:
        """Whether a token value authenticates and sees this account."""
        if not is_sendable(value):
            return False
        try:
            return self._server.account_id in await self._calls.accounts_of(value)
        except (Unauthorized, Terminal, Missing):
            return False
        except Failure as failure:
            # The server's own words might repeat the value.
            message = "Mailtrap did not say which account a value is for; it is asked again."
            raise Retryable(failure.reason, message, failure.retry_after) from None

    async def _issue(self, place: str, body: Mapping[str, Any] | None) -> tuple[RemoteToken, SecretStr]:
        content = await self._calls.change("POST", place, body)
        try:
            issued = IssuedBody.model_validate_json(content)
        except ValidationError:
            message = (
                "Mailtrap's answer to a new token could not be read; the token may exist, its value is lost."
            )
            raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message) from None
        redaction = Redaction(self._credential.get_secret_value(), issued.token.get_secret_value())
        return issued.as_token(self._account, redaction), issued.token


def _blames_a_type(refusal: Terminal) -> bool:
    return refusal.reason is Reason.REQUEST_REFUSED and "type" in refusal.said


def _expiry(expires_at: WantedExpiry) -> dict[str, str | None]:
    match expires_at:
        case ServerDefault():
            return {}
        case None:
            return {"expires_at": None}
        case datetime():
            return {"expires_at": print_time(expires_at)}
        case _:
            assert_never(expires_at)


def _is_json(content: bytes) -> bool:
    try:
        from_json(content)
    except ValueError:
        return False
    return True
