"""The Lease in which replicas write who of them leads.

What a record means, and when it may be written, is decided elsewhere; here it is only read and written.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtrap_operator.clients.errors import Missing, Uncertain
from mailtrap_operator.clients.kube import Body, KubeClient
from mailtrap_operator.core.reasons import Reason

LEASE_NAME = "mailtrap-operator"

_API_VERSION = "coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What stands in the Lease.

    `holder` is empty when no one leads; `transitions` counts how often the leader changed. An empty `version` is that of
    a Lease which does not exist yet.
    """

    holder: str
    duration: timedelta
    acquired_at: datetime | None
    renewed_at: datetime | None
    transitions: int
    version: str = ""


class LeaseClient:
    """Reads and writes the Lease of one namespace; every method raises a `Failure`, at the latest after `patience`."""

    def __init__(self, kube: KubeClient, namespace: str, patience: timedelta) -> None:
        self._kube = kube
        self._root = f"/apis/{_API_VERSION}/namespaces/{namespace}/leases"
        self._patience = patience.total_seconds()

    async def read(self) -> LeaseRecord | None:
        """Return the record, or None when there is no Lease."""
        try:
            async with self._bounded():
                return _record(await self._kube.get(f"{self._root}/{LEASE_NAME}"))
        except Missing:
            return None

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Write over the very version that was read, or create the Lease; raises `Conflict` when someone was faster."""
        async with self._bounded():
            if record.version:
                patch: Body = {"metadata": {"resourceVersion": record.version}, "spec": _spec(record)}
                return _record(await self._kube.merge(f"{self._root}/{LEASE_NAME}", patch))
            metadata = {"name": LEASE_NAME}
            lease = {"apiVersion": _API_VERSION, "kind": "Lease", "metadata": metadata, "spec": _spec(record)}
            return _record(await self._kube.create(self._root, lease))

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError:
            message = f"The Kubernetes API did not answer for the Lease within {self._patience:.0f} s; it is tried again."
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, message) from None


def _record(body: Body) -> LeaseRecord:
    spec = body.get("spec") or {}
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=timedelta(seconds=spec.get("leaseDurationSeconds") or 0),
        acquired_at=_moment(spec.get("acquireTime")),
        renewed_at=_moment(spec.get("renewTime")),
        transitions=spec.get("leaseTransitions") or 0,
        version=body["metadata"]["resourceVersion"],
    )


def _spec(record: LeaseRecord) -> Body:
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": round(record.duration.total_seconds()),
        "acquireTime": _text(record.acquired_at),
        "renewTime": _text(record.renewed_at),
        "leaseTransitions": record.transitions,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime | None) -> str | None:
    """Return a moment as the API's MicroTime."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z") if moment else None
