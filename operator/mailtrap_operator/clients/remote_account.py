"""One account as the remote API shows it: one shared LIST, one credential, one server."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from mailtrap_operator.clients.account_access import AccountAccess
from mailtrap_operator.clients.credential_secrets import parse_credential_secret
from mailtrap_operator.clients.credential_values import credential_in, marked_id
from mailtrap_operator.clients.errors import Failure, Terminal, Unauthorized
from mailtrap_operator.clients.known_credential import KnownCredential
from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.owned_tokens import by_owner, with_change
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.shared_read import SharedRead
from mailtrap_operator.core.clocks import ClockDifference
from mailtrap_operator.core.credential import credential_among
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import Catalogue, Found, OwnedTokens, OwnerTag, RemoteToken, Unknown
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.protection import CredentialSecret
from mailtrap_operator.core.reasons import Reason

Tokens = Found[OwnedTokens] | Unknown

OnChange = Callable[[AccountKey, Tokens, Tokens], None]
"""Gets what was known of an account's tokens before and after a LIST, where the two differ."""

NOT_LISTED = Unknown(Reason.ACCOUNT_NOT_LISTED, "The account's tokens were not listed yet; they will be.")


class RemoteAccount:
    """One account.

    `tokens` is what its last LIST said, with what this process has done since, and `owned` what the last one said that
    answered, None where none has; `pacer` is that of the credential that was used last, another one for another credential;
    `credential_secret` is the Secret it was read from, `marked_id` the token that the marks there say it is, `credential` what
    is known of it; `resources` reads those of the account.

    `shared` returns the connections whose credentials count for all tokens of the account and must be read before a LIST.
    """

    def __init__(
        self,
        key: AccountKey,
        access: AccountAccess,
        *,
        shared: Callable[[], Iterable["RemoteAccount"]],
        on_change: OnChange,
    ) -> None:
        self.key = key
        self.tokens: Tokens = NOT_LISTED
        self.owned: OwnedTokens | None = None
        self.pacer: Pacer | None = None
        self.credential = KnownCredential(key)
        self.credential_secret: CredentialSecret | None = None
        self.marked_id: int | None = None
        self._access = access
        # A pool of connections each: a slow account takes none away from another.
        self.http = access.new_http()
        self._shared = shared
        self._on_change = on_change
        self._list = SharedRead(self._list_now, f"list {key}", access.while_waiting)
        self.resources = SharedRead(
            self._list_resources_now, f"list the resources of {key}", access.while_waiting
        )
        self._done_meanwhile: list[tuple[RemoteToken, bool]] = []
        self._server: KnownServer | None = None

    @property
    def clock_difference(self) -> ClockDifference:
        """How far the clock of the account's server and the operator's are apart."""
        return self._server.clock.difference if self._server else ClockDifference()

    async def client(self) -> MailtrapClient:
        """Return a client with the account's present credential; raises a `Failure` that says what is missing."""
        try:
            client = await self._open()
        except Terminal:
            self.credential.miss()
            raise
        self.pacer = client.pacer
        self.credential.read(client.credential_last_four)
        return client

    def shows(self, owner: OwnerTag) -> bool:
        """Whether the last LIST that answered, with what this process did since, has tokens of an owner."""
        return self.owned is not None and owner in self.owned

    async def list_tokens(self) -> Tokens:
        """Return what a LIST says that starts after this call; never raises."""
        return await self._list.answer()

    def record_change(self, token: RemoteToken, *, is_alive: bool) -> None:
        """Record a token that this process issued or revoked, until the next LIST shows it."""
        self._done_meanwhile.append((token, is_alive))
        if self.owned is not None:
            self.owned = with_change(self.owned, token, is_alive=is_alive)
            if isinstance(self.tokens, Found):
                self.tokens = Found(self.owned)

    def mark_failed(self, failure: Failure) -> None:
        """Record that a call failed in a way that speaks of the whole account."""
        if isinstance(failure, Unauthorized):
            self.credential.refuse()
        self._tell(failure.as_unknown())

    async def close(self) -> None:
        """Close the connections of the pool."""
        await self.http.aclose()

    async def _open(self) -> MailtrapClient:
        account = self._access.account(self.key)
        spec = account.spec
        ref, namespace = spec.credentials_secret_ref, self._access.credentials_namespace(self.key)
        place = f"Secret {namespace}/{ref.name}"
        secret = await self._access.secret(self.key, ref.name)
        self.credential_secret = None if secret is None else parse_credential_secret(secret)
        if secret is None:
            message = f"{place} with the credential does not exist. Create it."
            raise Terminal(Reason.CREDENTIAL_MISSING, message)
        credential = credential_in(secret, ref.key, place)
        self.marked_id = marked_id(secret, credential)
        server = self._server_at(spec.base_url, spec.account_id)
        return self._access.client(self.key, self.http, server, credential)

    def _server_at(self, base_url: str, account_id: int) -> KnownServer:
        """Return what is known of a server; another address or account is another server."""
        known = self._server
        if known is None or (known.base_url, known.account_id) != (base_url, account_id):
            known = self._server = KnownServer(base_url, account_id, self._access.clock)
        return known

    async def _list_now(self, note_sent: Callable[[], None]) -> Tokens:
        self._done_meanwhile.clear()
        try:
            client = await self.client()
            await self._read_shared_credentials()
            async with client.pacer.slot(Priority.URGENT, self.key.namespace):
                note_sent()
                listed = await client.list_tokens()
        except Failure as failure:
            self.mark_failed(failure)
            return self.tokens
        self.credential.accept(credential_among(listed, client.credential_last_four, self.marked_id))
        tokens = by_owner(listed)
        for token, is_alive in self._done_meanwhile:
            tokens = with_change(tokens, token, is_alive=is_alive)
        return self._tell(Found(tokens))

    async def _read_shared_credentials(self) -> None:
        """Read the credentials that count for all tokens of the account, as far as none was read yet.

        Raises a `Failure` where one may be at work and cannot be read; one that is missing is not at work.
        """
        for other in self._shared():
            if not other.credential.is_known:
                with suppress(Terminal):
                    await other.client()

    async def _list_resources_now(self, note_sent: Callable[[], None]) -> Found[Catalogue] | Unknown:
        try:
            client = await self.client()
            async with client.pacer.slot(Priority.CHANGE, self.key.namespace):
                note_sent()
                return Found(await client.list_resources())
        except Failure as failure:
            return failure.as_unknown()

    def _tell(self, tokens: Tokens) -> Tokens:
        before, self.tokens = self.tokens, tokens
        if isinstance(tokens, Found):
            self.owned = tokens.value
        if before != tokens:
            self._on_change(self.key, before, tokens)
        return tokens
