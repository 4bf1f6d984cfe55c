"""Answers the kubelet and Prometheus: `/livez`, `/readyz`, `/metrics`."""

from collections.abc import Awaitable, Callable

from aiohttp import web

_Answer = Awaitable[web.StreamResponse]


class HealthServer:
    """Serves three pages; a check returns what is wrong, or None. `role` says what this replica does."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        is_live: Callable[[], str | None],
        is_ready: Callable[[], str | None],
        role: Callable[[], str],
        metrics: Callable[[], bytes],
    ) -> None:
        self._host = host
        self._port = port
        app = web.Application()
        app.router.add_get("/livez", _check(is_live, lambda: "ok"))
        app.router.add_get("/readyz", _check(is_ready, lambda: f"ok; {role()}"))
        app.router.add_get("/metrics", _metrics(metrics))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start(self) -> None:
        """Begin to listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()


def _check(check: Callable[[], str | None], well: Callable[[], str]) -> Callable[[web.Request], _Answer]:
    async def answer(_request: web.Request) -> web.Response:
        wrong = check()
        return web.Response(text=wrong or well(), status=503 if wrong else 200)

    return answer


def _metrics(metrics: Callable[[], bytes]) -> Callable[[web.Request], _Answer]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), content_type="text/plain")

    return answer
