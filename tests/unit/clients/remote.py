"""The remote API without sockets: an httpx transport that hands each call to the simulator's core.

Deliveries end as httpx would see them: an answer, a broken body, a lost connection, or silence. With a virtual clock
the server's time is the loop's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import httpx

from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_simulator.clock import Clock
from mailtrap_simulator.control import control
from mailtrap_simulator.messages import Request, Response
from mailtrap_simulator.settings import Settings
from mailtrap_simulator.simulator import Simulator

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = 3229
CREDENTIAL = "1f" * 14 + "cafe"
DOMAIN = {"resource_type": "domain", "resource_id": 7, "access_level": 100}


def server_time() -> datetime:
    """Return the loop's time as a date."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())


def known_server(url: str = "https://mailtrap.test", account_id: int = ACCOUNT) -> KnownServer:
    """Return what is known of a server before its first answer, for an operator whose clock is the loop's."""
    return KnownServer(url, account_id, server_time)


class Remote(httpx.AsyncBaseTransport):
    """One simulated provider with one account.

    `requests` holds every call that came in, and `on_request` hears of it; an error put into `unreachable` meets the calls
    before the server does.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        rng = Random(7)
        self.simulator = Simulator(Clock(server_time), rng, settings or Settings())
        self.requests: list[Request] = []
        self.on_request: Callable[[Request], object] = lambda _: None
        self.unreachable: Exception | None = None

    @classmethod
    def with_account(cls, settings: Settings | None = None) -> "Remote":
        """Return a provider that knows the account and its credential; needs a running loop."""
        remote = cls(settings)
        remote.control("POST", "accounts", {"id": ACCOUNT, "credential": CREDENTIAL})
        return remote

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the simulator's control API."""
        status, value = control(self.simulator, method, f"/_simulator/{path}", {"since": "0"}, body)
        assert 200 == status, value
        return value

    def fault(self, operation: str, kind: str, *, times: int = 1, **settings: Any) -> None:
        """Script a fault for the next calls of an operation."""
        effect = {"kind": kind, **settings}
        self.control("POST", "faults", {"match": {"operation": operation}, "effect": effect, "times": times})

    def seed(self, name: str = "mailer", **fields: Any) -> int:
        """Create a token as someone else would, and return its id."""
        token = self.control("POST", "tokens", {"name": name, "resources": [DOMAIN], **fields})
        return int(token["id"])

    def live_ids(self) -> set[int]:
        """Return the tokens that authenticate, credentials left out."""
        tokens = self.control("GET", "state")["accounts"][0]["tokens"]
        return {token["id"] for token in tokens if token["live"] and not token["credential"]}

    def client(self) -> httpx.AsyncClient:
        """Return an HTTP client whose only server this is."""
        return httpx.AsyncClient(transport=self, timeout=None)  # noqa: S113 - what is tested bounds its calls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the simulator says."""
        if self.unreachable is not None:
            raise self.unreachable
        headers = {name.lower(): text for name, text in request.headers.items()}
        call = Request(request.method, request.url.path, headers, await request.aread())
        self.requests.append(call)
        self.on_request(call)
        delivery = self.simulator.receive(call)
        await asyncio.sleep(delivery.delay.total_seconds())
        match delivery.ending, delivery.response:
            case "answer", Response() as response:
                return self._as_httpx(response, httpx.ByteStream(response.body))
            case "truncate", Response() as response:
                return self._as_httpx(response, _Truncated(response.body))
            case "reset", _:
                raise httpx.ReadError("connection reset by peer")
            case "hang", _:
                await asyncio.sleep(3600)
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")

    def _as_httpx(self, response: Response, stream: httpx.AsyncByteStream) -> httpx.Response:
        date = format_datetime(self.simulator.clock.now(), usegmt=True)
        headers = {"Date": date, "Content-Type": response.content_type, **response.headers}
        return httpx.Response(response.status, headers=headers, stream=stream)


class _Truncated(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
