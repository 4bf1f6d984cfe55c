"""The Kubernetes API, as plain JSON over `kubernetes.aio`: one timeout and one reading of its errors for all calls.

Which objects exist and what a write means is said by the callers; every write they make carries a precondition.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import aiohttp
from kubernetes.aio import client
from pydantic import BaseModel

from mailtrap_operator.api.objects import Metadata
from mailtrap_operator.api.v1alpha1 import GROUP, VERSION, AccountKind
from mailtrap_operator.clients.cluster_access import ClusterAccess, unusable
from mailtrap_operator.clients.errors import (
    LONGEST_QUOTE,
    Conflict,
    Failure,
    Missing,
    Retryable,
    Terminal,
    Uncertain,
    Undefined,
    quoted,
)
from mailtrap_operator.clients.pages import read_page
from mailtrap_operator.clients.retry_after import retry_after
from mailtrap_operator.clients.user_agent import USER_AGENT
from mailtrap_operator.core.reasons import Reason

Body = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
_METADATA_ONLY = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_RESOURCES: Mapping[AccountKind, str] = {
    "MailtrapAccount": "mailtrapaccounts",
    "ClusterMailtrapAccount": "clustermailtrapaccounts",
}

_NO_SUCH_PAGE = b"404 page not found"
"""What an API server answers about a kind that it does not serve."""

# The longest first, as one is the end of another.
_KINDS = ("clustermailtrapaccounts", "mailtrapaccounts", "apitokens")


async def connect(request_timeout: timedelta, access: ClusterAccess) -> "KubeClient":
    """Return a client; raises `Terminal` where there is nothing to connect with."""
    configuration = await access.configuration()
    try:
        api = client.ApiClient(configuration)
    except (OSError, ValueError) as error:
        raise unusable("the credentials", error) from None
    # Kubernetes takes the part before the slash as the name of the field manager.
    api.user_agent = USER_AGENT
    return KubeClient(api, request_timeout, access)


class KubeClient:
    """Sends JSON to the API server and returns JSON; every method raises a `Failure`.

    `before_write` runs right before anything but a read is sent, and may raise a `Failure` in its place.
    """

    def __init__(
        self,
        api: client.ApiClient,
        request_timeout: timedelta,
        access: ClusterAccess | None = None,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        self._api = api
        self._access = access
        self._timeout = aiohttp.ClientTimeout(total=request_timeout.total_seconds())
        self._request_timeout = request_timeout
        self._before_write = before_write

    def guarded(self, before_write: Callable[[], None]) -> "KubeClient":
        """Return a client that uses the same connections and asks before each write."""
        return KubeClient(self._api, self._request_timeout, self._access, before_write)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Body:
        """Return one object or list; raises `Missing`."""
        return await self._call("GET", path, query=query)

    async def list_page(self, path: str, query: Mapping[str, str]) -> Body:
        """Return one page of a list; raises `TooLarge` for a large one, unless it is of one object."""
        return await self._call("GET", path, query=query, is_page=True)

    async def list_metadata(self, path: str, query: Mapping[str, str]) -> Body:
        """Return one page of a list whose items are metadata alone; raises as `list_page` does."""
        return await self._call("GET", path, query=query, accept=_METADATA_ONLY, is_page=True)

    async def create(self, path: str, body: Body, *, dry_run: bool = False) -> Body:
        """Create an object; raises `Conflict` when it exists."""
        return await self._call("POST", path, body, query=_dry(dry_run))

    async def replace(self, path: str, body: Body, *, dry_run: bool = False) -> Body:
        """Write a whole object; its resourceVersion is the precondition."""
        return await self._call("PUT", path, body, query=_dry(dry_run))

    async def merge(self, path: str, body: Body) -> Body:
        """Merge into an object; its resourceVersion is the precondition."""
        return await self._call("PATCH", path, body, content_type=MERGE_PATCH)

    async def write_finalizers(self, path: str, resource_version: str, finalizers: tuple[str, ...]) -> Body:
        """Replace the finalizers of the very version that was read."""
        meta = {"finalizers": list(finalizers), "resourceVersion": resource_version}
        return await self.merge(path, {"metadata": meta})

    async def write_status(self, path: str, kind: str, meta: Metadata, status: BaseModel) -> Body:
        """Replace the status of the very version that was read; `path` is that of the object."""
        read = {"name": meta.name, "namespace": meta.namespace, "resourceVersion": meta.resource_version}
        stored = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": read, "status": stored}
        return await self.replace(f"{path}/status", body)

    async def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        """Delete the very object that was read."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        await self._call("DELETE", path, {"preconditions": preconditions})

    async def _call(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        is_page: bool = False,
    ) -> Body:
        try:
            serialized = await self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Content-Type": content_type, "Accept": accept},
                body=body,
                auth_settings=["BearerToken"],
            )
            if method != "GET":
                self._before_write()
            response = await self._api.call_api(*serialized, _request_timeout=self._timeout)
            limit = (query or {}).get("limit")
            data = await (read_page(response.response, limit) if is_page else response.read())
            status = response.status
            if status == HTTPStatus.UNAUTHORIZED and self._access:
                self._access.refuse()
            if status >= HTTPStatus.BAD_REQUEST:
                raise _failure_of(status, data, path, retry_after(response.response.headers))
            return _parsed(data)
        except aiohttp.ClientConnectorCertificateError as error:
            if self._access:
                await self._access.check_authority()
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, self._unreachable(error)) from None
        except (aiohttp.ClientConnectorError, client.ApiException) as error:
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, self._unreachable(error)) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, self._unreachable(error)) from None

    def _unreachable(self, error: Exception) -> str:
        proxy = self._access.proxy if self._access else None
        through = f" through {proxy.name}" if proxy else ""
        return f"The Kubernetes API gave no answer{through} ({type(error).__name__}); it is tried again."


