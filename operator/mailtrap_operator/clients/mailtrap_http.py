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

from mailtrap_operator.clients.proxies import Proxies, Proxy
from mailtrap_operator.clients.user_agent import USER_AGENT

SUCCESS = frozenset({200, 201, 204})
_LONGEST_ANSWER = 8 * 2**20
_LONGEST_REFUSAL = 64 * 2**10
"""In bytes. A list of 30,000 tokens fits into the one, any refusal of the API into the other."""

_LONGEST_DATE = 40
"""In characters; the longest form that HTTP knows has 33."""


_CONNECTIONS = httpx.Limits(max_connections=100, max_keepalive_connections=5)
"""Each call looks at all connections that are idle; five carry three times the rate limit where an answer takes 0.1 seconds."""

_PROXY = "proxy"
"""Among a request's extensions: the name of the proxy that it goes through."""


def http_clients(proxies: Proxies) -> Callable[[], httpx.AsyncClient]:
    """Return what makes connection pools; they share one set of certificates, which is large."""
    tls = ssl.create_default_context()

    def new_client() -> httpx.AsyncClient:
        # A cookie would outlive the credential it was given to.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        headers = {"User-Agent": USER_AGENT}
        # No timeout of its own: each call is bounded as a whole. The environment has been read.
        routes = _Routes(proxies, tls)
        return httpx.AsyncClient(
            transport=routes,
            trust_env=False,
            timeout=None,  # noqa: S113
            cookies=no_cookies,
            headers=headers,
        )

    return new_client


class _Routes(httpx.AsyncBaseTransport):
    """Sends each request directly, or through the proxy that leads to its server."""

    def __init__(self, proxies: Proxies, tls: ssl.SSLContext) -> None:
        self._proxies = proxies
        self._tls = tls
        self._pools: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        proxy = self._proxies.to(str(request.url))
        if proxy not in self._pools:
            self._pools[proxy] = httpx.AsyncHTTPTransport(
                verify=self._tls, proxy=self._way(proxy), limits=_CONNECTIONS
            )
        if proxy:
            request.extensions[_PROXY] = proxy.name
        return await self._pools[proxy].handle_async_request(request)

    def _way(self, proxy: Proxy | None) -> httpx.Proxy | None:
        # The library takes certificates for a proxy only where it may need them.
        tls = self._tls if proxy and proxy.url.startswith("https:") else None
        return httpx.Proxy(proxy.url, ssl_context=tls) if proxy else None

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def proxy_of(request: httpx.Request | None) -> str | None:
    """Return the name of the proxy that a request was sent through, if there is one."""
    name: str | None = request.extensions.get(_PROXY) if request else None
    return name


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `content` is None where it is compressed or longer than any answer of the API.

    `proxy` is the name of the proxy that it came through.
    """

    status: int
    headers: httpx.Headers
    content: bytes | None = field(repr=False)
    proxy: str | None = None


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
    return Answer(response.status_code, response.headers, content, proxy_of(response.request))


async def _content(response: httpx.Response, bound: int) -> bytes | None:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > bound:
            return None
    return bytes(content)
