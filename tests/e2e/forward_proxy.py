"""A forward proxy on loopback, as companies have one before the internet: it answers CONNECT, and nothing else.

It knows the names of servers better than any resolver: `routes` says where each leads to.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from anyio.from_thread import start_blocking_portal

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

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
        first, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.asked.append(first)
        method, target, _ = first.split(" ")
        if method != "CONNECT":
            writer.write(_NO_TUNNEL)
        elif not _is_welcome(headers):
            writer.write(_REFUSED)
        else:
            await _tunnel(
                self.routes[target], reader, writer, self.passed, b"HTTP/1.1 200 Established\r\n\r\n"
            )


async def _tunnel(
    port: int,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    passed: bytearray,
    greeting: bytes = b"",
) -> None:
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(greeting)
    ways = [
        asyncio.create_task(_pump(reader, server_writer, passed)),
        asyncio.create_task(_pump(server_reader, writer, bytearray())),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        server_writer.close()
        with suppress(OSError):
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
async def _listening(handle: Handle, host: str) -> AsyncIterator[int]:
    """Listen at a free port; in the end all connections are closed."""
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    listener = await asyncio.start_server(serve, host, 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def forward_proxy(routes: Mapping[str, int]) -> AsyncIterator[ForwardProxy]:
    """Serve as long as the block lasts."""
    proxy = ForwardProxy(routes)
    async with _listening(proxy.serve, "127.0.0.1") as proxy.port:
        yield proxy


@asynccontextmanager
async def relayed(host: str, port: int) -> AsyncIterator[int]:
    """Listen at a free port of a host, and pass everything on to a port of 127.0.0.1; yield the free one."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _tunnel(port, reader, writer, bytearray())

    async with _listening(handle, host) as free:
        yield free


@contextmanager
def forwarding(routes: Mapping[str, int]) -> Iterator[ForwardProxy]:
    """Serve on a thread of its own as long as the block lasts."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(forward_proxy(routes)) as proxy:
        yield proxy
