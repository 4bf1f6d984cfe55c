"""The accounts as the remote API shows them: one connection, one pacer, one shared LIST for each."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Account
from mailtrap_operator.clients.credential_secrets import parse_credential_secret
from mailtrap_operator.clients.credential_values import credential_in, digest_of, marked_id
from mailtrap_operator.clients.errors import Failure, Missing, Terminal, Unauthorized
from mailtrap_operator.clients.known_credential import KnownCredential
from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_operator.clients.kube import KubeClient, secrets_path
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.owned_tokens import OwnedTokens, OwnerTag, by_owner, with_change
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.shared_read import SharedRead
from mailtrap_operator.core.clocks import ClockDifference
from mailtrap_operator.core.credential import credential_among
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.limits import refused_base_url
from mailtrap_operator.core.observation import Catalogue, CredentialInUse, Found, RemoteToken, Unknown
from mailtrap_operator.core.protection import CredentialSecret
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import not_found, speaks_for

Tokens = Found[OwnedTokens] | Unknown

_MOST_TRIED = 16
"""So many credentials of a namespace one pass has judged at most."""

NOT_LISTED = Unknown(Reason.ACCOUNT_NOT_LISTED, "The account's tokens were not listed yet; they soon are.")


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What every connection to the remote API keeps to."""

    allowed_base_urls: tuple[str, ...]
    request_timeout: timedelta
    calls: int
    period: timedelta


class Accounts:
    """All accounts that were asked for.

    `find` returns an account object as the watch last told it; it finds no ClusterMailtrapAccount unless the operator
    `sees_cluster_accounts`. `beside` names the other account objects for the same account in Mailtrap. `on_change` gets
    what was known of an account's tokens before and after a LIST, where the two differ. `while_waiting` is entered by who
    waits for a LIST or for the rate limit.
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
        beside: Callable[[AccountKey], Iterable[AccountKey]] = lambda _key: (),
        before_mutation: Callable[[], None] = lambda: None,
        while_waiting: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self.while_waiting = while_waiting
        self._before_mutation = before_mutation
        self._kube = kube
        self._sees_cluster_accounts = sees_cluster_accounts
        self._find = find
        self._beside = beside
        self._namespace = operator_namespace
        self._limits = limits
        self._new_http = new_http
        self.clock = clock
        self._connections: dict[AccountKey, Connection] = {}
        self._pacers: dict[str, Pacer] = {}
        self.on_change: Callable[[AccountKey, Tokens, Tokens], None] = lambda _key, _before, _now: None

    def at(self, key: AccountKey) -> "Connection":
        """Return the connection of an account, also of one that does not exist."""
        if key not in self._connections:
            # A pool of connections each: a slow account takes none away from another.
            self._connections[key] = Connection(key, self, self._new_http())
        return self._connections[key]

    def told(self, key: AccountKey) -> Tokens:
        """Return what is known of an account's tokens without a call."""
        return self.at(key).tokens if self._find(key) else self._not_found(key).as_unknown()

    def credentials_namespace(self, key: AccountKey) -> str:
        """Return where the Secret with an account's credential is looked for."""
        return key.namespace or self._namespace

    def credentials(self, key: AccountKey, namespace: str | None) -> tuple[CredentialInUse, ...]:
        """Return the credentials at work in an account in Mailtrap that count for the tokens of a namespace."""
        return tuple(
            each for at in (key, *self._others(key, namespace)) for each in self.at(at).credential.in_use()
        )

    async def read_shared_credentials(self, key: AccountKey) -> None:
        """Read the credentials of ClusterMailtrapAccounts beside an account, as far as none was read yet.

        Raises a `Failure` where one may be at work and cannot be read; one that is missing is not at work.
        """
        for other in self._others(key, None):
            if not self.at(other).credential.is_known:
                with suppress(Terminal):
                    await self.at(other).client()

    async def try_own_credentials(self, key: AccountKey, namespace: str) -> Unknown | None:
        """Have Mailtrap judge the credentials of a namespace's own account objects; return why one is not known, if so."""
        own = (self.at(other) for other in self._others(key, namespace) if other.namespace)
        untried = [connection for connection in own if not connection.credential.was_judged]
        # A namespace may have any number of them: the rest is tried in later passes.
        async with self.while_waiting():
            await asyncio.gather(*(connection.list_tokens() for connection in untried[:_MOST_TRIED]))
        undecided = (each.tokens for each in untried if not each.credential.was_judged)
        return next((tokens for tokens in undecided if isinstance(tokens, Unknown)), None)

    def _others(self, key: AccountKey, namespace: str | None) -> list[AccountKey]:
        return sorted((other for other in self._beside(key) if speaks_for(other, namespace)), key=str)

    def end_waiting(self) -> None:
        """Cancel every call that waits for the rate limit; those under way go on."""
        for pacer in self._pacers.values():
            pacer.end_waiting()

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            await connection.http.aclose()

    async def connect(self, connection: "Connection") -> MailtrapClient:
        """Return a client with the account's present credential; raises a `Failure` that says what is missing."""
        key = connection.key
        account = self._find(key)
        if account is None:
            raise self._not_found(key)
        spec = account.spec
        if refusal := refused_base_url(spec.base_url, key, self._limits.allowed_base_urls):
            raise Terminal(Reason.BASE_URL_NOT_ALLOWED, refusal)
        credential = await self._credential(account, connection)
        return MailtrapClient(
            connection.http,
            account=key.ref,
            server=connection.server(spec.base_url, spec.account_id),
            credential=credential,
            pacer=self._pacer(credential),
            request_timeout=self._limits.request_timeout,
            before_mutation=self._before_mutation,
        )

    async def _credential(self, account: Account, connection: "Connection") -> SecretStr:
        ref, namespace = account.spec.credentials_secret_ref, self.credentials_namespace(connection.key)
        place = f"Secret {namespace}/{ref.name}"
        try:
            secret = await self._kube.get(f"{secrets_path(namespace)}/{ref.name}")
        except Missing:
            connection.credential_secret = None
            message = f"{place} with the credential does not exist. Create it."
            raise Terminal(Reason.CREDENTIAL_MISSING, message) from None
        connection.credential_secret = parse_credential_secret(secret)
        credential = credential_in(secret, ref.key, place)
        connection.marked_id = marked_id(secret, credential)
        return credential

    def _not_found(self, key: AccountKey) -> Terminal:
        if key.namespace or self._sees_cluster_accounts:
            answer = not_found(key)
            return Terminal(answer.reason, answer.message)
        return Terminal(
            Reason.ACCOUNT_NOT_SERVED,
            f"{key} is not served: this operator has no right to list and watch clustermailtrapaccounts. Name a "
            "MailtrapAccount of this namespace in spec.accountRef, or grant that right and start the operator again.",
        )

    def _pacer(self, credential: SecretStr) -> Pacer:
        # Two accounts with one credential share its limit.
        digest = digest_of(credential)
        if digest not in self._pacers:
            self._pacers[digest] = Pacer(self._limits.calls, self._limits.period, self.while_waiting)
        return self._pacers[digest]


