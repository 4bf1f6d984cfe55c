"""The remote API as an operator's HTTP client sees it through the network: an httpx transport over the simulator's core."""

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus

import httpx

from mailtrap_simulator.messages import VERSION, Request, Response
from mailtrap_simulator.server import Server
from mailtrap_simulator.settings import Paths
from tests.simulation.network import Life, Network
from tests.simulation.outcomes import Kind, Outcome, Seen
from tests.simulation.virtual_time import server_time

_OF_AN_ACCOUNT = "/api/accounts/"
_PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_ERRORS: dict[int, object] = {
    401: {"error": "Incorrect API token"},
    403: {"errors": "Access forbidden"},
    404: {"error": "Not Found"},
    422: {"errors": {"base": ["refused"]}},
}


class RemoteTransport(httpx.AsyncBaseTransport):
    """Hands an operator's calls to the server."""

    def __init__(self, server: Server, network: Network, life: Life) -> None:
        self._server = server
        self._network = network
        self._life = life

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry one call over the network."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        call = Request(request.method, request.url.path, headers, await request.aread())
        kind = Kind.REMOTE_READ if request.method == "GET" else Kind.REMOTE_MUTATION
        what = f"{request.method} {_operation(request)}"
        outcome, answer = await self._network.carry(
            self._life, kind, what, lambda: self._server.handle(call, server_time())
        )
        return await self._seen(outcome, answer, call)

    async def _seen(  # noqa: C901, PLR0911 - one return for each thing that can be seen
        self, outcome: Outcome, answer: Response | None, call: Request
    ) -> httpx.Response:
        match outcome.seen:
            case Seen.ANSWER if answer is not None:
                return _as_httpx(answer)
            case Seen.STATUS:
                extra = {"Retry-After": str(outcome.retry_after)} if outcome.retry_after else {}
                body = _ERRORS.get(outcome.status, {"error": "failed"})
                return httpx.Response(outcome.status, headers={**VERSION, **extra}, json=body)
            case Seen.HTML:
                return httpx.Response(outcome.status, headers={"Content-Type": "text/html"}, content=_PAGE)
            case Seen.GARBAGE:
                return httpx.Response(200, content=b'{"id": 1, "na')
            case Seen.NO_VALUE if answer is not None:
                body = json.loads(answer.body) if answer.body else {}
                return httpx.Response(
                    answer.status, headers=VERSION, json={k: v for k, v in body.items() if k != "token"}
                )
            case Seen.REDIRECT:
                return httpx.Response(302, headers={"Location": "/elsewhere"})
            case Seen.MOVED:
                return self._moved(call)
            case Seen.SHORT:
                return _without_ours(self._server.handle(call, server_time()))
            case Seen.REFUSED:
                raise httpx.ConnectError("connection refused")
            case Seen.RESET:
                raise httpx.ReadError("connection reset by peer")
        await asyncio.get_running_loop().create_future()
        raise AssertionError("silence does not end")

    def _moved(self, call: Request) -> httpx.Response:
        """Serve the other form of paths than that of a call from now on."""
        paths: Paths = "plain" if call.path.startswith(_OF_AN_ACCOUNT) else "account"
        self._server.settings = replace(self._server.settings, paths=paths)
        return _as_httpx(self._server.handle(call, server_time()))


def _operation(request: httpx.Request) -> str:
    """Return what a call does, in the same words for both forms of paths."""
    path = request.url.path
    parts = path.removeprefix(_OF_AN_ACCOUNT if path.startswith(_OF_AN_ACCOUNT) else "/api/").split("/")
    words = ["{id}" if part.isdecimal() else part for part in parts if part]
    if path.startswith(_OF_AN_ACCOUNT) or words == ["accounts"]:
        return "/".join(words)
    return "/".join(["{id}", *words])


def _as_httpx(answer: Response) -> httpx.Response:
    headers = {**answer.headers, "Content-Type": answer.content_type}
    return httpx.Response(answer.status, headers=headers, content=answer.body)


def _without_ours(answer: Response) -> httpx.Response:
    """Return what a credential gets that may not see our tokens: a short list, and none of them by its id.

    The API itself says so, and signs it.
    """
    body = json.loads(answer.body)
    status, shown = answer.status, body
    if isinstance(body, list) and answer.status == HTTPStatus.OK:
        shown = [token for token in body if "[k8s:" not in token["name"]]
    if isinstance(body, dict) and "[k8s:" in body.get("name", ""):
        status, shown = HTTPStatus.NOT_FOUND, _ERRORS[404]
    return httpx.Response(status, headers=answer.headers, json=shown)
