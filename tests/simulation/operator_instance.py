"""One life of an operator process: the operator's own parts, connected to the simulated servers.

Nothing of the operator is replaced but what a process is given: its connections, the time and the randomness.
"""

import asyncio
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Any

import aiohttp
import httpx

from mailtrap_operator.api.names import SECRETS_OF_OURS
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.composition import Dependencies, Operator
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.runtime.resync import Resync
from mailtrap_operator.runtime.scope import EVERYTHING, Scope
from mailtrap_operator.settings import Settings
from mailtrap_simulator.server import Server
from tests.simulation.kubernetes import Kubernetes
from tests.simulation.kubernetes.connection import Connection, Request
from tests.simulation.network import Life, Network
from tests.simulation.outcomes import Kind, Outcome, Seen
from tests.simulation.remote import RemoteTransport
from tests.simulation.virtual_time import server_time

INSTALLATION = "simula"
KUBE_TIMEOUT = timedelta(seconds=10)
WATCH_LAG = 0.05
LIST = "LIST"
"""How the calls begin with which an operator learns what there is, once at its start."""

OF_ACCOUNT = "mailtrapaccounts"
"""What stands in the name of every call about an account object."""

CLAIM = "PUT apitokens/status"
"""How the calls begin that write a status, a claim among them."""

TRIAL = "GET accounts"
"""How the call begins in which a new value is tried."""

_STATUS = "/status"

SETTINGS = Settings(namespace="mailtrap-system", resync_interval=timedelta(hours=1), workers=4)


class _Api:
    """The API server beyond the network."""

    def __init__(self, kubernetes: Kubernetes, network: Network, life: Life) -> None:
        self._kubernetes = kubernetes
        self._network = network
        self._life = life
        self._former: dict[str, tuple[int, Any]] = {}

    async def answer(self, request: Request) -> tuple[int, Any]:
        """Carry one request over the network."""
        method, path, query = request.method, request.path, request.query
        kind, verb = _kind(method, path, query), LIST if "limit" in query else method
        what = f"{verb} {_resource(path)}{' (dry run)' if kind is Kind.DRY_RUN else ''}"

        def act() -> tuple[int, Any]:
            version = self._kubernetes.resource_version
            answer = request.ask(self._kubernetes)
            is_write = kind is Kind.KUBERNETES_WRITE and answer[0] < HTTPStatus.BAD_REQUEST
            if is_write and version == self._kubernetes.resource_version:
                self._network.wasted.append(what)
            if is_write and path.endswith(_STATUS):
                self._network.statuses.append(answer[1])
            return answer

        outcome, answer = await self._network.carry(self._life, kind, what, act)
        status, value = await self._seen(outcome, answer, path)
        if method == "GET" and outcome.seen is Seen.ANSWER:
            self._former[path] = (status, value)
        return status, value

    async def _seen(self, outcome: Outcome, answer: tuple[int, Any] | None, path: str) -> tuple[int, Any]:
        match outcome.seen:
            case Seen.ANSWER if answer is not None:
                return answer
            case Seen.STATUS:
                return outcome.status, {"kind": "Status", "message": "refused by the script"}
            case Seen.STALE:
                return self._former.get(path, (404, {"kind": "Status", "message": "not found"}))
            case Seen.REFUSED:
                raise aiohttp.ClientConnectionError("refused")
            case Seen.RESET:
                raise aiohttp.ServerDisconnectedError
        await asyncio.sleep(KUBE_TIMEOUT.total_seconds())
        raise TimeoutError


def _kind(method: str, path: str, query: Mapping[str, str]) -> Kind:
    if method == "GET":
        return Kind.KUBERNETES_READ
    if "dryRun" in query:
        return Kind.DRY_RUN
    return Kind.EVENT if "/events" in path else Kind.KUBERNETES_WRITE


@dataclass(frozen=True, slots=True)
class Sight:
    """What operators learn of Kubernetes: what they look at, and whether their watches report it or their resync alone."""

    scope: Scope = EVERYTHING
    is_deaf: bool = False


