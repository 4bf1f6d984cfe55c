"""Lists everything in pages: before the first pass and then at intervals.

The first pass starts from the whole picture so; later, a watch that has gone deaf tells nothing.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mailtrap_operator.clients.errors import Retryable
from mailtrap_operator.clients.kube import Body, KubeClient
from mailtrap_operator.core.reasons import Reason

logger = logging.getLogger(__name__)

_PAGE = 500

ObjectName = tuple[str | None, str]
"""Namespace, None for a cluster-scoped object, and name."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of objects: where to list it, what to do with each, and which were known before.

    `known` returns namespace and name of each known object with a function that has it looked at; one that is known
    before a list begins and not in it is gone, or nearly new: looking tells.
    """

    paths: tuple[str, ...]
    kind: str
    take: Callable[[Body], None]
    known: Callable[[], Iterable[ObjectName]]
    missed: Callable[[ObjectName], None]
    labels: str = ""


async def resync(kube: KubeClient, listings: tuple[Listing, ...]) -> None:
    """List all kinds once; raises a `Failure`."""
    for listing in listings:
        unseen = set(listing.known())
        for path in listing.paths:
            async for body in pages(kube, path, listing.kind, listing.labels):
                listing.take(body)
                unseen.discard((body["metadata"].get("namespace"), body["metadata"]["name"]))
        for name in unseen:
            listing.missed(name)


async def pages(kube: KubeClient, path: str, kind: str, labels: str = "") -> AsyncIterator[dict[str, Any]]:
    """Yield all objects as they are when the list begins, not as a cache has them; raises a `Failure`."""
    query = {"limit": str(_PAGE)} | ({"labelSelector": labels} if labels else {})
    while True:
        page = await kube.get(path, query)
        if "items" not in page:
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, f"The answer to a list of {kind}s is no list.")
        for item in page["items"] or ():
            # The items of a list do not name their kind.
            yield {**item, "kind": kind}
        if not (following := page.get("metadata", {}).get("continue")):
            return
        query["continue"] = following
