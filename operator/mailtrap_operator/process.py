"""The running operator: builds every part, connects them, and keeps them going until told to stop."""

import asyncio
import logging
import random
import secrets
import socket
from datetime import UTC, datetime, timedelta

import kopf

from mailtrap_operator.account_reconciler import AccountReconciler
from mailtrap_operator.apply import Applier
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import Accounts, RemoteLimits
from mailtrap_operator.clients.api_token_store import ApiTokenStore
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.issued_values import UnpublishedTokens
from mailtrap_operator.clients.kube import KubeClient, connect
from mailtrap_operator.clients.secret_store import SecretStore
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import Identity
from mailtrap_operator.core.ownership import installation_of
from mailtrap_operator.handlers import register
from mailtrap_operator.intake import Intake
from mailtrap_operator.observe import Observer
from mailtrap_operator.reconciler import Reconciler
from mailtrap_operator.report import Reporter
from mailtrap_operator.runtime.health import HealthServer
from mailtrap_operator.runtime.resync import resync
from mailtrap_operator.runtime.shutdown import serve_until_told
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict, WorkQueue
from mailtrap_operator.settings import Settings, is_in_pod
from mailtrap_operator.telemetry.events import EventRecorder
from mailtrap_operator.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_FIRST_RETRY = 1.0
_LAST_RETRY = 15.0


def utc_now() -> datetime:
    """Return the time; the one clock of the process."""
    return datetime.now(UTC)


async def installation_from(kube: KubeClient, settings: Settings) -> str:
    """Return this cluster's part of the tag: as set, else from the UID of the cluster or of our own namespace."""
    if settings.installation:
        return settings.installation
    namespace = settings.namespace if settings.watch_namespaces else "kube-system"
    return installation_of((await kube.get(f"/api/v1/namespaces/{namespace}"))["metadata"]["uid"])


class Operator:
    """All parts of one operator process."""

    def __init__(self, kube: KubeClient, settings: Settings, installation: str) -> None:
        self._kube = kube
        self._settings = settings
        self._random = random.Random()  # noqa: S311 - spreads retries
        holder = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        identity = Identity(installation, holder, settings.settle_time)
        store = Store(installation)
        unpublished = UnpublishedTokens()
        api_tokens = ApiTokenStore(kube, store.put_api_token)
        secret_store = SecretStore(kube)
        self.accounts = Accounts(
            kube,
            store.account,
            operator_namespace=settings.namespace,
            limits=RemoteLimits(settings.allowed_base_urls, settings.request_timeout, *settings.rate_limit),
        )
        self.queue: WorkQueue[Key] = WorkQueue(
            self._work, workers=settings.workers, group_of=self._group_of, rng=self._random
        )
        self.accounts.on_trouble = lambda key: self.queue.add(key, Lane.ROUTINE)
        self._store = store
        self._metrics = Metrics(queued=self.queue.__len__, running=lambda: self.queue.running)
        self._reconciler = Reconciler(
            observer=Observer(
                store=store,
                api_tokens=api_tokens,
                secret_store=secret_store,
                accounts=self.accounts,
                unpublished=unpublished,
                identity=identity,
            ),
            applier=Applier(
                store=store,
                api_tokens=api_tokens,
                secret_store=secret_store,
                accounts=self.accounts,
                unpublished=unpublished,
                settle_time=settings.settle_time,
                clock=utc_now,
            ),
            reporter=Reporter(
                api_tokens=api_tokens,
                events=EventRecorder(kube, holder=holder, clock=utc_now),
                metrics=self._metrics,
                clock=utc_now,
            ),
            clock=utc_now,
        )
        self._account_reconciler = AccountReconciler(
            store=store,
            accounts=self.accounts,
            account_store=AccountStore(kube),
            wake=lambda key: self.queue.add(key, Lane.ROUTINE),
            clock=utc_now,
        )
        self._intake = Intake(store, self.queue)
        self._listed_once = False

    async def _work(self, key: Key) -> Verdict:
        match key:
            case ApiTokenKey():
                return await self._reconciler.reconcile(key)
            case AccountKey():
                return await self._account_reconciler.reconcile(key)

    def _group_of(self, key: Key) -> object:
        return key if isinstance(key, AccountKey) else self._store.account_of(key)

    async def run(self) -> None:
        """Run until told to stop."""
        health = HealthServer(
            host="0.0.0.0" if is_in_pod() else "127.0.0.1",  # noqa: S104 - in a pod the kubelet comes from outside
            port=self._settings.port,
            is_live=lambda: None,
            is_ready=lambda: None if self._listed_once else "the objects were not listed yet",
            metrics=self._metrics.exposition,
        )
        await health.start()
        try:
            await self._list_first()
            background = asyncio.create_task(self._keep_listing(), name="resync")
            self.queue.start()
            try:
                await self._watch()
            finally:
                background.cancel()
        finally:
            await self.accounts.close()
            await health.stop()

    async def _watch(self) -> None:
        registry = kopf.OperatorRegistry()
        register(registry, self._intake)
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
        await serve_until_told(watches, is_up=is_up, on_stop=self._drain, stop=stop)

    async def _drain(self) -> None:
        logger.info("stopping: the passes under way come to their end")
        await self.queue.drain(3 * self._settings.request_timeout)

    async def _list_first(self) -> None:
        delay = _FIRST_RETRY
        while not self._listed_once:
            try:
                await resync(self._kube, self._intake.listings(self._settings.watch_namespaces))
                self._listed_once = True
            except Failure as failure:
                logger.warning("the objects could not be listed yet", extra={"cause": failure.message})
                await asyncio.sleep(delay * self._random.uniform(0.75, 1.25))
                delay = min(2 * delay, _LAST_RETRY)

    async def _keep_listing(self) -> None:
        while True:
            await asyncio.sleep(
                self._settings.resync_interval.total_seconds() * self._random.uniform(1, 1.25)
            )
            try:
                await resync(self._kube, self._intake.listings(self._settings.watch_namespaces))
            except Failure as failure:
                logger.warning("the objects could not be listed", extra={"cause": failure.message})


async def run(settings: Settings) -> None:
    """Run the operator process."""
    kube = await connect(min(settings.request_timeout, timedelta(seconds=10)))
    try:
        operator = Operator(kube, settings, await installation_from(kube, settings))
        await operator.run()
    finally:
        await kube.close()
