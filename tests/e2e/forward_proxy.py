"""A forward proxy on loopback, as companies have one before the internet: it answers CONNECT, and nothing else.

It knows the names of servers better than any resolver: `routes` says where each leads to.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from anyio.from_thread import start_blocking_portal

USER, PASSWORD = "robot", "proxy-pass-word"
_REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
_NO_TUNNEL = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class ForwardProxy:
    """`asked` are the first lines of all requests; `passed` is what went to servers, as the proxy could read it."""

    routes: Mapping[str, int]
    port: int = 0
    asked: list[str] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens, with what it asks for."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        """Where it listens, without a password."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection; one that leads nowhere is closed without a word."""
        if task := asyncio.current_task():
            self._tasks.add(task)
        with suppress(OSError):
            await self._answer(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def end(self) -> None:
        """Wait until all connections are closed."""
        await asyncio.gather(*self._tasks)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.asked.append(first)
        method, target, _ = first.split(" ")
        if method != "CONNECT":
            writer.write(_NO_TUNNEL)
        elif not _is_welcome(headers):
            writer.write(_REFUSED)
        else:
            await self._tunnel(target, reader, writer)

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.routes[target])
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        ways = [
            asyncio.create_task(_pump(reader, server_writer, self.passed)),
            asyncio.create_task(_pump(server_reader, writer, bytearray())),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        server_writer.close()
        await server_writer.wait_closed()


def _is_welcome(headers: list[str]) -> bool:
    told = dict(line.split(": ", 1) for line in headers if line)
    proof = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return told.get("Proxy-Authorization") == f"Basic {proof}"


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, copy: bytearray) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            copy += data
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def forward_proxy(routes: Mapping[str, int]) -> AsyncIterator[ForwardProxy]:
    """Serve as long as the block lasts."""
    proxy = ForwardProxy(routes)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.end()


@contextmanager
def forwarding(routes: Mapping[str, int]) -> Iterator[ForwardProxy]:
    """Serve on a thread of its own as long as the block lasts."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(forward_proxy(routes)) as proxy:
        yield proxy
