"""The composition root: builds every part of the operator and connects them.

What differs between a real process and a simulated one is handed in: the clients, the time and the randomness.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from mailtrap_operator.account_apply import AccountApplier
from mailtrap_operator.account_news import AccountNews
from mailtrap_operator.account_observe import AccountObserver
from mailtrap_operator.account_reconciler import AccountReconciler
from mailtrap_operator.account_report import AccountReporter
from mailtrap_operator.apply import Applier
from mailtrap_operator.clients.account_access import AccountAccess, RemoteLimits
from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.credential_secrets import CredentialSecrets
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.clients.namespace_client import NamespaceClient
from mailtrap_operator.clients.remote_account import Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import UnpublishedValues
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.dry_run import plan_without_acting
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.observation import Identity, Limits
from mailtrap_operator.core.ownership import nonce_of
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.protection import Reach
from mailtrap_operator.informer import Informer
from mailtrap_operator.observe import Observer
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.quota import Quota
from mailtrap_operator.reconciler import Reconciler
from mailtrap_operator.report import Reporter
from mailtrap_operator.retentions import Retentions
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.scope import EVERYTHING, Scope
from mailtrap_operator.runtime.secret_polling import SecretPolling
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.watchdog import Watchdog
from mailtrap_operator.runtime.workqueue import Result, WorkQueue
from mailtrap_operator.settings import Settings
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder
from mailtrap_operator.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the operator's parts are given by anyone who runs them.

    `entropy` returns as many random bytes as it is asked for. `may_mutate` runs before each remote mutation, and raises a
    `Failure` where this process must not make it; `kube` asks for its own writes.
    """

    kube: KubeClient
    new_http: Callable[[], httpx.AsyncClient]
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    holder: str
    installation: str
    scope: Scope = EVERYTHING
    may_mutate: Callable[[], None] = lambda: None


class Operator:
    """All parts of one operator, not yet running; `informer` is where objects come in, `queue` where they are worked on."""

    def __init__(self, given: Dependencies, settings: Settings) -> None:
        limits = Limits(settings.allowed_secret_metadata, settings.rollout_restarts)
        identity = Identity(
            given.installation, given.holder, settings.settle_time, settings.namespace, limits
        )
        kube, clock = given.kube, given.clock
        cache = Cache(given.installation, _monotonic, on_holders=self._holders_changed)
        unpublished = UnpublishedValues()
        api_tokens = ApiTokenClient(kube, cache.put_api_token)
        secret_client, workloads = SecretClient(kube, given.installation), WorkloadClient(kube)
        account_client = AccountClient(kube)
        events = EventRecorder(kube, holder=given.holder, clock=clock)
        annotations = UnknownAnnotations(events)
        self.random = random.Random(given.entropy(16))  # noqa: S311 - spreads retries
        self.queue: WorkQueue[Key] = WorkQueue(
            self._work, workers=settings.workers, groups_of=self._groups_of, rng=self.random
        )
        self.scope, self.clock = given.scope, clock
        self.informer = Informer(cache, self.queue, given.installation)
        self.watchdog = Watchdog(_monotonic)
        self.metrics = Metrics(queued=self.queue.__len__, running=lambda: self.queue.running)
        access = AccountAccess(
            kube,
            cache.account,
            operator_namespace=settings.namespace,
            limits=RemoteLimits(settings.allowed_base_urls, settings.request_timeout, *settings.rate_limit),
            new_http=given.new_http,
            clock=clock,
            sees_cluster_accounts=given.scope.sees_cluster_accounts,
            before_mutation=given.may_mutate,
            while_waiting=self.queue.without_worker,
        )
        self.accounts = RemoteAccounts(
            access, siblings=cache.sibling_accounts, on_change=self._tokens_changed
        )
        self.cache = cache
        reverts = Reverts(clock)
        quota = Quota(cache, self.accounts, installation=given.installation, clock=clock)
        self.observer = Observer(
            cache=cache,
            api_tokens=api_tokens,
            secret_client=secret_client,
            workloads=workloads,
            namespaces=NamespaceClient(kube),
            accounts=self.accounts,
            unpublished=unpublished,
            quota=quota,
            reverts=reverts,
            identity=identity,
            new_nonce=lambda: nonce_of(given.entropy(16)),
            clock=clock,
            watches_secrets=given.scope.watches_secrets,
        )
        self._reconciler = Reconciler(
            observer=self.observer,
            decide=plan_without_acting if settings.dry_run else plan,
            annotations=annotations,
            polling=None if given.scope.watches_secrets else SecretPolling(cache, self.random),
            applier=Applier(
                cache=cache,
                api_tokens=api_tokens,
                secret_client=secret_client,
                workloads=workloads,
                accounts=self.accounts,
                retentions=Retentions(cache=cache, accounts=self.accounts, account_client=account_client),
                unpublished=unpublished,
                quota=quota,
                reverts=reverts,
                settle_time=settings.settle_time,
                clock=clock,
            ),
            reporter=Reporter(
                api_tokens=api_tokens,
                events=events,
                metrics=self.metrics,
                reverts=reverts,
                clock=clock,
            ),
            clock=clock,
        )
        reach = Reach(
            given.installation,
            settings.namespace,
            sees_all=not given.scope.namespaces,
            may_write=not settings.dry_run,
        )
        self.account_observer = AccountObserver(
            cache=cache, accounts=self.accounts, reverts=reverts, reach=reach
        )
        self._account_news = AccountNews(cache=cache, observer=self.account_observer, wake=self._wake)
        self._account_reconciler = AccountReconciler(
            observer=self.account_observer,
            sweep=OrphanSweep(
                kube=kube,
                accounts=self.accounts,
                events=events,
                installation=given.installation,
                lists_secrets=given.scope.watches_secrets,
            ),
            applier=AccountApplier(
                cache=cache,
                accounts=self.accounts,
                account_client=account_client,
                secrets=CredentialSecrets(kube),
                reverts=reverts,
            ),
            reporter=AccountReporter(
                cache=cache,
                account_client=account_client,
                events=events,
                annotations=annotations,
                reverts=reverts,
            ),
            news=self._account_news,
            clock=clock,
        )

    def _wake(self, key: Key, *, ends_backoff: bool) -> None:
        self.queue.add(key, Priority.ROUTINE, ends_backoff=ends_backoff)

    def _holders_changed(self, account: AccountKey) -> None:
        self._account_news.note_holders(account)

    def _tokens_changed(self, account: AccountKey, before: Tokens, now: Tokens) -> None:
        self._account_news.note_tokens(account, before, now)

    async def _work(self, key: Key) -> Result:
        match key:
            case ApiTokenKey():
                return await self._reconciler.reconcile(key)
            case AccountKey():
                return await self._account_reconciler.reconcile(key)

    def _groups_of(self, key: Key) -> Groups:
        """Return whose shares a reconcile takes: its namespace's, and its account's.

        A reconcile that has to do with several accounts takes the share of none: it may wait for one, and would keep those of
        another from starting.
        """
        if isinstance(key, AccountKey):
            return Groups(key.namespace or key)
        accounts = tuple(self.cache.accounts_of(key))
        return Groups(key.namespace, accounts[0] if len(accounts) == 1 else None)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
