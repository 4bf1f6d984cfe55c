"""WATCH: kopf says which object an event is about; it is put into the cache and its key into the queue. Nothing else.

kopf lists and watches, and keeps the login; it writes nothing. Of Secrets it is sent the metadata alone.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import kopf

from mailtrap_operator.api.names import GROUP, KOPF_FINALIZER, SECRETS_OF_OURS, VERSION
from mailtrap_operator.clients.cluster_access import ClusterAccess, Login
from mailtrap_operator.clients.pages import LONGEST_PAGE
from mailtrap_operator.clients.watch_session import watch_session
from mailtrap_operator.informer import Informer
from mailtrap_operator.runtime.scope import Scope
from mailtrap_operator.runtime.watchdog import Watchdog

_LONGEST_PAUSE = 30.0


def register(
    registry: kopf.OperatorRegistry,
    access: ClusterAccess,
    informer: Informer,
    watchdog: Watchdog,
    scope: Scope,
) -> None:
    """Register the handlers that feed the informer with what is watched."""

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings)

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return session_of(connection_of(await access.login()))

    @kopf.on.event(GROUP, VERSION, "apitokens", registry=registry)
    async def on_api_token(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf names it
        watchdog.heard(body)
        informer.api_token(dict(body), is_gone=type == "DELETED")

    async def on_secret(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf names it
        metadata = {**body, "kind": "Secret"}
        watchdog.heard(metadata)
        informer.secret_metadata(metadata, is_gone=type == "DELETED")

    @kopf.on.event(GROUP, VERSION, "mailtrapaccounts", registry=registry)
    async def on_account(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf names it
        watchdog.heard(body)
        informer.account(dict(body), is_gone=type == "DELETED")

    if scope.watches_secrets:
        kopf.on.event("v1", "secrets", registry=registry)(on_secret)
    if scope.sees_cluster_accounts:
        kopf.on.event(GROUP, VERSION, "clustermailtrapaccounts", registry=registry)(on_account)


def connection_of(login: Login) -> kopf.ConnectionInfo:
    """Return a login as kopf takes it."""
    scheme, _, token = login.authorization.partition(" ")
    return kopf.ConnectionInfo(
        server=login.server,
        ca_path=login.ca_file,
        insecure=not login.is_verified,
        scheme=scheme or None,
        token=token or None,
        certificate_path=login.certificate_file,
        private_key_path=login.key_file,
        proxy_url=login.proxy,
        # kopf takes no credentials twice that were refused once; this makes each login another one.
        priority=login.number,
    )


def session_of(connection: kopf.ConnectionInfo) -> kopf.AiohttpSession:
    """Return what kopf connects with: a session over which large objects come in small pages."""
    session = watch_session(connection.as_http_headers(), connection.as_ssl_context(), connection.proxy_url)
    return kopf.AiohttpSession(
        server=connection.server, priority=connection.priority, aiohttp_session=session
    )


class EndlessBackoffs:
    """The pauses between kopf's attempts at a request: without an end, as a watch that gives up ends the process."""

    def __iter__(self) -> Iterator[float]:
        """Yield seconds."""
        for attempt in itertools.count():
            yield min(2.0 ** min(attempt, 5), _LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - spreads retries


class NoDiffs(kopf.DiffBaseStorage):
    """Has kopf compare nothing: the handlers get whole objects, and its copies of each cost a twentieth of the processor."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """Return that nothing was stored."""

    def store(self, **_: Any) -> None:
        """Store nothing."""


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Make kopf an informer: small pages, bounded waits, no writes of its own."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.persistence.finalizer = KOPF_FINALIZER
    settings.persistence.diffbase_storage = NoDiffs()
    settings.queueing.idle_timeout = 0.1
    settings.watching.chunk_size = LONGEST_PAGE
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    # The API server speaks once a minute where nothing happens; a connection that is silent for longer is dead.
    settings.watching.inactivity_timeout = 70
    settings.watching.initial_streaming = False
    settings.watching.label_selectors["v1", "secrets"] = SECRETS_OF_OURS
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
