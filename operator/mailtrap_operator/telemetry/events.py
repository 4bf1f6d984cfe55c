"""Writes Kubernetes Events. One that cannot be written is logged and given up: an Event never holds up a pass."""

import logging
from collections.abc import Callable
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import GROUP, VERSION, ApiToken, print_time
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.core.announcements import Announcement

logger = logging.getLogger(__name__)

_LONGEST_NOTE = 1024


class EventRecorder:
    """Writes Events about ApiTokens."""

    def __init__(self, kube: KubeClient, *, holder: str, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._holder = holder
        self._clock = clock

    async def emit(self, api_token: ApiToken, announcement: Announcement) -> None:
        """Write one Event and log it."""
        meta = api_token.metadata
        extra = {"key": f"{meta.namespace}/{meta.name}", "reason": announcement.reason}
        level = logging.WARNING if announcement.type == "Warning" else logging.INFO
        logger.log(level, announcement.message, extra=extra)
        now = print_time(self._clock())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{meta.name[:200]}.", "namespace": meta.namespace},
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "ApiToken",
                "name": meta.name,
                "namespace": meta.namespace,
                "uid": meta.uid,
            },
            "type": announcement.type,
            "reason": announcement.reason,
            "message": announcement.message[:_LONGEST_NOTE],
            "source": {"component": "mailtrap-operator"},
            "reportingComponent": "mailtrap-operator",
            "reportingInstance": self._holder,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._kube.create(f"/api/v1/namespaces/{meta.namespace}/events", body)
        except Failure as failure:
            logger.info("an Event was not written", extra={**extra, "cause": failure.message})
