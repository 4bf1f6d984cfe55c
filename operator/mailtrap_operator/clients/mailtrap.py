"""The remote API. The one place that knows its URLs, bodies and error forms.

A mutation's failure is definite only when the API itself said so, in its own JSON; a proxy's page, a broken
body or a lost connection leaves it uncertain. A value leaves this module as `SecretStr` alone.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, assert_never

import httpx
from pydantic import SecretStr, ValidationError

from mailtrap_operator.api.v1alpha1 import AccountRef, Resource, print_time
from mailtrap_operator.clients.errors import (
    Failure,
    Missing,
    Retryable,
    Terminal,
    Unauthorized,
    Uncertain,
    quoted,
)
from mailtrap_operator.clients.identification import USER_AGENT
from mailtrap_operator.clients.mailtrap_bodies import (
    ACCOUNT_LIST,
    RESOURCE_TREE,
    TOKEN_LIST,
    IssuedBody,
    TokenBody,
    resource_body,
)
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.actions import ServerDefault, WantedExpiry
from mailtrap_operator.core.observation import Catalogue, RemoteToken
from mailtrap_operator.core.reasons import Reason

_PAUSE = timedelta(seconds=10)
"""How long to keep quiet after a 429 that names no time: the server's window."""


def http_clients() -> Callable[[], httpx.AsyncClient]:
    """Return what makes connection pools; they share one set of certificates, which is large."""
    tls = ssl.create_default_context()
    # No timeout of its own: each call is bounded as a whole.
    return lambda: httpx.AsyncClient(verify=tls, timeout=None, headers={"User-Agent": USER_AGENT})  # noqa: S113


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
        self._timeout = request_timeout.total_seconds()

    @property
    def credential_last_four(self) -> str:
        """The last four characters of the credential, as Mailtrap lists them."""
        return self._credential.get_secret_value()[-4:]

    async def list_tokens(self) -> tuple[RemoteToken, ...]:
        """Return every token that the credential can see."""
        response = await self._call("GET", self._tokens)
        try:
            return tuple(body.as_token(self._account) for body in TOKEN_LIST.validate_json(response.content))
        except ValidationError:
            raise _unusable("the list of tokens") from None

    async def list_resources(self) -> Catalogue:
        """Return every resource that the credential can see."""
        response = await self._call("GET", f"{self._root}/{self._account_id}/permissions/resources")
        try:
            tree = RESOURCE_TREE.validate_json(response.content)
        except ValidationError:
            raise _unusable("the account's resources") from None
        return Catalogue(self._account_id, tuple(entry for top in tree for entry in top.flat()))

    async def get_token(self, token_id: int) -> RemoteToken | None:
        """Return one token, or None when the API positively has no such token."""
        try:
            response = await self._call("GET", f"{self._tokens}/{token_id}")
            return TokenBody.model_validate_json(response.content).as_token(self._account)
        except Missing:
            return None
        except ValidationError:
            raise _unusable("a token") from None

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
                response = await self._call("DELETE", f"{self._tokens}/{token_id}")
            except Terminal as failure:
                message = f"Token {token_id} may not be deleted. {failure.said} Allow it in Mailtrap, or delete it there."
                raise Terminal(failure.reason, message) from None
            if response.content and not _is_json(response):
                message = "Mailtrap's answer to a deletion could not be read; it is looked at again."
                raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message)

    async def is_accepted(self, value: SecretStr) -> bool:
        """Whether a token value authenticates; only a clear refusal says no."""
        try:
            await self._send("GET", self._root, value, None)
        except Unauthorized:
            return False
        except Failure:
            return True
        return True

    async def opens_account(self, value: SecretStr) -> bool:
        """Whether a token value authenticates and sees this account."""
        try:
            response = await self._send("GET", self._root, value, None)
            return any(body.id == self._account_id for body in ACCOUNT_LIST.validate_json(response.content))
        except (Unauthorized, Terminal, Missing):
            return False
        except ValidationError:
            raise _unusable("the accounts of a token") from None
        except Failure as failure:
            # The server's own words might repeat the value.
            message = "Mailtrap did not say which account a value is for; it is asked again."
            raise Retryable(failure.reason, message, failure.retry_after) from None

    async def _issue(self, url: str, body: Mapping[str, Any] | None) -> tuple[RemoteToken, SecretStr]:
        response = await self._call("POST", url, body)
        try:
            issued = IssuedBody.model_validate_json(response.content)
        except ValidationError:
            message = (
                "Mailtrap's answer to a new token could not be read; the token may exist, its value is lost."
            )
            raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message) from None
        return issued.as_token(self._account), issued.token

    async def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            response = await self._send(method, url, self._credential, body)
        except Failure as failure:
            if failure.reason is Reason.RATE_LIMITED:
                self.pacer.pause(failure.retry_after or _PAUSE)
            raise
        with suppress(KeyError, ValueError):
            self.pacer.heed(int(response.headers["X-Ratelimit-Remaining"]))
        return response

    async def _send(
        self, method: str, url: str, credential: SecretStr, body: Mapping[str, Any] | None
    ) -> httpx.Response:
        headers = {"Api-Token": credential.get_secret_value()}
        try:
            async with asyncio.timeout(self._timeout):
                if method != "GET":
                    self._before_mutation()
                response = await self._http.request(method, url, headers=headers, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            message = f"Mailtrap could not be reached ({type(error).__name__}); it is tried again."
            raise Retryable(Reason.REMOTE_UNAVAILABLE, message) from None
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"Mailtrap gave no complete answer ({type(error).__name__}); it is looked at again."
            raise Uncertain(Reason.REMOTE_UNAVAILABLE, message) from None
        if response.status_code in {200, 201, 204}:
            return response
        raise _failure_of(response)


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


# What a status means when the API itself gave it, and what the user can do about it.
_MEANING: dict[int, tuple[type[Failure], Reason, str]] = {
    401: (
        Unauthorized,
        Reason.CREDENTIAL_REFUSED,
        "Put a valid token into the credentials Secret of the account.",
    ),
    403: (
        Terminal,
        Reason.ACCESS_FORBIDDEN,
        "Check accountId, and that the credential has admin rights there.",
    ),
    404: (Missing, Reason.NOT_FOUND, "Check accountId and baseUrl of the account."),
    408: (Uncertain, Reason.REMOTE_UNAVAILABLE, "It is tried again."),
    429: (Retryable, Reason.RATE_LIMITED, "The calls pause."),
}
_REFUSED = (Terminal, Reason.REQUEST_REFUSED, "Correct the spec.")
_BROKEN = (Uncertain, Reason.REMOTE_UNAVAILABLE, "It is tried again.")


def _failure_of(response: httpx.Response) -> Failure:
    """Read an answer that is not a success."""
    words = _words_of(response)
    # Nothing that limits a rate carries a call out first, whoever limits it.
    if words is None and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
        message = f"Something other than the API answered {response.status_code}, perhaps a proxy. It is tried again."
        return Uncertain(Reason.REMOTE_UNAVAILABLE, message, _retry_after(response))
    kind, reason, advice = _MEANING.get(
        response.status_code, _REFUSED if response.is_client_error else _BROKEN
    )
    said = f'Mailtrap answered {response.status_code}: "{words or "too many requests"}".'
    return kind(reason, f"{said} {advice}", _retry_after(response), said=said)


def _is_json(response: httpx.Response) -> bool:
    try:
        response.json()
    except ValueError:
        return False
    return True


def _words_of(response: httpx.Response) -> str | None:
    """Return the error in the API's own JSON form, or None when the body is something else."""
    try:
        body = response.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    match body.get("error", body.get("errors")):
        case str() as text:
            return quoted(text)
        case dict() as attributes:
            return quoted("; ".join(f"{name}: {_joined(messages)}" for name, messages in attributes.items()))
        case _:
            return None


def _joined(messages: object) -> str:
    return ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def _retry_after(response: httpx.Response) -> timedelta | None:
    try:
        return timedelta(seconds=min(max(float(response.headers["Retry-After"]), 0.0), 3600.0))
    except (KeyError, ValueError):
        return None