def api_token_path(namespace: str, name: str) -> str:
    """Return the path of an ApiToken."""
    return f"{api_tokens_path(namespace)}/{name}"


def account_path(kind: AccountKind, namespace: str | None, name: str) -> str:
    """Return the path of an account; `namespace` counts for a MailtrapAccount only."""
    return f"{accounts_path(kind, namespace)}/{name}"


def api_tokens_path(namespace: str | None = None) -> str:
    """Return the path of a namespace's ApiTokens, or of all."""
    return f"/apis/{GROUP}/{VERSION}/{_scope(namespace)}apitokens"


def accounts_path(kind: AccountKind, namespace: str | None = None) -> str:
    """Return the path of the accounts of one kind, of a namespace or of all."""
    return f"/apis/{GROUP}/{VERSION}/{_scope(namespace)}{_RESOURCES[kind]}"


def namespace_path(name: str) -> str:
    """Return the path of a namespace."""
    return f"/api/v1/namespaces/{name}"


def secrets_path(namespace: str | None = None) -> str:
    """Return the path of a namespace's Secrets, or of all."""
    return f"/api/v1/{_scope(namespace)}secrets"


def _scope(namespace: str | None) -> str:
    return f"namespaces/{namespace}/" if namespace else ""


def _dry(dry_run: bool) -> Mapping[str, str] | None:  # noqa: FBT001 - private, named at each call
    return {"dryRun": "All"} if dry_run else None


def _parsed(data: bytes) -> Body:
    body = _json_object(data)
    if body is None:
        raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, "The Kubernetes API's answer could not be read.")
    return body


def _json_object(data: bytes) -> Body | None:
    try:
        body = json.loads(data)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _words_of(refusal: Body) -> str:
    """Return what a `Status` says: its message, or its causes where that is too long to be shown whole."""
    message, details = str(refusal.get("message", "")), refusal.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    if len(message) <= LONGEST_QUOTE or not isinstance(causes, list):
        return message
    told = (each for each in causes if isinstance(each, dict) and each.get("message"))
    return (
        "; ".join(f"{each.get('field') or refusal.get('reason')}: {each['message']}" for each in told)
        or message
    )


def _unexplained(status: int, data: bytes, path: str, pause: timedelta | None) -> Failure:
    """Return what an answer means that is from a proxy, or from an API server that does not serve this kind.

    No 404 of theirs says that an object is gone.
    """
    if data.strip() == _NO_SUCH_PAGE and path.startswith(f"/apis/{GROUP}/"):
        return Undefined(Reason.KUBERNETES_UNAVAILABLE, _undefined(path))
    said = f"The Kubernetes API, or something in front of it, answered {status} without saying why; it is tried again."
    # A 429 never means that the call was executed, even if it came from a proxy.
    kind = Retryable if status == HTTPStatus.TOO_MANY_REQUESTS else Uncertain
    return kind(Reason.KUBERNETES_UNAVAILABLE, said, pause)


def _undefined(path: str) -> str:
    kind = next((name for name in _KINDS if f"/{name}" in path), "")
    return (
        f"The Kubernetes API does not know {kind}.{GROUP}: this CustomResourceDefinition is missing. Install it with `mailtrap-operator crds | kubectl apply --server-side -f -`, or with `kubectl apply --server-side -f crds/` of the "
        "release; it is looked for again."
    )


def _unreachable(error: Exception) -> str:
    return f"The Kubernetes API gave no answer ({type(error).__name__}); it is tried again."


def _failure_of(status: int, data: bytes, path: str, pause: timedelta | None = None) -> Failure:
    """Read the `Status` object of a refused call; only its words are kept. `pause` is how long the server asks for."""
    refusal = _json_object(data)
    if refusal is None:
        return _unexplained(status, data, path, pause)
    said = f'The Kubernetes API answered {status}: "{quoted(_words_of(refusal))}".'
    match status:
        case HTTPStatus.NOT_FOUND:
            return Missing(Reason.NOT_FOUND, said)
        case HTTPStatus.CONFLICT:
            return Conflict(Reason.KUBERNETES_UNAVAILABLE, said)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.TOO_MANY_REQUESTS:
            return Retryable(Reason.KUBERNETES_UNAVAILABLE, said, pause)
        case _ if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Terminal(Reason.KUBERNETES_REFUSED, said)
        case _:
            return Uncertain(Reason.KUBERNETES_UNAVAILABLE, said, pause)
