"""The server: takes requests, has them carried out, and lets its state be copied."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.simulation.kubernetes import controllers
from tests.simulation.kubernetes.admission import Rules
from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.drafts import Place
from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.kinds import CRDS, kinds_by_place
from tests.simulation.kubernetes.paths import place_of
from tests.simulation.kubernetes.reads import list_objects, metadata_of, selector_of, told
from tests.simulation.kubernetes.refusals import (
    RefusedError,
    method_not_allowed,
    not_found,
    unsupported_dry_run,
    unsupported_media_type,
)
from tests.simulation.kubernetes.storage import Storage
from tests.simulation.kubernetes.writes import Writes

Clock = Callable[[], datetime]

_JSON = "application/json"
_METADATA_ONLY = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MERGE_PATCH = "application/merge-patch+json"
_STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_OPTIONS = {
    "POST": "CreateOptions",
    "PUT": "UpdateOptions",
    "PATCH": "PatchOptions",
    "DELETE": "DeleteOptions",
}
_LIST_QUERY = {"limit", "continue", "labelSelector"}
_WRITE_QUERY = {"dryRun", "fieldManager"}


class Kubernetes:
    """One API server with its controllers.

    `rules` may be replaced at any time. What is not simulated raises `NotImplementedError` rather than answer
    otherwise than the real server.
    """

    def __init__(self, clock: Clock, crds: Path = CRDS) -> None:
        self.rules = Rules()
        self._clock = clock
        self._kinds = kinds_by_place(crds)
        self._storage = Storage()

    def copy(self, clock: Clock) -> "Kubernetes":
        """Return a server in the same state that goes its own way, with a clock of its own."""
        other = Kubernetes.__new__(Kubernetes)
        other.rules, other._clock, other._kinds = self.rules, clock, self._kinds
        other._storage = self._storage.copy()
        return other

    @property
    def resource_version(self) -> int:
        """The number of the last change."""
        return self._storage.version

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = _JSON,
        *,
        accept: str = _JSON,
    ) -> tuple[int, Frozen]:
        """Carry out a request; return status code and body, an empty one where the real body is no JSON.

        A body that was answered cannot be changed: `copy.deepcopy` it first.
        """
        query = query or {}
        try:
            place = place_of(path, self._kinds)
            if method == "GET":
                return HTTPStatus.OK, _accepted(self._read(place, query), accept)
            return self._write(method, place, query, body, content_type)
        except RefusedError as refusal:
            return refusal.status, refusal.body

    def events_since(self, version: int, kind: str = "", labels: str = "") -> list[tuple[str, Frozen]]:
        """Return what a watch reports the changes after a version: type and object, in order.

        A kind such as `Secret` and a label selector narrow the watch. Each object has the version of its change,
        so that a watch may be continued, repeated or begun again from any event.
        """
        selector, changes = selector_of(labels), self._storage.changes
        first = next((at for at in range(len(changes), 0, -1) if changes[at - 1].version <= version), 0)
        events = (told(change, selector) for change in changes[first:])
        return [event for event in events if event and kind in ("", event[1]["kind"])]

    def collect_garbage(self) -> None:
        """Do what the garbage collector does sooner or later with objects whose owners are gone."""
        kinds = {(kind.resource.api_version, kind.resource.kind): kind for kind in self._kinds.values()}
        controllers.collect_garbage(self._storage, self._writes(), kinds)

    def empty_namespaces(self) -> None:
        """Do what the namespace controller does sooner or later with namespaces that are being deleted."""
        controllers.empty_namespaces(self._storage, self._writes())

    def _read(self, place: Place, query: Mapping[str, str]) -> Frozen:
        _know(query, set() if place.name else _LIST_QUERY)
        if not place.name:
            return list_objects(self._storage, place.kind, place.namespace, query)
        found = self._storage.find(place.kind, place.namespace, place.name)
        if found is None:
            raise not_found(place.kind.resource, place.name)
        return found.body

    def _write(
        self, method: str, place: Place, query: Mapping[str, str], body: Any, content_type: str
    ) -> tuple[int, Frozen]:
        _know(query, _WRITE_QUERY)
        _judge_method(method, place)
        _judge_media_type(method, place, content_type)
        dry_run = query.get("dryRun", "")
        if dry_run not in ("", "All"):
            raise unsupported_dry_run(dry_run, _OPTIONS[method])
        writes, dry = self._writes(), bool(dry_run)
        match method:
            case "POST":
                return HTTPStatus.CREATED, writes.create(place, body, dry=dry)
            case "PUT":
                return HTTPStatus.OK, writes.replace(place, body, dry=dry)
            case "PATCH":
                return HTTPStatus.OK, writes.merge(place, body, dry=dry)
            case _:
                return HTTPStatus.OK, writes.delete(place, body, dry=dry)

    def _writes(self) -> Writes:
        return Writes(self._storage, self._clock, self.rules)


def _accepted(answer: Frozen, accept: str) -> Frozen:
    if accept == _JSON:
        return answer
    if accept == _METADATA_ONLY and "items" in answer:
        return metadata_of(answer)
    raise NotImplementedError(f"answers as {accept} are not simulated here")


def _know(query: Mapping[str, str], known: set[str]) -> None:
    if unknown := sorted(query.keys() - known):
        raise NotImplementedError(f"the query parameters {unknown} are not simulated here")


def _judge_method(method: str, place: Place) -> None:
    if place.is_status and method not in {"PUT", "PATCH"}:
        raise method_not_allowed(place.kind.resource, method)
    if method not in _OPTIONS or (method == "POST") == bool(place.name):
        raise NotImplementedError(f"{method} is not simulated here")


def _judge_media_type(method: str, place: Place, content_type: str) -> None:
    if content_type == (_MERGE_PATCH if method == "PATCH" else _JSON):
        return
    if method == "PATCH" and isinstance(place.kind, CustomKind) and content_type in {_JSON, _STRATEGIC_PATCH}:
        raise unsupported_media_type()
    raise NotImplementedError(f"{method} with {content_type} is not simulated")
