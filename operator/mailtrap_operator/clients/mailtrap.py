"""The remote API. The one place that knows its URLs, bodies and error forms.

A mutation's failure is definite only when the API itself said so, in its own JSON; a proxy's page, a broken
body or a lost connection leaves it uncertain. A value leaves this module as `SecretStr` alone.
"""

import asyncio
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
from mailtrap_operator.clients.mailtrap_bodies import (
    ACCOUNT_LIST,
    RESOURCE_TREE,
    TOKEN_LIST,
    IssuedBody,
    TokenBody,
    is_sendable,
    resource_body,
)
from mailtrap_operator.clients.mailtrap_http import SUCCESS, Answer, read
from mailtrap_operator.clients.mailtrap_refusals import failure_of
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.actions import ServerDefault, WantedExpiry
from mailtrap_operator.core.observation import Catalogue, RemoteToken
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction

_PAUSE = timedelta(seconds=10)
"""How long to keep quiet after a 429 that names no time: the server's window."""


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
        base_url: str,
        account_id: int,
        credential: SecretStr,
        pacer: Pacer,
        request_timeout: timedelta,
        before_mutation: Callable[[], None] = lambda: None,
    ) -> None:
        self.pacer = pacer
        self._before_mutation = before_mutation
        self._http = http
        self._account = account
        self._root = f"{base_url}/api/accounts"
        self._account_id = account_id
        self._tokens = f"{self._root}/{account_id}/api_tokens"
        self._credential = credential
        self._redaction = Redaction(credential.get_secret_value())
        self._timeout = request_timeout.total_seconds()

    @property
    def credential_last_four(self) -> str:
        """The last four characters of the credential, as Mailtrap lists them."""
        return self._credential.get_secret_value()[-4:]

    async def list_tokens(self) -> tuple[RemoteToken, ...]:
        """Return every token that the credential can see."""
        content = await self._call("GET", self._tokens)
        try:
            listed = TOKEN_LIST.validate_json(content)
        except ValidationError:
            raise _unusable("the list of tokens") from None
        return tuple(body.as_token(self._account, self._redaction) for body in listed if body.has_id)

    async def list_resources(self) -> Catalogue:
        """Return every resource that the credential can see."""
        content = await self._call("GET", f"{self._root}/{self._account_id}/permissions/resources")
        try:
            tree = RESOURCE_TREE.validate_json(content)
        except ValidationError:
            raise _unusable("the account's resources") from None
        entries = tuple(entry for top in tree for entry in top.flat(self._redaction))
        # An account that shows nothing but itself may hide what is in it.
        is_whole = len(entries) > 1 and any(top.is_administered(self._account_id) for top in tree)
        return Catalogue(self._account_id, entries, is_whole)

    async def get_token(self, token_id: int) -> RemoteToken | None:
        """Return one token, or None when the API positively has no such token."""
        try:
            body = TokenBody.model_validate_json(await self._call("GET", f"{self._tokens}/{token_id}"))
        except Missing:
            return None
        except ValidationError:
            raise _unusable("a token") from None
        if not body.has_id:
            raise _unusable("a token")
        return body.as_token(self._account, self._redaction)

    async def create_token(
        self, name: str, resources: Sequence[Resource], expires_at: WantedExpiry
    ) -> tuple[RemoteToken, SecretStr]:
        """Create a token and return it with its value, which is never shown again."""
        body = {
            "name": name,
            "resources": [resource_body(resource) for resource in resources],
        } | _expiry(expires_at)
        return await self._issue(self._tokens, body)

    async def reset_token(self, token_id: int, expires_at: WantedExpiry) -> tuple[RemoteToken, SecretStr]:
        """Reset a token and return its successor with its value, which is never shown again."""
        return await self._issue(f"{self._tokens}/{token_id}/reset", _expiry(expires_at) or None)

    async def delete_token(self, token_id: int) -> None:
        """Delete a token; one that is gone already counts as deleted."""
        with suppress(Missing):
            try:
                content = await self._call("DELETE", f"{self._tokens}/{token_id}")
            except Terminal as failure:
                message = f"Token {token_id} may not be deleted. {failure.said} Allow it in Mailtrap, or delete it there."
                raise Terminal(failure.reason, message) from None
            if content and not _is_json(content):
                message = "Mailtrap's answer to a deletion could not be read; it is looked at again."
                raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message)

    async def is_accepted(self, value: SecretStr) -> bool:
        """Whether a token value authenticates; only a clear refusal says no, and what cannot be a value at all."""
        if not is_sendable(value):
            return False
        try:
            await self._send("GET", self._root, value, None)
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
            answer = await self._send("GET", self._root, value, None)
            accounts = ACCOUNT_LIST.validate_json(answer.content or b"")
            return any(account.id == self._account_id for account in accounts)
        except (Unauthorized, Terminal, Missing):
            return False
        except ValidationError:
            raise _unusable("the accounts of a token") from None
        except Failure as failure:
            # The server's own words might repeat the value.
            message = "Mailtrap did not say which account a value is for; it is asked again."
            raise Retryable(failure.reason, message, failure.retry_after) from None

    async def _issue(self, url: str, body: Mapping[str, Any] | None) -> tuple[RemoteToken, SecretStr]:
        content = await self._call("POST", url, body)
        try:
            issued = IssuedBody.model_validate_json(content)
        except ValidationError:
            message = (
                "Mailtrap's answer to a new token could not be read; the token may exist, its value is lost."
            )
            raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message) from None
        redaction = Redaction(self._credential.get_secret_value(), issued.token.get_secret_value())
        return issued.as_token(self._account, redaction), issued.token

    async def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> bytes:
        try:
            answer = await self._send(method, url, self._credential, body)
        except Failure as failure:
            if failure.reason is Reason.RATE_LIMITED:
                self.pacer.pause(failure.retry_after or _PAUSE)
            raise
        with suppress(KeyError, ValueError):
            self.pacer.heed(int(answer.headers["X-Ratelimit-Remaining"]))
        if answer.content is None:
            message = (
                "Mailtrap's answer is compressed or too long to be one of the API; it is looked at again."
            )
            raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message)
        return answer.content

    async def _send(
        self, method: str, url: str, credential: SecretStr, body: Mapping[str, Any] | None
    ) -> Answer:
        headers = {"Api-Token": credential.get_secret_value(), "Accept-Encoding": "identity"}
        try:
            async with asyncio.timeout(self._timeout):
                if method != "GET":
                    self._before_mutation()
                async with self._http.stream(method, url, headers=headers, json=body) as response:
                    answer = await read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            message = f"Mailtrap could not be reached ({type(error).__name__}); it is tried again."
            raise Retryable(Reason.REMOTE_UNAVAILABLE, message) from None
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"Mailtrap gave no complete answer ({type(error).__name__}); it is looked at again."
            raise Uncertain(Reason.REMOTE_UNAVAILABLE, message) from None
        if answer.status in SUCCESS:
            return answer
        # The value that is tested is known here, and nowhere later.
        redaction = Redaction(self._credential.get_secret_value(), credential.get_secret_value())
        raise failure_of(answer, redaction)


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


def _unusable(what: str) -> Failure:
    return Retryable(
        Reason.REMOTE_ANSWER_UNUSABLE, f"Mailtrap's answer could not be read as {what}; it is asked again."
    )


def _is_json(content: bytes) -> bool:
    try:
        from_json(content)
    except ValueError:
        return False
    return True
