"""How the remote API is reached, and how much of an answer is read.

The server is not trusted: no more is read than an answer of the API can have, nothing is decompressed, no cookie is
kept, no redirect is followed.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from mailtrap_operator.clients.identification import USER_AGENT

SUCCESS = frozenset({200, 201, 204})
_LONGEST_ANSWER = 8 * 2**20
_LONGEST_REFUSAL = 64 * 2**10
"""In bytes. A list of 30,000 tokens fits into the one, any refusal of the API into the other."""

_LONGEST_DATE = 40
"""In characters; the longest form that HTTP knows has 33."""


def http_clients() -> Callable[[], httpx.AsyncClient]:
    """Return what makes connection pools; they share one set of certificates, which is large."""
    tls = ssl.create_default_context()

    def new_client() -> httpx.AsyncClient:
        # A cookie would outlive the credential it was given to.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        headers = {"User-Agent": USER_AGENT}
        # No timeout of its own: each call is bounded as a whole.
        return httpx.AsyncClient(verify=tls, timeout=None, cookies=no_cookies, headers=headers)  # noqa: S113

    return new_client


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `content` is None where it is compressed or longer than any answer of the API."""

    status: int
    headers: httpx.Headers
    content: bytes | None = field(repr=False)


def read_date(text: str) -> datetime | None:
    """Read the date of a header; None where it is none."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


async def read(response: httpx.Response) -> Answer:
    """Read an answer as far as one of the API can reach; the connection of another one is closed."""
    bound = _LONGEST_ANSWER if response.status_code in SUCCESS else _LONGEST_REFUSAL
    encodings = response.headers.get("Content-Encoding", "").lower().split(",")
    content: bytes | None = None
    if {encoding.strip() for encoding in encodings} <= {"", "identity"}:
        content = await _content(response, bound)
    return Answer(response.status_code, response.headers, content)


async def _content(response: httpx.Response, bound: int) -> bytes | None:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > bound:
            return None
    return bytes(content)
