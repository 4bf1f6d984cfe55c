"""How a request's body becomes an object: read, merged, put together."""

from typing import Any, NamedTuple

from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.kinds import Kind
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.metadata import SYSTEM_FIELDS, Parts, read_metadata
from tests.simulation.kubernetes.namespace import NamespaceKind
from tests.simulation.kubernetes.refusals import bad_request, unusable_patch

_NO_PARTS = ("apiVersion", "kind", "metadata", "status")
_IGNORED = ("creationTimestamp", "generation", "resourceVersion", "deletionTimestamp")
"""What an update may name otherwise without effect; for other system fields it is refused."""


class Place(NamedTuple):
    """Where a write goes; `namespace` is empty for cluster-scoped kinds, `name` for a create."""

    kind: Kind
    namespace: str
    name: str
    is_status: bool


class Draft(NamedTuple):
    """A body as it was read; `kind` is what it says it is, `parts` is everything beside apiVersion, kind, metadata."""

    kind: str
    meta: dict[str, Any]
    parts: Parts


def draft_of(place: Place, body: Any) -> Draft:
    """Read a body that was sent as a whole; raises `RefusedError`."""
    try:
        return _read(place, body)
    except MalformedError as error:
        resource = place.kind.resource
        version = f'{resource.kind} in version "{resource.version}"'
        raise bad_request(f"{version} cannot be handled as a {resource.kind}: {error}") from None


def draft_of_patch(place: Place, old: Frozen, patch: Any) -> Draft:
    """Read what a merge patch makes of an object; raises `RefusedError`."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: it must be an object")
    try:
        if patch.keys() <= {"metadata"}:
            # All but the metadata is right already; reading it again costs the most of a write.
            parts = {name: part for name, part in old.items() if name not in _NO_PARTS}
            return _draft(place, old["kind"], _merged(old["metadata"], patch.get("metadata", {})), parts)
        return _read(place, _merged(old, patch))
    except MalformedError as error:
        raise unusable_patch(error) from None


def _read(place: Place, body: Any) -> Draft:
    kind = place.kind
    parts = kind.read_status(body) if place.is_status and isinstance(kind, CustomKind) else kind.read(body)
    return _draft(place, body.get("kind") or kind.resource.kind, body.get("metadata"), parts)


def _draft(place: Place, said: str, metadata: object, parts: Parts) -> Draft:
    meta = read_metadata(metadata or {})
    _judge_name(place, meta.get("name"))
    namespace = meta.pop("namespace", None)
    if place.kind.resource.is_namespaced and namespace not in (None, place.namespace):
        words = "the namespace of the provided object does not match the namespace sent on the request"
        raise bad_request(words)
    return Draft(said, meta, parts)


def _judge_name(place: Place, name: str | None) -> None:
    if place.name and name is None:
        words = "was undeterminable: name must be provided"
        raise bad_request(f"the name of the object ({place.name} based on URL) {words}")
    if place.name and name != place.name:
        words = f"does not match the name on the URL ({place.name})"
        raise bad_request(f"the name of the object ({name}) {words}")


def _merged(old: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def successor(kind: Kind, old: Frozen, draft: Draft) -> Frozen:
    """Return what an update beside the status makes of an object."""
    former = old["metadata"]
    kept = {name: former[name] for name in ("namespace", "resourceVersion", *SYSTEM_FIELDS) if name in former}
    meta = {**kept, **draft.meta}
    meta |= {name: kept[name] for name in _IGNORED if name in kept}
    if isinstance(kind, NamespaceKind):
        parts = {"spec": old["spec"], "status": old["status"]}
        return whole_object(kind, draft.kind, kind.labelled(meta), parts)
    if not isinstance(kind, CustomKind):
        return whole_object(kind, draft.kind, meta, draft.parts)
    return whole_object(kind, draft.kind, meta, {**draft.parts, "status": old["status"]})


def whole_object(kind: Kind, said: str, meta: Parts, parts: Parts) -> Frozen:
    """Put an object together; `said` is the kind that it says it is."""
    return Frozen({"apiVersion": kind.resource.api_version, "kind": said, "metadata": Frozen(meta), **parts})
