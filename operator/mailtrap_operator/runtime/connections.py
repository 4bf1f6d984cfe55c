"""What one connection to a server of ours may take, and how many there are: anyone in the cluster can open them.

It stands between a transport and the protocol that understands what is sent, and understands nothing of it.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import cast

MOST_BYTES = 8 * 1024
"""So much may be received on one connection; the request of a kubelet or of Prometheus is far smaller."""
MOST_CONNECTIONS = 64
LONGEST = timedelta(seconds=10)


class BoundedConnections:
    """Makes protocols that hand on to those of `new_protocol` what is within the bounds.

    A connection ends when it has sent too much, or when `longest` has passed, whatever it does. When there are as many
    as there may be, the oldest makes room for the next: who holds connections open keeps no one else out.
    """

    def __init__(self, new_protocol: Callable[[], asyncio.Protocol], longest: timedelta) -> None:
        self._new_protocol = new_protocol
        self._longest = longest
        self._open: dict[_Connection, None] = {}

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of one connection."""
        return _Connection(self._new_protocol(), self)

    def enter(self, connection: "_Connection") -> asyncio.TimerHandle:
        """Make room for a connection, and return the timer that ends it."""
        if len(self._open) >= MOST_CONNECTIONS:
            next(iter(self._open)).end()
        self._open[connection] = None
        return asyncio.get_running_loop().call_later(self._longest.total_seconds(), connection.end)

    def leave(self, connection: "_Connection") -> None:
        """Record that a connection is over."""
        self._open.pop(connection, None)


class _Connection(asyncio.Protocol):
    def __init__(self, inner: asyncio.Protocol, bounds: BoundedConnections) -> None:
        self._inner = inner
        self._bounds = bounds
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._bounds.enter(self)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MOST_BYTES:
            self.end()
        else:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._bounds.leave(self)
        self._inner.connection_lost(exc)

    def end(self) -> None:
        """Close the connection at once, without what was not sent yet."""
        self._bounds.leave(self)
        self._transport.abort()
