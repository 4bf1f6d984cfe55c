"""What stands where the Kubernetes client library's connection stands: requests and answers, without a wire."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.simulation.kubernetes.server import Kubernetes


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    content_type: str
    accept: str

    @property
    def is_write(self) -> bool:
        """Whether it is meant to change something."""
        return self.method != "GET" and "dryRun" not in self.query

    def ask(self, kubernetes: Kubernetes) -> tuple[int, Any]:
        """Have it carried out; return status code and body."""
        parts = (self.method, self.path, self.query, self.body, self.content_type)
        return kubernetes.request(*parts, accept=self.accept)


class _Answer:
    """What the Kubernetes client library returns."""

    def __init__(self, status: int, data: bytes) -> None:
        self.status = status
        self._data = data
        self.headers: dict[str, str] = {}
        self.response = self.content = self

    async def read(self) -> bytes:
        return self._data

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._data

    def close(self) -> None:
        """There is nothing to close."""


class Connection:
    """Has each request answered by `answer`, with a status code and JSON."""

    def __init__(self, answer: Callable[[Request], Awaitable[tuple[int, Any]]]) -> None:
        self._answer = answer

    async def close(self) -> None:
        """There is nothing to close."""

    async def param_serialize(self, method: str, path: str, **parts: Any) -> tuple[Request]:
        """Keep a call as it is."""
        query = {name: str(value) for name, value in parts["query_params"]}
        headers = parts["header_params"]
        # What is sent is JSON: of an enum its text.
        body = json.loads(json.dumps(parts["body"]))
        return (Request(method, path, query, body, headers["Content-Type"], headers["Accept"]),)

    async def call_api(self, request: Request, *, _request_timeout: aiohttp.ClientTimeout) -> _Answer:
        """Carry one call out."""
        status, value = await self._answer(request)
        return _Answer(status, json.dumps(value).encode())
