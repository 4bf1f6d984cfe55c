"""Creates, updates and deletions: in which order a write is judged, and what it leaves behind.

The order matters where several things are wrong at once, and is the real server's. In a dry run all is judged and
nothing is stored.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from tests.simulation.kubernetes.admission import Rules, judge_namespace
from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.drafts import Draft, Place, draft_of, draft_of_patch, successor, whole_object
from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.kinds import Kind
from tests.simulation.kubernetes.metadata import SYSTEM_FIELDS, judge_change
from tests.simulation.kubernetes.namespace import NamespaceKind
from tests.simulation.kubernetes.refusals import (
    RefusedError,
    already_exists,
    deletion_conflict,
    invalid,
    modified,
    no_version,
    not_found,
    other_uid,
)
from tests.simulation.kubernetes.storage import Entry, Storage

_LONGEST_BASE = 58
"""What of a generateName is kept, so that the whole name is a DNS label."""


class Writes:
    """Writes to a storage; every method raises `RefusedError`."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime], rules: Rules) -> None:
        self._storage = storage
        self._clock = clock
        self._rules = rules

    def create(self, place: Place, body: Any, *, dry: bool) -> Frozen:
        """Store a new object; return it as stored."""
        draft = draft_of(place, body)
        kind, storage = place.kind, self._storage
        if kind.resource.is_namespaced:
            shown = draft.meta.get("name") or draft.meta.get("generateName", "")
            judge_namespace(storage, kind, place.namespace, shown)
        new = self._rules.mutated(kind, self._newborn(place, draft), is_status=False, dry=dry)
        name, version = new["metadata"].get("name", ""), new["metadata"].get("resourceVersion", "")
        if causes := kind.judge(new, None):
            raise invalid(kind.resource, name, causes, draft.kind)
        self._rules.judge_create(storage, kind, place.namespace, name, dry=dry)
        if not dry and _number(version):
            words = "resourceVersion should not be set on objects to be created"
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "", words)
        if found := storage.find(kind, place.namespace, name):
            raise already_exists(kind.resource, name, is_terminating=found.is_terminating)
        if dry:
            return new
        return storage.put(Entry(kind, place.namespace, name, new, is_bare=isinstance(kind, CustomKind))).body

    def _newborn(self, place: Place, draft: Draft) -> Frozen:
        kind = place.kind
        meta = {name: value for name, value in draft.meta.items() if name not in SYSTEM_FIELDS}
        if "name" not in meta and "generateName" in meta:
            meta["name"] = meta["generateName"][:_LONGEST_BASE] + self._storage.new_suffix()
        meta |= {"namespace": place.namespace} if kind.resource.is_namespaced else {}
        meta |= {"uid": self._storage.new_uid(), "creationTimestamp": self._now()}
        if isinstance(kind, CustomKind | NamespaceKind):
            return whole_object(kind, draft.kind, *kind.newborn(meta, draft.parts))
        return whole_object(kind, draft.kind, meta, draft.parts)

    def replace(self, place: Place, body: Any, *, dry: bool) -> Frozen:
        """Write a whole object, or a whole status; return the object as stored."""
        draft = draft_of(place, body)
        entry = self._found(place)
        uid = draft.meta.get("uid", entry.uid)
        if uid != entry.uid:
            raise other_uid(place.kind.resource, place.namespace, place.name, uid, entry.uid)
        return self._update(place, entry, draft, dry=dry)

    def merge(self, place: Place, patch: Any, *, dry: bool) -> Frozen:
        """Merge into an object, or into its status; return the object as stored."""
        entry = self._found(place)
        return self._update(place, entry, draft_of_patch(place, entry.body, patch), dry=dry)

    def _update(self, place: Place, entry: Entry, draft: Draft, *, dry: bool) -> Frozen:
        kind, old = place.kind, entry.body
        _judge_version(entry, draft.meta.get("resourceVersion", ""))
        new = Frozen({**old, **draft.parts}) if place.is_status else successor(kind, old, draft)
        new = self._rules.mutated(kind, new, is_status=place.is_status, dry=dry)
        if isinstance(kind, CustomKind) and kind.main_parts(old) != kind.main_parts(new):
            meta = {**new["metadata"], "generation": old["metadata"]["generation"] + 1}
            new = Frozen({**new, "metadata": Frozen(meta)})
        if place.is_status:
            causes = kind.judge_status(new, old) if isinstance(kind, CustomKind) else []
        else:
            causes = judge_change(new["metadata"], old["metadata"]) + kind.judge(new, old)
        if causes:
            raise invalid(kind.resource, entry.name, causes, draft.kind)
        self._rules.judge_write(kind, entry.name, dry=dry)
        if dry or (new == old and not entry.is_bare):
            return new
        if entry.is_terminating and not _is_held(kind, new):
            self._storage.remove(entry)
            return new
        return self._storage.put(Entry(kind, entry.namespace, entry.name, new)).body

    def delete(self, place: Place, options: Any, *, dry: bool) -> Frozen:
        """Delete an object, or begin to where a finalizer holds it; return the object that stays, or the success."""
        entry = self._found(place)
        _judge_preconditions(entry, options)
        return self.remove(entry, dry=dry)

    def remove(self, entry: Entry, *, dry: bool = False) -> Frozen:
        """Delete an object that was found."""
        resource = entry.kind.resource
        if _is_held(entry.kind, entry.body):
            return self._begin_removal(entry, dry=dry)
        if not dry:
            self._storage.remove(entry)
        group = {"group": resource.group} if resource.group else {}
        details = Frozen({"name": entry.name, **group, "kind": resource.plural, "uid": entry.uid})
        status = {"kind": "Status", "apiVersion": "v1", "metadata": Frozen(), "status": "Success"}
        return Frozen({**status, "details": details})

    def _begin_removal(self, entry: Entry, *, dry: bool) -> Frozen:
        if entry.is_terminating:
            return entry.body
        meta = {**entry.body["metadata"], "deletionTimestamp": self._now()}
        if isinstance(entry.kind, NamespaceKind):
            new = Frozen({**entry.body, "metadata": Frozen(meta), "status": Frozen(phase="Terminating")})
        else:
            meta["deletionGracePeriodSeconds"] = 0
            if "generation" in meta:
                meta["generation"] += 1
            new = Frozen({**entry.body, "metadata": Frozen(meta)})
        return new if dry else self._storage.put(Entry(entry.kind, entry.namespace, entry.name, new)).body

    def _found(self, place: Place) -> Entry:
        entry = self._storage.find(place.kind, place.namespace, place.name)
        if entry is None:
            raise not_found(place.kind.resource, place.name)
        return entry

    def _now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_held(kind: Kind, body: Frozen) -> bool:
    """Whether a finalizer holds an object; a Namespace is always held, until it is empty."""
    return "finalizers" in body["metadata"] or isinstance(kind, NamespaceKind)


