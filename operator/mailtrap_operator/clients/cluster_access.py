"""Credentials and trust for the Kubernetes API: a service account's files, or a kubeconfig where there are none.

Tokens are renewed in their files, so they are read again. An authority that changes is another matter: anyone who holds
connections that were made with the former one must start again, and is told so.
"""

import asyncio
import logging
import random
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes.aio import client, config

from mailtrap_operator.clients.errors import Failure, Terminal, quoted
from mailtrap_operator.clients.proxies import Proxies, Proxy
from mailtrap_operator.core.reasons import Reason

logger = logging.getLogger(__name__)

SERVICE_ACCOUNT = Path(config.incluster_config.SERVICE_TOKEN_FILENAME).parent

_TOKEN_LASTS = 60.0
"""For so many seconds a token is used without a look at its file; a kubelet renews it long before it ends."""

_FIRST_PAUSE, _LAST_PAUSE = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection to the API server is made with; the files are read by anyone who makes it.

    `number` tells two logins apart that are the same otherwise.
    """

    number: int
    server: str
    ca_file: str | None
    is_verified: bool
    authorization: str
    certificate_file: str | None
    key_file: str | None
    proxy: str | None


class ClusterAccess:
    """Reads the credentials, as often as it takes; `folder` is where a pod has its service account's.

    `proxy` is the one that leads to the API server, as far as it was read. A pod calls its own cluster directly.
    """

    def __init__(self, rng: random.Random, proxies: Proxies, folder: Path = SERVICE_ACCOUNT) -> None:
        self.proxy: Proxy | None = None
        self._rng = rng
        self._proxies = proxies
        self._folder = folder
        self._read_at = float("-inf")
        self._logins = 0
        self._given = ""
        self._pause = 0.0
        self._authority: bytes | None = None
        self._unhealthy_reason: str | None = None

    async def configuration(self) -> client.Configuration:
        """Return a configuration whose token is renewed as time goes by; raises `Terminal` where there is none."""
        configuration = await self._load()
        self._authority = _contents(configuration)
        configuration.refresh_api_key_hook = self._renew  # type: ignore[assignment]  # the library has it begin as None
        return configuration

    def refuse(self) -> None:
        """Record that the token was refused: the next call looks at its file."""
        self._read_at = float("-inf")

    async def check_authority(self) -> None:
        """Record that the API server's certificate is not trusted: what it is checked by may have been replaced."""
        try:
            present = _contents(await self._load())
        except Failure:
            return
        if present != self._authority and self._unhealthy_reason is None:
            self._unhealthy_reason = "The authority that the API server's certificate is checked by was replaced; this process knows the former one."
            logger.error(self._unhealthy_reason)

    def unhealthy_reason(self) -> str | None:
        """Return why this process must start again, None where it need not."""
        return self._unhealthy_reason

    async def login(self) -> Login:
        """Return what to connect with from now on; it is asked for whenever what it gave before was refused.

        One that is the same as before comes after a pause, each time a longer one: its file may be renewed meanwhile, or
        the API server may change its mind. It never raises: who watches would end.
        """
        configuration = await self._load_until_available()
        if self._logins:
            logger.warning("the credentials were refused; they are read again")
        if self._logins and _token(configuration) == self._given:
            await self._rest()
            configuration = await self._load_until_available()
        if _token(configuration) != self._given:
            self._pause = 0.0
        self._given = _token(configuration)
        self._logins += 1
        return Login(
            number=self._logins,
            server=configuration.host,
            ca_file=configuration.ssl_ca_cert,
            is_verified=configuration.verify_ssl,
            authorization=self._given,
            certificate_file=configuration.cert_file,
            key_file=configuration.key_file,
            proxy=configuration.proxy,
        )

    async def _load_until_available(self) -> client.Configuration:
        while True:
            try:
                return await self._load()
            except Failure as failure:
                logger.warning("the credentials cannot be read", extra={"cause": failure.message})
                await self._rest()

    async def _rest(self) -> None:
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LAST_PAUSE)
        await asyncio.sleep(self._pause * self._rng.uniform(0.75, 1.25))

    async def _renew(self, configuration: client.Configuration) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._read_at < _TOKEN_LASTS:
            return
        self._read_at = now
        try:
            configuration.api_key = (await self._load()).api_key
        except Failure as failure:
            # The former token may work on; where it does not, the call says so.
            logger.warning("the credentials cannot be read", extra={"cause": failure.message})

    async def _load(self) -> client.Configuration:
        configuration = client.Configuration()
        # What the library reads in the environment is not what other programs of a cluster read there.
        configuration.client_session_kwargs = {"trust_env": False}
        token, authority = self._folder / "token", self._folder / "ca.crt"
        try:
            config.incluster_config.InClusterConfigLoader(
                str(token), str(authority), try_refresh_token=False
            ).load_and_set(configuration)
        except config.ConfigException:
            await _from_kubeconfig(configuration)
            self.proxy = self._proxy_to(configuration)
            configuration.proxy = self.proxy.url if self.proxy else None
        except OSError as error:
            raise unusable("the service account", error) from None
        # As client-go does: a file often ends with a newline, which no header can carry.
        if bearer := _token(configuration):
            configuration.api_key = {"BearerToken": bearer}
        return configuration

    def _proxy_to(self, configuration: client.Configuration) -> Proxy | None:
        given: str | None = configuration.proxy
        return (
            Proxy.of(given, "proxy-url in the kubeconfig") if given else self._proxies.to(configuration.host)
        )


async def _from_kubeconfig(configuration: client.Configuration) -> None:
    try:
        await config.load_kube_config(client_configuration=configuration)
    except (config.ConfigException, yaml.YAMLError, OSError, TypeError, ValueError) as error:
        raise unusable("the kubeconfig", error) from None


def unusable(what: str, error: Exception) -> Terminal:
    """Return the failure that says why there is nothing to connect with."""
    words = f"No cluster to work on: {what} cannot be used ({type(error).__name__}: {quoted(str(error))})."
    advice = "Set KUBECONFIG to a file that names a cluster, or run in a pod with a service account."
    return Terminal(Reason.KUBERNETES_UNAVAILABLE, f"{words} {advice}")


def _token(configuration: client.Configuration) -> str:
    """Return scheme and token; raises `Terminal` where no header can carry them."""
    scheme, _, token = str(configuration.api_key.get("BearerToken", "")).partition(" ")
    token = token.strip()
    if scheme and not (token.isascii() and token.isprintable() and token):
        error = ValueError("the token is empty, or has characters that no token has")
        raise unusable("the login", error)
    return f"{scheme} {token}".strip()


def _contents(configuration: client.Configuration) -> bytes:
    path = configuration.ssl_ca_cert
    return Path(path).read_bytes() if path else b""