FULL = Sight()


@dataclass(frozen=True, slots=True)
class Setup:
    """How operators are set up."""

    settings: Settings = SETTINGS
    installation: str = INSTALLATION


USUAL = Setup()


class OperatorInstance:
    """An operator process from its start to its death."""

    def __init__(
        self,
        name: str,
        kubernetes: Kubernetes,
        remote: Server,
        network: Network,
        seed: int,
        *,
        sight: Sight,
        setup: Setup,
    ) -> None:
        self.life = Life(name)
        self._kubernetes = kubernetes
        # The time tells it from the operator of that name that prepared the world: no nonce comes twice.
        random = Random(f"{name}/{seed}/{asyncio.get_running_loop().time()}")
        api: Any = Connection(_Api(kubernetes, network, self.life).answer)
        self._kube = KubeClient(api, KUBE_TIMEOUT)
        transport = RemoteTransport(remote, network, self.life)
        self.operator = Operator(
            Dependencies(
                kube=self._kube,
                new_http=lambda: httpx.AsyncClient(transport=transport, timeout=None),  # noqa: S113 - each call is bounded as a whole
                clock=self._clock,
                entropy=random.randbytes,
                holder=name,
                installation=setup.installation,
                scope=sight.scope,
            ),
            setup.settings,
        )
        self.skew = timedelta()
        self.watch_lag = WATCH_LAG
        self._is_watching = False
        self._is_deaf = sight.is_deaf
        self._version = 0
        self._context = copy_context()

    def _clock(self) -> datetime:
        return server_time() + self.skew

    async def start(self) -> None:
        """List everything, begin to work, and watch from there on."""
        self._context = copy_context()
        self._version = self._kubernetes.resource_version
        while True:
            try:
                await list_all(self._kube, self.operator.informer.listings(self.operator.scope))
                break
            except Failure:
                await asyncio.sleep(1)
        self.operator.queue.start()
        self._is_watching = not self._is_deaf
        self.hear()
        if self._is_deaf:
            self._resync = asyncio.create_task(self._only_resync())

    async def _only_resync(self) -> None:
        operator = self.operator
        listings = operator.informer.listings(operator.scope)
        interval = timedelta(minutes=10)
        resync = Resync(self._kube, listings, operator.watchdog, interval=interval, rng=operator.random)
        await resync.go_on()

    def hear(self) -> None:
        """Have what has changed reach this operator, a little later."""
        if self._is_watching:
            asyncio.get_running_loop().call_later(self.watch_lag, self._deliver, context=self._context)

    def _deliver(self) -> None:
        if not self.life.is_alive:
            return
        version, self._version = self._version, self._kubernetes.resource_version
        informer, events_since = self.operator.informer, self._kubernetes.events_since
        accounts = dict.fromkeys(("MailtrapAccount", "ClusterMailtrapAccount"), informer.account)
        takers = {"ApiToken": informer.api_token, **accounts}
        # A watch by label reports a Secret that loses the label as of one that is deleted.
        secrets = events_since(version, "Secret", SECRETS_OF_OURS)
        for event, body in secrets if self.operator.scope.watches_secrets else ():
            # The watch of Secrets reports metadata alone.
            metadata = {"kind": "Secret", "metadata": body["metadata"]}
            informer.secret_metadata(metadata, is_gone=event == "DELETED")
        for event, body in events_since(version):
            if take := takers.get(body["kind"]):
                take(dict(body), is_gone=event == "DELETED")


def _resource(path: str) -> str:
    parts = path.strip("/").split("/")
    workloads = {"deployments", "statefulsets", "daemonsets"}
    names = workloads | {"apitokens", "secrets", "events", "clustermailtrapaccounts", "mailtrapaccounts"}
    if parts[-2] == "namespaces":
        return "namespaces"
    at = next(i for i, part in enumerate(parts) if part in names)
    return "/".join([parts[at], *parts[at + 2 :]])