def _number(text: str) -> int:
    """Return a resourceVersion as a number, 0 where none is named."""
    return int(text) if text.isdecimal() else 0


def _judge_version(entry: Entry, text: str) -> None:
    if text and not text.isdecimal():
        words = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "", words)
    if _number(text):
        if text != entry.version:
            raise modified(entry.kind.resource, entry.name)
    elif isinstance(entry.kind, CustomKind):
        raise no_version(entry.kind.resource, entry.name)


def _judge_preconditions(entry: Entry, options: Any) -> None:
    options = options or {}
    if options.keys() - {"apiVersion", "kind", "preconditions", "propagationPolicy"}:
        raise NotImplementedError(f"the deletion options {sorted(options)} are not simulated")
    if options.get("propagationPolicy") not in (None, "Background"):
        raise NotImplementedError("only the propagation policy Background is simulated")
    resource, conditions = entry.kind.resource, options.get("preconditions") or {}
    uid, version = conditions.get("uid"), conditions.get("resourceVersion")
    if uid is not None and uid != entry.uid:
        words = f"the UID in the precondition ({uid}) does not match the UID in record ({entry.uid})."
        raise deletion_conflict(
            resource, entry.name, f"{words} The object might have been deleted and then recreated"
        )
    if version is not None and version != entry.version:
        words = f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({entry.version})."
        raise deletion_conflict(resource, entry.name, f"{words} The object might have been modified")
