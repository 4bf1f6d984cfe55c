"""Writes Kubernetes Events. One that cannot be written is logged and given up: an Event never holds up a reconcile.

A repeated Event increments the count of the first one, while that still exists.
"""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import GROUP, VERSION, Account, ApiToken, print_time
from mailtrap_operator.clients.errors import Conflict, Failure
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.core.events import Event

logger = logging.getLogger(__name__)

_LONGEST_NOTE = 1024
_NAMESPACE_OF_CLUSTER_WIDE = "default"
"""Where Kubernetes wants the Events about objects without a namespace."""


class EventRecorder:
    """Writes Events about ApiTokens and accounts."""

    def __init__(self, kube: KubeClient, *, holder: str, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._holder = holder
        self._clock = clock

    async def emit(self, about: ApiToken | Account, event: Event) -> None:
        """Write one Event and log it."""
        meta, kind = about.metadata, about.kind if isinstance(about, Account) else "ApiToken"
        place = f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name
        key = f"{kind} {place}" if isinstance(about, Account) else place
        extra = {"key": key, "reason": event.reason}
        namespace = meta.namespace or _NAMESPACE_OF_CLUSTER_WIDE
        of_namespace = {"namespace": meta.namespace} if meta.namespace else {}
        level = logging.WARNING if event.type == "Warning" else logging.INFO
        logger.log(level, event.message, extra=extra)
        now = print_time(self._clock())
        path = f"/api/v1/namespaces/{namespace}/events"
        name = f"{meta.name[:200]}.{_digest(meta.uid, event)}"
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": kind,
                "name": meta.name,
                **of_namespace,
                "uid": meta.uid,
            },
            "type": event.type,
            "reason": event.reason,
            "message": event.message[:_LONGEST_NOTE],
            "source": {"component": "mailtrap-operator"},
            "reportingComponent": "mailtrap-operator",
            "reportingInstance": self._holder,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            try:
                await self._kube.create(path, body)
            except Conflict:
                await self._count(f"{path}/{name}", now)
        except Failure as failure:
            logger.info("an Event was not written", extra={**extra, "cause": failure.message})

    async def _count(self, path: str, now: str) -> None:
        told = await self._kube.get(path)
        version = told["metadata"]["resourceVersion"]
        again = {"count": (told.get("count") or 1) + 1, "lastTimestamp": now}
        await self._kube.merge(path, {"metadata": {"resourceVersion": version}, **again})


def _digest(uid: str, event: Event) -> str:
    told = f"{uid}/{event.reason}/{event.message}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
