"""The running operator: the parts, the watches, the health pages, from the first list to the last reconcile."""

import asyncio
import gc
import logging
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import kopf

from mailtrap_operator.clients.cluster_access import ClusterAccess
from mailtrap_operator.clients.errors import Failure, Retryable, Undefined
from mailtrap_operator.clients.kube import KubeClient, connect
from mailtrap_operator.clients.lease_client import LeaseClient
from mailtrap_operator.clients.mailtrap_http import http_clients
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.clients.user_agent import USER_AGENT
from mailtrap_operator.composition import Dependencies, Operator
from mailtrap_operator.core.ownership import installation_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.handlers import register
from mailtrap_operator.installed import as_installed
from mailtrap_operator.preview import Answer, preview
from mailtrap_operator.runtime.elector import CALL_TIMEOUT, Elector
from mailtrap_operator.runtime.health import HealthServer, on_all_addresses, on_loopback
from mailtrap_operator.runtime.leadership import Alone, Leadership
from mailtrap_operator.runtime.liveness import Liveness
from mailtrap_operator.runtime.resync import Resync
from mailtrap_operator.runtime.scope import find_scope
from mailtrap_operator.runtime.shutdown import serve_until_signal
from mailtrap_operator.runtime.startup_retry import retry_until_available
from mailtrap_operator.settings import PreviewSettings, Settings, is_in_pod

logger = logging.getLogger(__name__)

_LONGEST_KUBERNETES_CALL = timedelta(seconds=10)
_LONGEST_DRAIN = timedelta(seconds=45)
"""With the release of the Lease and the end of the watches it fits into the 60 s that the chart gives a pod to end."""


async def run(settings: Settings) -> None:
    """Run the operator process until it is told to stop."""
    logger.info("the operator starts", extra={"agent": USER_AGENT})
    _collect_garbage_seldom()
    proxies = Proxies(os.environ)
    access = ClusterAccess(random.SystemRandom(), proxies)
    holder = f"{socket.gethostname()}-{secrets.token_hex(4)}"
    async with _kubernetes(settings, access) as kube:
        leadership = _elector(kube, settings, holder) if settings.leader_election else Alone()
        process = Process(kube, access, leadership, settings)
        await process.run(lambda: _operator(kube, settings, holder, leadership, proxies))


async def show_plan(settings: PreviewSettings, say: Callable[[str], None]) -> Answer:
    """Return what the operator would do now; `say` gets one line that names the settings in use. Raises a `Failure`."""
    proxies = Proxies(os.environ)
    async with _kubernetes(settings, ClusterAccess(random.SystemRandom(), proxies)) as kube:
        if not is_in_pod():
            settings = await as_installed(settings, kube, say)
        operator = await _operator(kube, settings, "plan", Alone(), proxies)
        try:
            return await preview(operator, kube, settings)
        finally:
            await operator.accounts.close()


@asynccontextmanager
async def _kubernetes(settings: Settings, access: ClusterAccess) -> AsyncIterator[KubeClient]:
    kube = await connect(min(settings.request_timeout, _LONGEST_KUBERNETES_CALL), access)
    try:
        yield kube
    finally:
        await kube.close()


def _elector(kube: KubeClient, settings: Settings, holder: str) -> Elector:
    return Elector(
        LeaseClient(kube, settings.namespace, CALL_TIMEOUT),
        holder=holder,
        clock=_clock,
        rng=random.SystemRandom(),
        on_lost=_end_at_once,
    )


def _collect_garbage_seldom() -> None:
    # What is loaded stays: to go through it again and again takes a tenth of the processor of a new token, and stops the loop.
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


def _end_at_once() -> None:
    logger.error("this replica does not lead any more; the process ends, to be started again")
    # What is in progress must not write another word; the Secret, the status and the list tell a successor everything.
    os._exit(1)


async def _operator(
    kube: KubeClient, settings: Settings, holder: str, leadership: Leadership, proxies: Proxies
) -> Operator:
    dependencies = Dependencies(
        kube=kube.guarded(leadership.check),
        new_http=http_clients(proxies),
        clock=_clock,
        entropy=secrets.token_bytes,
        holder=holder,
        installation=await _installation(kube, settings),
        scope=await find_scope(kube, settings.watch_namespaces, watches_secrets=settings.watch_secrets),
        may_mutate=leadership.check,
    )
    return Operator(dependencies, settings)


