"""Answers the kubelet and Prometheus: `/livez`, `/readyz`, `/metrics`; one request for each connection.

Every pod of the cluster may ask, so what a connection costs is bounded.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import hdrs, web

from mailtrap_operator.runtime.connections import LONGEST, BoundedConnections

Listen = Callable[[int], socket.socket]
"""Takes a port, or 0 for a free one, and returns a socket that listens there."""

_Answer = Awaitable[web.StreamResponse]


def on_all_addresses(port: int, create: Callable[..., socket.socket] = socket.create_server) -> socket.socket:
    """Listen at all addresses of this machine, of both families where it has both."""
    try:
        return create(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise
    # A kernel without IPv6.
    return create(("0.0.0.0", port))  # noqa: S104 - in a pod the kubelet comes from outside


def on_loopback(port: int) -> socket.socket:
    """Listen for this machine alone."""
    return socket.create_server(("127.0.0.1", port))


class HealthServer:
    """Serves three pages; a check returns what is wrong, or None. `role` says what this replica does.

    No connection lasts longer than `longest`.
    """

    def __init__(
        self,
        *,
        listen: Listen,
        port: int,
        is_live: Callable[[], str | None],
        is_ready: Callable[[], str | None],
        role: Callable[[], str],
        metrics: Callable[[], bytes],
        longest: timedelta = LONGEST,
    ) -> None:
        self._listen = listen
        self._port = port
        self._longest = longest
        self._listener: asyncio.Server | None = None
        app = web.Application()
        app.router.add_get("/livez", _check(is_live, lambda: "ok"))
        app.router.add_get("/readyz", _check(is_ready, lambda: f"ok; {role()}"))
        app.router.add_get("/metrics", _metrics(metrics))
        app.on_response_prepare.append(_close_after)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start(self) -> None:
        """Begin to listen."""
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner was set up and has no server")
        factory = BoundedConnections(server, self._longest)
        self._listener = await asyncio.get_running_loop().create_server(
            factory, sock=self._listen(self._port)
        )

    @property
    def port(self) -> int:
        """Where it listens; the free port that was found where 0 was asked for."""
        if self._listener is None:
            return self._port
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._listener:
            self._listener.close()
        await self._runner.cleanup()


async def _close_after(_request: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    response.headers[hdrs.CONNECTION] = "close"


def _check(check: Callable[[], str | None], well: Callable[[], str]) -> Callable[[web.Request], _Answer]:
    async def answer(_request: web.Request) -> web.Response:
        wrong = check()
        return web.Response(text=wrong or well(), status=503 if wrong else 200)

    return answer


def _metrics(metrics: Callable[[], bytes]) -> Callable[[web.Request], _Answer]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), content_type="text/plain")

    return answer
