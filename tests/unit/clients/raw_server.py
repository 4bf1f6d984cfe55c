"""A server on loopback that sends exactly the bytes it is told to: what no well-behaved server would."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

HANG = b"hang"
"""At the end of an answer, or in its place: silence until the client gives up."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class RawServer:
    """Answers each request with the next of `answers`, and every further one with the last."""

    port: int
    answers: list[bytes]
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection: one request, one answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.received.append(Received(method, target, headers, json.loads(body or b"null")))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(answer.removesuffix(HANG))
            await writer.drain()
            if answer.endswith(HANG):
                await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(*answers: bytes) -> AsyncIterator[RawServer]:
    """Serve as long as the block lasts."""
    server = RawServer(0, list(answers))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def answer(status: int, body: object, *, length: int | None = None, kind: str = "application/json") -> bytes:
    """Return an answer as bytes; `length` announces another number of bytes than there are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [
        f"HTTP/1.1 {status} Some",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content) if length is None else length}",
        "Connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + content
