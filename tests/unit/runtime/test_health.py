import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from mailtrap_operator.runtime.connections import LONGEST, MOST_CONNECTIONS
from mailtrap_operator.runtime.health import HealthServer, Listen, on_all_addresses, on_loopback


@asynccontextmanager
async def served(
    *,
    is_live: Callable[[], str | None] = lambda: None,
    is_ready: Callable[[], str | None] = lambda: None,
    metrics: Callable[[], bytes] = lambda: b"",
    longest: timedelta = LONGEST,
    listen: Listen = on_loopback,
) -> AsyncIterator[str]:
    server = HealthServer(
        listen=listen,
        port=0,
        is_live=is_live,
        is_ready=is_ready,
        role=lambda: "leading",
        metrics=metrics,
        longest=longest,
    )
    await server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await server.stop()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return what was received until the other side closed the connection, in whichever way."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def page(url: str, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url + path) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(("path", "words"), [("/livez", "ok"), ("/readyz", "ok; leading")])
async def test_a_check_that_finds_nothing_says_ok_and_what_the_replica_does(path: str, words: str) -> None:
    async with served() as url:
        assert (200, words) == await page(url, path)


async def test_each_check_says_what_is_wrong_by_itself() -> None:
    async with served(is_live=lambda: "the watch is dead", is_ready=lambda: "nothing was listed") as url:
        assert (503, "the watch is dead") == await page(url, "/livez")
        assert (503, "nothing was listed") == await page(url, "/readyz")
    async with served(is_ready=lambda: "nothing was listed") as url:
        assert (200, "ok") == await page(url, "/livez")


async def test_a_check_is_made_at_each_question() -> None:
    wrong: list[str | None] = ["not yet"]
    async with served(is_ready=lambda: wrong[0]) as url:
        assert (503, "not yet") == await page(url, "/readyz")
        wrong[0] = None
        assert (200, "ok; leading") == await page(url, "/readyz")


async def test_metrics_are_plain_text() -> None:
    async with (
        served(metrics=lambda: b"up 1\n") as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as response,
    ):
        assert (200, "text/plain", "up 1\n") == (
            response.status,
            response.content_type,
            await response.text(),
        )


async def test_there_are_no_other_pages() -> None:
    async with served() as url:
        assert 404 == (await page(url, "/"))[0]


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/unknown"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_connection_is_closed_after_its_answer(path: str, version: str) -> None:
    async with served() as url, connected(url) as (reader, writer):
        request = f"GET {path} HTTP/{version}\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".encode()
        writer.write(request * 2)

        received = await asyncio.wait_for(reader.read(), 120)

    assert 1 == received.count(b"HTTP/1.")
    assert b"\r\nConnection: close\r\n" in received


UNFINISHED = b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-Fill: " + b"a" * 7 * 1024


@pytest.mark.parametrize(
    "sent", [b"", UNFINISHED, UNFINISHED + b"a" * 8 * 1024], ids=["nothing", "a part", "too much"]
)
async def test_a_probe_is_answered_however_many_connections_others_hold(sent: bytes) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served())
        held = [await stack.enter_async_context(connected(url)) for _ in range(200)]
        for _, writer in held:
            writer.write(sent)

        assert (200, "ok") == await page(url, "/livez")
        # The others were dropped for those that came after them.
        for reader, _ in held[: 201 - MOST_CONNECTIONS]:
            assert b"" == await asyncio.wait_for(ended(reader), 120)


async def test_a_connection_that_sends_nothing_ends() -> None:
    async with served(longest=timedelta(seconds=0.01)) as url, connected(url) as (reader, _):
        assert b"" == await asyncio.wait_for(ended(reader), 120)


async def test_port_is_closed_after_the_end() -> None:
    async with served() as url:
        pass

    with pytest.raises(aiohttp.ClientConnectorError):
        await page(url, "/livez")


async def test_a_port_that_is_taken_is_an_error_at_the_start() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = HealthServer(
            listen=on_loopback,
            port=port,
            is_live=lambda: None,
            is_ready=lambda: None,
            role=lambda: "",
            metrics=lambda: b"",
        )
        with pytest.raises(OSError, match=str(port)):
            await server.start()
        await server.stop()


async def test_a_client_that_stays_does_not_hold_up_the_end() -> None:
    async with served() as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_in_a_pod_the_kubelet_may_ask_by_either_family(host: str) -> None:
    async with served(listen=on_all_addresses) as url:
        assert (200, "ok") == await page(url.replace("127.0.0.1", host), "/livez")


def without_ipv6(address: tuple[str, int], **options: object) -> socket.socket:
    """Do what `socket.create_server` does in a kernel that knows IPv4 alone."""
    if options.get("family") == socket.AF_INET6:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
    return socket.create_server(address)


async def test_where_there_is_no_ipv6_it_listens_by_ipv4() -> None:
    async with served(listen=lambda port: on_all_addresses(port, without_ipv6)) as url:
        assert (200, "ok") == await page(url, "/livez")


@pytest.mark.parametrize("listen", [on_all_addresses, on_loopback])
def test_a_port_that_is_taken_is_told(listen: Listen) -> None:
    with listen(0) as taken, pytest.raises(OSError, match="Address already in use"):
        listen(taken.getsockname()[1])
