"""A reverse proxy on loopback before one server: what reconciles may be looked at, and watches may be kept from telling."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import yaml
from aiohttp import ClientSession, ClientTimeout, web
from anyio.from_thread import start_blocking_portal

from tests.e2e.patience import PATIENCE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NOT_PASSED_ON = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}


class ReverseProxy:
    """Passes requests on; the server knows the caller by the request's own credentials, or by what `tls` holds."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        self._upstream = upstream
        self._tls = tls
        self._may_tell = asyncio.Event()
        self._may_tell.set()

    @asynccontextmanager
    async def open(self, handler: Handler | None = None) -> AsyncIterator[str]:
        """Serve, each request by the handler if there is one; yield the base URL."""
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", handler or self.pass_on)
        # What a caller that dies has not sent to the end must not be carried out afterwards.
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await runner.setup()
        async with ClientSession(self._upstream, auto_decompress=False) as self._session:
            try:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
            finally:
                await runner.cleanup()

    @contextmanager
    def silent_watches(self) -> Iterator[None]:
        """Have no watch tell anything meanwhile; afterwards each tells all that it has kept back."""
        self._loop.call_soon_threadsafe(self._may_tell.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._may_tell.set)

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Return the server's answer, whole unless it is a watch's."""
        is_watch = "watch" in request.query
        call = self._session.request(
            request.method,
            request.rel_url,
            headers=_passed_on(request.headers.items()),
            data=await request.read() or None,
            ssl=self._tls or True,
            timeout=ClientTimeout(total=None if is_watch else PATIENCE),
        )
        async with call as answer:
            headers = _passed_on(answer.headers.items())
            if not is_watch:
                return web.Response(status=answer.status, headers=headers, body=await answer.read())
            stream = web.StreamResponse(status=answer.status, headers=headers)
            await stream.prepare(request)
            async for chunk in answer.content.iter_any():
                await self._may_tell.wait()
                await stream.write(chunk)
            return stream


def kubeconfig_through(url: str, kubeconfig: Path) -> Path:
    """Write a kubeconfig that leads to a proxy, with the credentials of another one; return its path."""
    told = yaml.safe_load(kubeconfig.read_text())
    told["clusters"][0]["cluster"] = {"server": url}
    path = kubeconfig.with_suffix(".proxied")
    path.write_text(yaml.safe_dump(told))
    return path


@contextmanager
def proxied(upstream: str, authority: Path) -> Iterator[tuple[ReverseProxy, str]]:
    """Open a proxy on a thread of its own; yield it with its base URL. `authority` signed the server's certificate."""
    proxy = ReverseProxy(upstream, ssl.create_default_context(cafile=authority))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(proxy.open()) as url:
        yield proxy, url


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: text for name, text in headers if name.lower() not in _NOT_PASSED_ON}
