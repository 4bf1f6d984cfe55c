"""Opens accounts: finds the account object, reads its credential, and hands out the client that uses it.

It keeps nothing of an account; of a credential it keeps the rate limit.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.credential_values import digest_of
from mailtrap_operator.clients.errors import Missing, Terminal
from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_operator.clients.kube import Body, KubeClient, secrets_path
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.limits import refused_base_url
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import not_found


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What every connection to the remote API keeps to."""

    allowed_base_urls: tuple[str, ...]
    request_timeout: timedelta
    calls: int
    period: timedelta


class AccountAccess:
    """What it takes to open an account.

    `find` returns an account object as the watch last showed it; it finds no ClusterMailtrapAccount unless the operator
    `sees_cluster_accounts`. `new_http` makes a pool of connections. `before_mutation` runs before each mutation;
    `while_waiting` is entered by anyone who waits for the rate limit or for an answer.
    """

    def __init__(
        self,
        kube: KubeClient,
        find: Callable[[AccountKey], Account | None],
        *,
        operator_namespace: str,
        limits: RemoteLimits,
        new_http: Callable[[], httpx.AsyncClient],
        clock: Callable[[], datetime],
        sees_cluster_accounts: bool = True,
        before_mutation: Callable[[], None] = lambda: None,
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self.find = find
        self.new_http = new_http
        self.clock = clock
        self.while_waiting = while_waiting
        self._kube = kube
        self._namespace = operator_namespace
        self._limits = limits
        self._sees_cluster_accounts = sees_cluster_accounts
        self._before_mutation = before_mutation
        self._pacers: dict[str, Pacer] = {}

    def credentials_namespace(self, key: AccountKey) -> str:
        """Return where the Secret with an account's credential is looked for."""
        return key.namespace or self._namespace

    def not_found(self, key: AccountKey) -> Terminal:
        """Return what is said of an account object that is not found."""
        if key.namespace or self._sees_cluster_accounts:
            answer = not_found(key)
            return Terminal(answer.reason, answer.message)
        return Terminal(
            Reason.ACCOUNT_NOT_SERVED,
            f"{key} is not served: this operator has no right to list and watch clustermailtrapaccounts. Name a "
            "MailtrapAccount of this namespace in spec.accountRef, or grant that right and start the operator again.",
        )

    def account(self, key: AccountKey) -> Account:
        """Return an account object that may be asked; raises `Terminal` where there is none."""
        account = self.find(key)
        if account is None:
            raise self.not_found(key)
        if refusal := refused_base_url(account.spec.base_url, key, self._limits.allowed_base_urls):
            raise Terminal(Reason.BASE_URL_NOT_ALLOWED, refusal)
        return account

    async def secret(self, key: AccountKey, name: str) -> Body | None:
        """Read the Secret with an account's credential, None where there is none; raises a `Failure`."""
        try:
            return await self._kube.get(f"{secrets_path(self.credentials_namespace(key))}/{name}")
        except Missing:
            return None

    def client(
        self, key: AccountKey, http: httpx.AsyncClient, server: KnownServer, credential: SecretStr
    ) -> MailtrapClient:
        """Return the client of an account for one credential."""
        return MailtrapClient(
            http,
            account=key.ref,
            server=server,
            credential=credential,
            pacer=self._pacer(credential),
            request_timeout=self._limits.request_timeout,
            before_mutation=self._before_mutation,
        )

    def end_waiting(self) -> None:
        """Cancel every call that waits for the rate limit; those in progress continue."""
        for pacer in self._pacers.values():
            pacer.end_waiting()

    def _pacer(self, credential: SecretStr) -> Pacer:
        # Two accounts with one credential share its limit.
        digest = digest_of(credential)
        if digest not in self._pacers:
            self._pacers[digest] = Pacer(self._limits.calls, self._limits.period, self.while_waiting)
        return self._pacers[digest]
