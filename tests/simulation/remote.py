"""The remote API as an operator's HTTP client sees it through the network: an httpx transport over the simulator's core."""

import asyncio
import json
from http import HTTPStatus

import httpx

from mailtrap_simulator.messages import Request, Response
from mailtrap_simulator.server import Server
from tests.simulation.network import Life, Network
from tests.simulation.outcomes import Kind, Outcome, Seen
from tests.simulation.time import server_time

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

    async def _seen(  # noqa: PLR0911 - one return for each thing that can be seen
        self, outcome: Outcome, answer: Response | None, call: Request
    ) -> httpx.Response:
        match outcome.seen:
            case Seen.ANSWER if answer is not None:
                return httpx.Response(
                    answer.status,
                    headers={**answer.headers, "Content-Type": answer.content_type},
                    content=answer.body,
                )
            case Seen.STATUS:
                headers = {"Retry-After": str(outcome.retry_after)} if outcome.retry_after else {}
                body = _ERRORS.get(outcome.status, {"error": "failed"})
                return httpx.Response(outcome.status, headers=headers, json=body)
            case Seen.HTML:
                return httpx.Response(outcome.status, headers={"Content-Type": "text/html"}, content=_PAGE)
            case Seen.GARBAGE:
                return httpx.Response(200, content=b'{"id": 1, "na')
            case Seen.NO_VALUE if answer is not None:
                body = json.loads(answer.body) if answer.body else {}
                return httpx.Response(answer.status, json={k: v for k, v in body.items() if k != "token"})
            case Seen.REDIRECT:
                return httpx.Response(302, headers={"Location": "/elsewhere"})
            case Seen.SHORT:
                return _without_ours(self._server.handle(call, server_time()))
            case Seen.REFUSED:
                raise httpx.ConnectError("connection refused")
            case Seen.RESET:
                raise httpx.ReadError("connection reset by peer")
        await asyncio.get_running_loop().create_future()
        raise AssertionError("silence does not end")


def _operation(request: httpx.Request) -> str:
    parts = request.url.path.removeprefix("/api/accounts").strip("/").split("/")
    return "/".join("{id}" if part.isdecimal() else part for part in parts if part) or "accounts"


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
