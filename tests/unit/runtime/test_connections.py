"""What a connection may take, on a virtual clock and without sockets."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailtrap_operator.runtime.connections import MOST_BYTES, MOST_CONNECTIONS, BoundedConnections
from tests.unit.clock import now, virtual


class Inner(asyncio.Protocol):
    """Records what is handed on to it."""

    def __init__(self) -> None:
        self.received = 0
        self.calls: list[str] = []

    def connection_made(self, _transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += len(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return True

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, _exc: Exception | None) -> None:
        self.calls.append("lost")


class Transport(asyncio.Transport):
    """Records its end, and tells the protocol soon after, as a real one does."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.ended_at: float | None = None

    def abort(self) -> None:
        self.ended_at = now()
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class Harness:
    def __init__(self) -> None:
        self.inner: list[Inner] = []
        self._factory = BoundedConnections(self._new_inner, timedelta(seconds=10))

    def _new_inner(self) -> Inner:
        self.inner.append(Inner())
        return self.inner[-1]

    def connect(self) -> Transport:
        protocol = self._factory()
        transport = Transport(protocol)
        protocol.connection_made(transport)
        return transport


@virtual
async def test_a_connection_ends_in_time_whatever_it_does() -> None:
    harness = Harness()
    idle, busy = harness.connect(), harness.connect()

    for _ in range(30):
        await asyncio.sleep(1)
        if busy.ended_at is None:
            busy.protocol.data_received(b"a")

    assert (10, 10) == (idle.ended_at, busy.ended_at)


@virtual
async def test_a_connection_that_is_over_is_not_ended_again_and_makes_room() -> None:
    harness = Harness()
    first = harness.connect()
    first.protocol.connection_lost(None)
    others = [harness.connect() for _ in range(MOST_CONNECTIONS)]

    assert [None] * MOST_CONNECTIONS == [transport.ended_at for transport in others]
    await asyncio.sleep(11)
    assert None is first.ended_at


@pytest.mark.parametrize("size", [1, 1000, MOST_BYTES, MOST_BYTES + 1, 2**20])
@virtual
async def test_no_more_than_the_bound_is_handed_on(size: int) -> None:
    harness = Harness()
    transport = harness.connect()

    for _ in range(MOST_BYTES // size):
        transport.protocol.data_received(b"a" * size)
    before = transport.ended_at
    transport.protocol.data_received(b"a" * size)

    assert (None, 0) == (before, transport.ended_at)
    assert MOST_BYTES // size * size == harness.inner[0].received


@virtual
async def test_a_request_within_the_bound_stays_whole() -> None:
    harness = Harness()
    transport = harness.connect()

    transport.protocol.data_received(b"a" * MOST_BYTES)

    assert (None, MOST_BYTES) == (transport.ended_at, harness.inner[0].received)


@virtual
async def test_the_oldest_makes_room_and_all_hold_no_more_than_the_bounds() -> None:
    harness = Harness()
    transports = []
    for _ in range(200):
        transports.append(harness.connect())
        transports[-1].protocol.data_received(b"a" * MOST_BYTES)
        await asyncio.sleep(0)

    is_open = [transport.ended_at is None for transport in transports]
    assert [False] * (200 - MOST_CONNECTIONS) + [True] * MOST_CONNECTIONS == is_open
    living = [inner for inner in harness.inner if "lost" not in inner.calls]
    assert MOST_CONNECTIONS * MOST_BYTES == sum(inner.received for inner in living)


@pytest.mark.parametrize(
    ("event", "call"),
    [
        (lambda protocol: protocol.eof_received(), "eof"),
        (lambda protocol: protocol.pause_writing(), "pause"),
        (lambda protocol: protocol.resume_writing(), "resume"),
        (lambda protocol: protocol.connection_lost(None), "lost"),
    ],
    ids=["eof", "pause", "resume", "lost"],
)
@virtual
async def test_what_happens_to_the_connection_is_handed_on(
    event: Callable[[asyncio.Protocol], object], call: str
) -> None:
    harness = Harness()
    transport = harness.connect()

    event(transport.protocol)

    assert ["made", call] == harness.inner[0].calls