def _clock() -> datetime:
    return datetime.now(UTC)


async def _installation(kube: KubeClient, settings: Settings) -> str:
    """Return this cluster's part of the tag: as set, else from the UID of the cluster or of our own namespace."""
    if settings.installation:
        return settings.installation
    namespace = settings.namespace if settings.watch_namespaces else "kube-system"
    return installation_of((await kube.get(f"/api/v1/namespaces/{namespace}"))["metadata"]["uid"])


class Process:
    """One operator process."""

    def __init__(
        self, kube: KubeClient, access: ClusterAccess, leadership: Leadership, settings: Settings
    ) -> None:
        self._kube = kube
        self._access = access
        self._leadership = leadership
        self._settings = settings
        self._liveness = Liveness(access.unhealthy_reason)
        self._lacks: str | None = "the API server was not reached yet"
        self._operator: Operator | None = None

    async def run(self, build: Callable[[], Awaitable[Operator]]) -> None:
        """Run until told to stop; the operator is built as soon as the API server answers."""
        health = HealthServer(
            listen=on_all_addresses if is_in_pod() else on_loopback,
            port=self._settings.port,
            is_live=self._liveness.unhealthy_reason,
            is_ready=lambda: self._lacks,
            role=lambda: self._leadership.role,
            metrics=self._metrics,
        )
        await health.start()
        try:
            await self._operate(await retry_until_available(build, random.SystemRandom()))
        finally:
            await health.stop()

    def _metrics(self) -> bytes:
        return self._operator.metrics.exposition() if self._operator else b""

    async def _operate(self, operator: Operator) -> None:
        self._operator = operator
        self._liveness.add_checks(operator.watchdog.unhealthy_reason, operator.queue.unhealthy_reason)
        resync = Resync(
            self._kube,
            operator.informer.listings(operator.scope),
            operator.watchdog,
            interval=self._settings.resync_interval,
            rng=operator.random,
        )
        self._lacks = "the objects were not listed yet"
        try:
            await resync.begin()
            self._lacks = None
            background = asyncio.create_task(resync.go_on(), name="resync")
            self._liveness.watch_task(background, "The resync has ended.")
            working = asyncio.create_task(self._work(operator), name="work")
            self._liveness.watch_task(working, "The election has ended.")
            try:
                await self._watch(operator, working)
            finally:
                background.cancel()
                working.cancel()
        finally:
            await operator.accounts.close()

    async def _work(self, operator: Operator) -> None:
        """Work for as long as this replica leads; until then the store and the queue are kept warm."""
        await self._leadership.acquire()
        logger.info("this replica works", extra={"role": self._leadership.role})
        operator.metrics.leading.set(1)
        operator.queue.start()
        await self._leadership.hold()

    async def _watch(self, operator: Operator, working: asyncio.Task[None]) -> None:
        async def drain() -> None:
            logger.info("stopping: the running reconciles finish")
            # What waits for the rate limit has sent nothing; the next leader waits for it as well.
            operator.accounts.end_waiting()
            await operator.queue.drain(min(3 * self._settings.request_timeout, _LONGEST_DRAIN))
            working.cancel()
            await self._leadership.release()

        registry = kopf.OperatorRegistry()
        register(registry, self._access, operator.informer, operator.watchdog, operator.scope)
        is_up, stop = asyncio.Event(), asyncio.Event()
        namespaces = self._settings.watch_namespaces
        watches = asyncio.create_task(
            kopf.operator(
                registry=registry,
                clusterwide=not namespaces,
                namespaces=namespaces,
                standalone=True,
                ready_flag=is_up,
                stop_flag=stop,
            ),
            name="kopf",
        )
        try:
            await serve_until_signal(watches, is_up=is_up, on_stop=drain, stop=stop, on_stuck=os._exit)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends; kopf has logged what no one foresaw
            cause = await self._missing_definition(operator)
            why = f": {cause}" if cause else f" ({type(error).__name__})."
            message = f"The watches ended{why} The process ends, to be started again."
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, message) from None

    async def _missing_definition(self, operator: Operator) -> str | None:
        """Return which kind of object the API server does not serve, where that is why a watch cannot continue."""
        try:
            for listing in operator.informer.listings(operator.scope):
                await self._kube.list_page(listing.paths[0], {"limit": "1"})
        except Undefined as missing:
            return missing.message
        except Failure:
            # Whatever else is wrong, the next start reports it.
            return None
        return None
