"""Reads ApiTokens and writes what of them is ours: the status and the finalizer.

`spec`, labels and annotations are never written. Every write names the resourceVersion it was decided on.
"""

import asyncio
from collections.abc import Callable

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus
from mailtrap_operator.clients.errors import Missing
from mailtrap_operator.clients.kube import Body, KubeClient, api_token_path
from mailtrap_operator.core.keys import ApiTokenKey

_MOST_READ = 8
"""So many objects are read at once: each may take megabytes until it is reduced to what matters."""


class ApiTokenClient:
    """Reads and writes ApiTokens; every method raises a `Failure`.

    `remember` gets each body that the API server answered with, and what was read from it.
    """

    def __init__(self, kube: KubeClient, remember: Callable[[Body, ApiToken], object]) -> None:
        self._kube = kube
        self._remember = remember
        self._reading = asyncio.Semaphore(_MOST_READ)

    async def read(self, key: ApiTokenKey) -> ApiToken | None:
        """Return an object as it is now, or None when it is gone."""
        try:
            async with self._reading:
                return self._parsed(await self._kube.get(api_token_path(*key)))
        except Missing:
            return None

    async def write_status(self, api_token: ApiToken, status: ApiTokenStatus) -> ApiToken:
        """Replace the status of the very version that was read."""
        written = await self._kube.write_status(_path(api_token), "ApiToken", api_token.metadata, status)
        return self._parsed(written)

    async def write_finalizers(self, api_token: ApiToken, finalizers: tuple[str, ...]) -> ApiToken:
        """Replace the finalizers of the very version that was read."""
        version = api_token.metadata.resource_version
        return self._parsed(await self._kube.write_finalizers(_path(api_token), version, finalizers))

    def _parsed(self, body: Body) -> ApiToken:
        api_token = ApiToken.model_validate(body)
        self._remember(body, api_token)
        return api_token


def _path(api_token: ApiToken) -> str:
    return api_token_path(api_token.metadata.namespace or "", api_token.metadata.name)
