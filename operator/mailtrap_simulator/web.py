"""The HTTP layer: turns bytes into requests for the simulator and acts out the deliveries it returns."""

import asyncio
import json
import socket
import ssl
import struct
from datetime import datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from .control import PREFIX, control
from .effects import Delivery
from .messages import Request, Response
from .payload import Payload, PayloadError
from .simulator import Simulator

_LONGEST_HANG = timedelta(minutes=10)
_LONGEST_OUTAGE = timedelta(minutes=10)
_MISSING_BYTES = 100
_SHUTDOWN_SECONDS = 1.0
_LINGER_ZERO = struct.pack("ii", 1, 0)  # closing then sends RST


class Frontend:
    """One listening address in front of one simulator."""

    def __init__(self, simulator: Simulator, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._simulator = simulator
        self._host = host
        self._port = port
        self._tls = tls
        app = web.Application()
        app.router.add_route("POST", PREFIX + "outage", self._begin_outage)
        app.router.add_route("*", PREFIX + "{rest:.*}", self._control)
        app.router.add_route("*", "/{rest:.*}", self._api)
        # Cancelling a handler whose client has gone is how calls without an answer end.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
        )
        self._outage: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            OSError: the address cannot be had.
        """
        await self._runner.setup()
        await self._listen()
        return self._port

    async def stop(self) -> None:
        """Close the address and every connection."""
        if self._outage is not None:
            self._outage.cancel()
        await self._runner.cleanup()

    async def _listen(self) -> None:
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        delivery = self._simulator.receive(Request(request.method, request.path, headers, body))
        if delivery.delay:
            await asyncio.sleep(delivery.delay.total_seconds())
        if delivery.ending == "answer" and delivery.response is not None:
            return _as_http(delivery.response, self._simulator.clock.now())
        return await _end_without_answer(request, delivery)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            return web.json_response({"error": "the body must be JSON"}, status=422)
        status, answer = control(self._simulator, request.method, request.path, request.query, body)
        return web.json_response(answer, status=status)

    async def _begin_outage(self, request: web.Request) -> web.StreamResponse:
        try:
            payload = Payload(json.loads(await request.read() or b"null"), "outage")
            duration = payload.seconds("seconds")
            payload.finish()
            if duration is None or not timedelta() < duration <= _LONGEST_OUTAGE:
                raise payload.wrong("seconds", "above zero and at most 600")
        except ValueError as error:
            text = str(error) if isinstance(error, PayloadError) else "the body must be JSON"
            return web.json_response({"error": text}, status=422)
        response = web.json_response({})
        await response.prepare(request)
        await response.write_eof()
        self._outage = asyncio.create_task(self._be_out(duration))
        return response

    async def _be_out(self, duration: timedelta) -> None:
        for site in list(self._runner.sites):
            await site.stop()
        server = self._runner.server
        for connection in [] if server is None else server.connections:
            connection.force_close()
        await asyncio.sleep(duration.total_seconds())
        await self._listen()


def _as_http(response: Response, now: datetime) -> web.Response:
    headers = {"Date": format_datetime(now, usegmt=True), **response.headers}
    if response.status != 204:  # noqa: PLR2004 - no body, hence no type
        headers["Content-Type"] = response.content_type
    return web.Response(status=response.status, body=response.body or None, headers=headers)


async def _end_without_answer(request: web.Request, delivery: Delivery) -> web.StreamResponse:
    transport = request.transport
    if transport is not None and delivery.ending != "hang":
        if delivery.ending == "truncate" and delivery.response is not None:
            transport.write(_cut_short(delivery.response))
        if delivery.ending == "reset":
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            transport.abort()
        else:
            transport.close()
    await asyncio.sleep(_LONGEST_HANG.total_seconds())  # cancelled as soon as the connection has gone
    return web.Response(status=504)


def _cut_short(response: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} Injected",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body) + _MISSING_BYTES}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + response.body
