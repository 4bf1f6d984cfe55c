"""Lists, in pages of one moment, and what a watch tells."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.frozen import Frozen, FrozenList
from tests.simulation.kubernetes.kinds import Kind
from tests.simulation.kubernetes.refusals import bad_request
from tests.simulation.kubernetes.storage import Change, Storage, with_version

_LABEL_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")

Selector = Mapping[str, str]
"""Labels that an object must have."""


def list_objects(storage: Storage, kind: Kind, namespace: str, query: Mapping[str, str]) -> Frozen:
    """Return a list, or one page of it; an empty namespace means all.

    Raises:
        RefusedError: The query makes no sense.
    """
    version, after = _place_of(query.get("continue", ""), storage)
    selector, limit = selector_of(query.get("labelSelector", "")), _limit(query.get("limit", ""))
    found = [
        entry
        for entry in storage.all(at=version)
        if entry.kind is kind and namespace in ("", entry.namespace) and entry.key[1] > after
    ]
    if selector:
        found = [entry for entry in found if is_selected(entry.body, selector)]
    page = found[:limit] if limit else found
    # Custom lists always show where to continue, be it nowhere.
    meta: dict[str, Any] = {"continue": ""} if isinstance(kind, CustomKind) else {}
    meta["resourceVersion"] = str(version)
    if len(page) < len(found):
        meta["continue"] = _continue(version, page[-1].key[1])
        meta |= {} if selector else {"remainingItemCount": len(found) - len(page)}
    items = FrozenList([_item(kind, entry.body) for entry in page])
    list_kind = {"apiVersion": kind.resource.api_version, "kind": f"{kind.resource.kind}List"}
    return Frozen({**list_kind, "metadata": Frozen(meta), "items": items})


def metadata_of(listed: Frozen) -> Frozen:
    """Return a list, or a page of it, with nothing of its objects but their metadata."""
    # Here no list shows where to continue when it is at its end, and an empty one has no items at all.
    meta = Frozen({name: part for name, part in listed["metadata"].items() if part != ""})
    what = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    items = FrozenList([Frozen({**what, "metadata": item["metadata"]}) for item in listed["items"]])
    return Frozen({**what, "kind": "PartialObjectMetadataList", "metadata": meta, "items": items or None})


def _item(kind: Kind, body: Frozen) -> Frozen:
    if isinstance(kind, CustomKind):
        return body
    # The items of built-in lists do not say what they are.
    return Frozen({name: part for name, part in body.items() if name not in ("apiVersion", "kind")})


def _limit(text: str) -> int:
    try:
        return max(int(text or "0"), 0)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _continue(version: int, after: str) -> str:
    return base64.b64encode(json.dumps([version, after]).encode()).decode()


def _place_of(token: str, storage: Storage) -> tuple[int, str]:
    if not token:
        return storage.version, ""
    try:
        version, after = json.loads(base64.b64decode(token))
    except ValueError:
        raise bad_request("invalid continue token: continue key is not valid") from None
    return int(version), str(after)


def selector_of(text: str) -> Selector:
    """Return what a label selector demands; only equality is simulated.

    Raises:
        RefusedError: It is none.
    """
    selector = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.replace("==", "=").partition("=")
        if not equals or not name or set(name) & set("!()") or "=" in value:
            raise NotImplementedError(f"the label selector {text!r} is not simulated, only equality is")
        if not _LABEL_KEY.fullmatch(name):
            raise bad_request(f"unable to parse requirement: <nil>: Invalid value: {name!r}")
        selector[name] = value
    return selector


def is_selected(body: Frozen, selector: Selector) -> bool:
    """Whether an object has the labels."""
    labels = body["metadata"].get("labels", {})
    return all(labels.get(name) == value for name, value in selector.items())


def told(change: Change, selector: Selector) -> tuple[str, Frozen] | None:
    """Return what a watch of the selected objects reports a change, None where it tells nothing.

    To such a watch an object that loses the labels is deleted, and its last selected state is told.
    """
    was_in = change.before is not None and is_selected(change.before.body, selector)
    if change.after is not None and is_selected(change.after.body, selector):
        return ("MODIFIED" if was_in else "ADDED"), change.after.body
    if change.before is None or not was_in:
        return None
    return "DELETED", with_version(change.before.body, change.version)