class Connection:
    """One account.

    `tokens` is what its last LIST said, with what this process has done since, and `owned` what the last one said that
    answered, None where none has; `pacer` is that of the credential that was used last, another one for another credential;
    `credential_secret` is the Secret it was read from, `marked_id` the token that the marks there say it is, `credential` what
    is known of it; `resources` reads those of the account.
    """

    def __init__(self, key: AccountKey, accounts: Accounts, http: httpx.AsyncClient) -> None:
        self.key = key
        self.http = http
        self.tokens: Tokens = NOT_LISTED
        self.owned: OwnedTokens | None = None
        self.pacer: Pacer | None = None
        self.credential = KnownCredential(key)
        self.credential_secret: CredentialSecret | None = None
        self.marked_id: int | None = None
        self._accounts = accounts
        self._list = SharedRead(self._list_now, f"list {key}", accounts.while_waiting)
        self.resources = SharedRead(
            self._list_resources_now, f"list the resources of {key}", accounts.while_waiting
        )
        self._done_meanwhile: list[tuple[RemoteToken, bool]] = []
        self._server: KnownServer | None = None

    def server(self, base_url: str, account_id: int) -> KnownServer:
        """Return what is known of a server; another address or account is another server."""
        known = self._server
        if known is None or (known.base_url, known.account_id) != (base_url, account_id):
            known = self._server = KnownServer(base_url, account_id, self._accounts.clock)
        return known

    @property
    def clock_difference(self) -> ClockDifference:
        """How far the clock of the account's server and the operator's are apart."""
        return self._server.clock.difference if self._server else ClockDifference()

    async def client(self) -> MailtrapClient:
        """Return a client with the present credential; raises a `Failure`."""
        try:
            client = await self._accounts.connect(self)
        except Terminal:
            self.credential.miss()
            raise
        self.pacer = client.pacer
        self.credential.read(client.credential_last_four)
        return client

    def credentials(self, namespace: str | None) -> tuple[CredentialInUse, ...]:
        """Return the credentials at work in this account in Mailtrap that count for the tokens of a namespace."""
        return self._accounts.credentials(self.key, namespace)

    def shows(self, owner: OwnerTag) -> bool:
        """Whether the last LIST that answered, with what this process did since, has tokens of an owner."""
        return self.owned is not None and owner in self.owned

    async def list_tokens(self) -> Tokens:
        """Return what a LIST says that starts after this call; never raises."""
        return await self._list.answer()

    def learn(self, token: RemoteToken, *, is_alive: bool) -> None:
        """Take note of a token that this process issued or revoked, until the next LIST tells."""
        self._done_meanwhile.append((token, is_alive))
        if self.owned is not None:
            self.owned = with_change(self.owned, token, is_alive=is_alive)
            if isinstance(self.tokens, Found):
                self.tokens = Found(self.owned)

    def distrust(self, failure: Failure) -> None:
        """Take note that a call failed in a way that speaks of the whole account."""
        if isinstance(failure, Unauthorized):
            self.credential.refuse()
        self._tell(failure.as_unknown())

    async def _list_now(self) -> Tokens:
        self._done_meanwhile.clear()
        try:
            client = await self.client()
            await self._accounts.read_shared_credentials(self.key)
            async with client.pacer.slot(Lane.URGENT, self.key.namespace):
                listed = await client.list_tokens()
        except Failure as failure:
            self.distrust(failure)
            return self.tokens
        self.credential.accept(credential_among(listed, client.credential_last_four, self.marked_id))
        tokens = by_owner(listed)
        for token, is_alive in self._done_meanwhile:
            tokens = with_change(tokens, token, is_alive=is_alive)
        return self._tell(Found(tokens))

    async def _list_resources_now(self) -> Found[Catalogue] | Unknown:
        try:
            client = await self.client()
            async with client.pacer.slot(Lane.CHANGE, self.key.namespace):
                return Found(await client.list_resources())
        except Failure as failure:
            return failure.as_unknown()

    def _tell(self, tokens: Tokens) -> Tokens:
        before, self.tokens = self.tokens, tokens
        if isinstance(tokens, Found):
            self.owned = tokens.value
        if before != tokens:
            self._accounts.on_change(self.key, before, tokens)
        return tokens
