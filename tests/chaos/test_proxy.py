import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.proxy import Proxy
from tests.e2e.patience import PATIENCE

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

MOMENT = 0.1
"""Seconds in which what is not held back arrives."""


class Server:
    """Answers each line with the same line, and remembers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def hears(self, line: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            while line not in self.heard:  # noqa: ASYNC110 - nothing tells the test
                await asyncio.sleep(0)


@asynccontextmanager
async def proxied(server: Server) -> AsyncIterator[tuple[Proxy, Connection]]:
    behind = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", behind.sockets[0].getsockname()[1])
    async with behind, proxy.open() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"first\n")
        assert b"first\n" == await reader.readline()
        try:
            yield proxy, (reader, writer)
        finally:
            writer.close()


async def test_a_reset_ends_the_connection_without_an_answer() -> None:
    async with asyncio.timeout(PATIENCE), proxied(Server()) as (proxy, (reader, _)):
        await proxy.reset()

        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_a_stalled_answer_belongs_to_a_request_that_was_heard() -> None:
    server = Server()
    async with asyncio.timeout(PATIENCE), proxied(server) as (proxy, (reader, writer)):
        stall = asyncio.create_task(proxy.stall("answers", 3600))
        await asyncio.sleep(0)
        writer.write(b"second\n")

        await server.hears(b"second\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), MOMENT)
        stall.cancel()
        assert b"second\n" == await reader.readline()


async def test_a_stalled_request_is_delivered_though_its_client_is_gone() -> None:
    server = Server()
    async with asyncio.timeout(PATIENCE), proxied(server) as (proxy, (_, writer)):
        stall = asyncio.create_task(proxy.stall("requests", 3600))
        await asyncio.sleep(0)
        writer.write(b"second\n")
        writer.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.hears(b"second\n"), MOMENT)

        stall.cancel()
        await server.hears(b"second\n")


async def test_a_cut_answer_ends_in_its_middle() -> None:
    server = Server()
    async with asyncio.timeout(PATIENCE), proxied(server) as (proxy, (reader, writer)):
        await proxy.cut(1)
        writer.write(b"second\n")

        assert b"sec" == await reader.read()
        assert b"second\n" in server.heard


async def test_a_server_that_is_away_looks_so() -> None:
    proxy = Proxy("127.0.0.1", 1)
    async with asyncio.timeout(PATIENCE), proxy.open() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        assert b"" == await reader.read()
        writer.close()
