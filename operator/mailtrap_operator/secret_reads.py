"""OBSERVE: the Secrets of ApiTokens, as the watch reported them or as they are read by name. Never raises."""

from mailtrap_operator.api.names import MANAGED_BY, MANAGED_BY_LABEL
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.observation import Absent, Found, SecretState, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.cache import Cache

Secret = Found[SecretState] | Absent | Unknown


class SecretReads:
    """Reads Secrets; what is read is cached like what a watch reports."""

    def __init__(self, cache: Cache, secrets: SecretClient, *, watches_secrets: bool) -> None:
        self._cache = cache
        self._secrets = secrets
        self._watches_secrets = watches_secrets

    async def known(self, namespace: str, name: str) -> Secret:
        """Return a Secret as the watch reported it; one that no watch reports is read."""
        if not self._watches_secrets or self._cache.is_unread_secret(namespace, name):
            return await self.fresh(namespace, name)
        state = self._cache.secret(namespace, name)
        return Found(state) if state else Absent()

    async def fresh(self, namespace: str, name: str) -> Secret:
        """Return a Secret as the API server has it, and remember it."""
        try:
            secret = await self._secrets.read(namespace, name)
        except Failure as failure:
            return Unknown(
                failure.reason, f"Secret {name} cannot be read: {failure.message}", failure.retry_after
            )
        if isinstance(secret, Found) and self._cache.knows_newer_secret(namespace, secret.value):
            message = f"Secret {name} was read older than it was seen before; it is read again."
            return Unknown(Reason.KUBERNETES_UNAVAILABLE, message)
        if isinstance(secret, Found) and secret.value.labels.get(MANAGED_BY_LABEL) == MANAGED_BY:
            self._cache.put_secret(namespace, secret.value)
        else:
            # No watch reports a Secret without our label: what is not remembered is read again.
            self._cache.drop_secret(namespace, name)
        return secret
