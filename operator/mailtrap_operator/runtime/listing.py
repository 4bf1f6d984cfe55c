"""Lists everything in pages of bounded size: in full before the first reconcile, and from then on as far as versions go.

The first reconcile starts from the whole picture so. Later the lists show what the watches have not told: an object that is
missing here or newer there is read, one that is not there any more is looked at. What fits costs nothing.

A namespace that refuses to be listed, as its Role went with it, keeps no other from being listed. Nothing is taken for
gone of a kind that was not listed everywhere.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mailtrap_operator.clients.errors import Missing, Retryable, Terminal, TooLarge
from mailtrap_operator.clients.kube import Body, KubeClient
from mailtrap_operator.clients.pages import PageLength
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.watchdog import ObjectName, Watchdog

logger = logging.getLogger(__name__)

Fetch = Callable[[str, Mapping[str, str]], Awaitable[Body]]
"""Returns a page of a list; raises a `Failure`, `TooLarge` where fewer objects must be asked for."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One kind of objects: where to list it, what to do with each, and which were known before.

    `known` returns namespace and name of each known object with its resourceVersion. `has` says whether an object is
    known as it is in a resourceVersion, or later. `path_of` returns where one object is read, and `missed` has one looked
    at: one that is known before a list begins and not in it is gone, or nearly new; a read shows which.
    """

    paths: tuple[str, ...]
    kind: str
    take: Callable[[Body], None]
    known: Callable[[], Mapping[ObjectName, str]]
    has: Callable[[ObjectName, str, str], bool]
    path_of: Callable[[ObjectName], str]
    missed: Callable[[ObjectName], None]
    labels: str = ""


async def list_all(kube: KubeClient, listings: tuple[Listing, ...]) -> tuple[Terminal, ...]:
    """List all kinds once, in full; raises a `Failure`, a refusal only where a kind was refused everywhere.

    Returns:
        What was refused elsewhere.
    """
    refused, refused_everywhere = list[Terminal](), list[Terminal]()
    for listing in listings:
        before = listing.known()
        places = _Places(listing)
        listed = set[ObjectName]()
        for path in listing.paths:
            with places.one(path):
                async for body in pages(kube.list_page, path, listing.kind, listing.labels):
                    listed.add(_name_of(body))
                    _take(listing, body)
        if not places.refused:
            _look_for_ghosts(listing, before, listed)
        refused += places.refused
        refused_everywhere += places.refused_everywhere
    _raise_first(refused_everywhere)
    return tuple(refused)


class _Places:
    """Where one kind was listed, and which places refused."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.refused: list[Terminal] = []

    @contextmanager
    def one(self, path: str) -> Iterator[None]:
        """List one place; what refuses is noted, as the next attempt is refused as well."""
        try:
            yield
        except Terminal as refusal:
            logger.warning("a list was refused", extra={"path": path, "cause": refusal.message})
            self.refused.append(refusal)

    @property
    def refused_everywhere(self) -> list[Terminal]:
        """The refusals, if there was nothing else."""
        return self.refused if len(self.refused) == len(self._listing.paths) else []


def _raise_first(refused: list[Terminal]) -> None:
    for refusal in refused:
        raise refusal


def _take(listing: Listing, body: Body) -> None:
    try:
        listing.take(body)
    except Exception:
        # One object that no one foresaw must not keep all others from being served.
        logger.exception("an object could not be taken in", extra={"key": _text_of(_name_of(body))})


async def verify(kube: KubeClient, listings: tuple[Listing, ...], watchdog: Watchdog) -> None:
    """Compare what is known of all kinds with the lists of their versions once; raises a `Failure` as `list_all` does.

    A watch may report a change between the list and the comparison, so each object is judged by what is known at that
    moment: what is known later than it was listed fits, and what became known after the list had begun is no ghost.
    """
    refused_everywhere = list[Terminal]()
    for listing in listings:
        before = listing.known()
        places = _Places(listing)
        listed, missed = set[ObjectName](), dict[ObjectName, Body]()
        for path in listing.paths:
            with places.one(path):
                async for body in pages(kube.list_metadata, path, listing.kind, listing.labels):
                    name = _name_of(body)
                    listed.add(name)
                    if not _fits(listing, name, body):
                        missed[name] = body
        for name, body in missed.items():
            if not _fits(listing, name, body):
                await _read(kube, listing, name)
        if not places.refused:
            _look_for_ghosts(listing, before, listed)
        refused_everywhere += places.refused_everywhere
        versions = {name: body["metadata"]["resourceVersion"] for name, body in missed.items()}
        watchdog.compare(listing.kind, listed, versions)
    _raise_first(refused_everywhere)


async def pages(fetch: Fetch, path: str, kind: str, labels: str = "") -> AsyncIterator[dict[str, Any]]:
    """Yield all objects as they are when the list begins, not as a cache has them; raises a `Failure`.

    Objects may be of any size: a page that turns out too large is asked for again with fewer of them, and those after it
    become longer again.
    """
    length, query = PageLength(), {"labelSelector": labels} if labels else {}
    while True:
        try:
            page = await fetch(path, query | {"limit": str(length.objects)})
        except TooLarge:
            length.shorten()
            continue
        length.lengthen()
        if "items" not in page:
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, f"The answer to a list of {kind}s is no list.")
        items = page["items"] or []
        while items:
            # The items of a list do not name their kind. What was yielded is not kept while the next page comes.
            yield {**items.pop(0), "kind": kind}
        if not (following := page.get("metadata", {}).get("continue")):
            return
        query["continue"] = following


def _fits(listing: Listing, name: ObjectName, body: Body) -> bool:
    return listing.has(name, body["metadata"]["uid"], body["metadata"]["resourceVersion"])


async def _read(kube: KubeClient, listing: Listing, name: ObjectName) -> None:
    logger.debug("a watch has not reported a change yet", extra={"kind": listing.kind, "key": _text_of(name)})
    try:
        body = await kube.get(listing.path_of(name))
    except Missing:
        # Gone since it was listed. What is known of it is older than that, and no event need come.
        if name in listing.known():
            listing.missed(name)
        return
    listing.take({**body, "kind": listing.kind})


def _look_for_ghosts(listing: Listing, before: Mapping[ObjectName, str], listed: set[ObjectName]) -> None:
    now = listing.known()
    for name, version in before.items():
        if name not in listed and now.get(name) == version:
            listing.missed(name)


def _name_of(body: Body) -> ObjectName:
    return body["metadata"].get("namespace"), body["metadata"]["name"]


def _text_of(name: ObjectName) -> str:
    return "/".join(filter(None, name))
