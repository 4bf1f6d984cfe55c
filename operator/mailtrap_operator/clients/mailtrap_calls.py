"""One call to the remote API: which path it takes, what bounds it, whether the API itself answered.

A mutation is sent once, by the form of paths that answered last: if something other than the API answers, it may have
happened. A read is what finds the form out.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any

import httpx
from pydantic import SecretStr, ValidationError

from mailtrap_operator.clients.errors import (
    Failure,
    Misrouted,
    Missing,
    Retryable,
    Terminal,
    Uncertain,
    quoted,
)
from mailtrap_operator.clients.known_server import KnownServer, PathForm
from mailtrap_operator.clients.mailtrap_bodies import ACCOUNT_LIST
from mailtrap_operator.clients.mailtrap_http import SUCCESS, Answer, proxy_of, read
from mailtrap_operator.clients.mailtrap_refusals import failure_of
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction

_PAUSE = timedelta(seconds=10)
"""How long to keep quiet after a 429 that names no time: the server's window."""


class MailtrapCalls:
    """The calls of one account with one credential; every method raises a `Failure`.

    `timeout` bounds each call as a whole. `before_mutation` runs right before a call that changes something is sent.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        server: KnownServer,
        credential: SecretStr,
        pacer: Pacer,
        timeout: timedelta,
        before_mutation: Callable[[], None],
    ) -> None:
        self._http = http
        self._server = server
        self._credential = credential
        self._pacer = pacer
        self._timeout = timeout.total_seconds()
        self._before_mutation = before_mutation

    async def read(self, place: str, *, is_always_there: bool = False) -> bytes:
        """GET a place, by the other form of paths where the one in use does not lead to the API.

        Args:
            place: Begins with `TOKENS` or `RESOURCES`.
            is_always_there: Whether every account has it, so that even the API's own 404 speaks of the path.
        """
        form = self._server.form
        try:
            return await self._call("GET", form, place)
        except Misrouted as failure:
            misrouted: Failure = failure
        except Missing as failure:
            if not is_always_there:
                raise
            misrouted = failure
        try:
            content = await self._call("GET", form.other, place)
        except Misrouted:
            raise misrouted from None
        except Missing:
            if is_always_there:
                raise misrouted from None
            self._server.form = form.other
            raise
        self._server.form = form.other
        return content

    async def change(self, method: str, place: str, body: Mapping[str, Any] | None = None) -> bytes:
        """Send a mutation, once."""
        return await self._call(method, self._server.form, place, body)

    async def accounts_of(self, value: SecretStr) -> set[int]:
        """Return the ids of the accounts that a token value opens."""
        answer = await self._send("GET", self._server.accounts_url, value, None)
        try:
            return {account.id for account in ACCOUNT_LIST.validate_json(_content(answer))}
        except ValidationError:
            raise unusable("the accounts of a token") from None

    async def _call(
        self, method: str, form: PathForm, place: str, body: Mapping[str, Any] | None = None
    ) -> bytes:
        if form is PathForm.PLAIN and not self._server.is_opened_by(self._credential):
            await self._check_account()
        try:
            answer = await self._send(method, self._server.url(form, place), self._credential, body)
        except Failure as failure:
            if failure.reason is Reason.RATE_LIMITED:
                self._pacer.pause(failure.retry_after or _PAUSE)
            raise
        with suppress(KeyError, ValueError):
            self._pacer.note_remaining(int(answer.headers["X-Ratelimit-Remaining"]))
        return _content(answer)

    async def _check_account(self) -> None:
        """Make sure that the credential stands for this account alone, where no path can name it."""
        try:
            opened = await self.accounts_of(self._credential)
        except Missing as failure:
            raise Misrouted(Reason.REMOTE_UNAVAILABLE, failure.message) from None
        account_id = self._server.account_id
        if opened == {account_id}:
            self._server.note_opened_by(self._credential)
            return
        if account_id in opened:
            cause = f"The credential opens {len(opened)} accounts, and no path of this server can name account {account_id}."
            advice = f"Use a credential of account {account_id} alone."
        else:
            cause = f"The credential does not open account {account_id}."
            advice = "Correct accountId of the account, or its credential."
        raise Terminal(Reason.ACCOUNT_MISMATCH, f"{cause} {advice}", said=cause)

    async def _send(
        self, method: str, url: str, credential: SecretStr, body: Mapping[str, Any] | None
    ) -> Answer:
        headers = {"Api-Token": credential.get_secret_value(), "Accept-Encoding": "identity"}
        sent_at = self._server.clock.now()
        # The value that is tested is known here, and nowhere later.
        redaction = Redaction(self._credential.get_secret_value(), credential.get_secret_value())
        request: httpx.Request | None = None
        try:
            async with self._pacer.while_waiting(), asyncio.timeout(self._timeout):
                request = self._http.build_request(method, url, headers=headers, json=body)
                if method != "GET":
                    self._before_mutation()
                async with aclosing(await self._http.send(request, stream=True)) as response:
                    answer = await read(response)
        except httpx.ProxyError as error:
            said = quoted(str(error), redaction)
            message = (
                f'Mailtrap could not be reached: {proxy_of(request)} answered "{said}"; it is tried again.'
            )
            raise Retryable(Reason.REMOTE_UNAVAILABLE, message) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            said = f"could not be reached{_through(request)} ({type(error).__name__})"
            raise Retryable(Reason.REMOTE_UNAVAILABLE, f"Mailtrap {said}; it is tried again.") from None
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"gave no complete answer{_through(request)} ({type(error).__name__})"
            raise Uncertain(Reason.REMOTE_UNAVAILABLE, f"Mailtrap {said}; it is looked at again.") from None
        is_of_api = self._server.has_given(answer)
        # What was issued is proven by its value; a deletion may be answered without a body, and then without a version.
        if answer.status in SUCCESS and (is_of_api or method != "GET"):
            if is_of_api:
                self._server.clock.note(answer.headers, sent_at)
            return answer
        failure = failure_of(answer, redaction, is_of_api=is_of_api)
        if isinstance(failure, Terminal):
            # A refusal in the API's own words; a proxy has another clock.
            self._server.clock.note(answer.headers, sent_at)
        raise failure


def _through(request: httpx.Request | None) -> str:
    name = proxy_of(request)
    return f" through {name}" if name else ""


def unusable(what: str) -> Failure:
    """Return the failure of a read whose answer has another form than `what`."""
    return Retryable(
        Reason.REMOTE_ANSWER_UNUSABLE, f"Mailtrap's answer could not be read as {what}; it is asked again."
    )


def _content(answer: Answer) -> bytes:
    if answer.content is None:
        message = "Mailtrap's answer is compressed or too long to be one of the API; it is looked at again."
        raise Uncertain(Reason.REMOTE_ANSWER_UNUSABLE, message)
    return answer.content
