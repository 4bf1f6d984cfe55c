"""A TCP proxy on loopback: passes bytes as they are, TLS too, and disturbs them when it is told to.

What a client has sent is delivered even when the client is gone by then: so does a network. All of it runs on
one event loop.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Way = Literal["requests", "answers"]

_AT_ONCE = struct.pack("ii", 1, 0)
"""Closing with this SO_LINGER resets the connection."""


class Proxy:
    """Stands before one server; `host` and `port` are the server's."""

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows: dict[Way, asyncio.Event] = {"requests": asyncio.Event(), "answers": asyncio.Event()}
        self._cuts, self._cuts_until = 0, 0.0
        for flow in self._flows.values():
            flow.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Serve; yield the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await self.reset()

    async def reset(self) -> None:
        """Reset all connections, on both sides."""
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            writer.transport.abort()

    async def stall(self, way: Way, seconds: float) -> None:
        """Hold back everything that goes one way."""
        self._flows[way].clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._flows[way].set()

    async def cut(self, times: int) -> None:
        """Pass only half of the next pieces that the server answers within a second, and close their connections."""
        # Without an end, anyone who calls once in a while would be cut off for good.
        self._cuts, self._cuts_until = times, asyncio.get_running_loop().time() + 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(*self._server)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, to_server}
        pumps = {
            asyncio.create_task(self._pump(reader, to_server, "requests")),
            asyncio.create_task(self._pump(from_server, writer, "answers")),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._writers -= {writer, to_server}
            writer.close()
            to_server.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: Way) -> None:
        with suppress(OSError):
            while piece := await source.read(2**16):
                await self._flows[way].wait()
                is_open = asyncio.get_running_loop().time() > self._cuts_until
                is_cut = way == "answers" and self._cuts > 0 and not is_open
                if is_cut:
                    self._cuts -= 1
                target.write(piece[: len(piece) // 2] if is_cut else piece)
                await target.drain()
                if is_cut:
                    return
