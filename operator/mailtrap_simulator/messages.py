"""A call and its answer as plain values, so that the core runs with or without HTTP.

Headers and bodies carry token values: they never appear in a repr.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON_TYPE = "application/json; charset=utf-8"
VERSION = {"X-Mailtrap-Version": "v2"}
"""The header of every JSON answer of the API itself."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. Header names are lower case; the path has no query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What a call changed for good: the token created, deleted, or reset (then with its successor)."""

    token_id: int
    successor_id: int | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `change` is None when nothing was changed; it is not sent to the client."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    change: Change | None = None


def answer(status: int, value: Any, change: Change | None = None) -> Response:
    """A JSON answer of the API."""
    return Response(status, json.dumps(value).encode(), headers=VERSION, change=change)
