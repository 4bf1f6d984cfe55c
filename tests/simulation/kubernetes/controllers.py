"""What the controllers beside the API server do, all at once: the caller decides when, and so simulates their lag."""

from collections.abc import Mapping

from tests.simulation.kubernetes.frozen import Frozen, FrozenList
from tests.simulation.kubernetes.kinds import NAMESPACES, Kind
from tests.simulation.kubernetes.metadata import Parts
from tests.simulation.kubernetes.storage import Entry, Storage
from tests.simulation.kubernetes.writes import Writes


def collect_garbage(storage: Storage, writes: Writes, kinds: Mapping[tuple[str, str], Kind]) -> None:
    """Delete the objects none of whose owners is there any more; drop references to owners that are gone.

    `kinds` is by apiVersion and kind. An object with an owner of a kind that is not among them is left alone, as the
    real collector leaves one whose owner's kind no one knows.
    """
    is_done = False
    while not is_done:
        is_done = True
        for entry in list(storage.all()):
            owners = entry.body["metadata"].get("ownerReferences", ())
            if not owners or entry.is_terminating:
                continue
            if not all((owner["apiVersion"], owner["kind"]) in kinds for owner in owners):
                continue
            living = [owner for owner in owners if _lives(storage, kinds, entry, owner)]
            if len(living) == len(owners):
                continue
            is_done = False
            if living:
                meta = Frozen({**entry.body["metadata"], "ownerReferences": FrozenList(living)})
                body = Frozen({**entry.body, "metadata": meta})
                storage.put(Entry(entry.kind, entry.namespace, entry.name, body))
            else:
                writes.remove(entry)


def _lives(storage: Storage, kinds: Mapping[tuple[str, str], Kind], entry: Entry, owner: Parts) -> bool:
    kind = kinds[owner["apiVersion"], owner["kind"]]
    namespace = entry.namespace if kind.resource.is_namespaced else ""
    found = storage.find(kind, namespace, owner["name"])
    return found is not None and found.uid == owner["uid"]


def empty_namespaces(storage: Storage, writes: Writes) -> None:
    """Delete what is in the namespaces that are being deleted, and the namespaces that are empty then."""
    for namespace in [entry for entry in storage.all() if entry.kind is NAMESPACES and entry.is_terminating]:
        for entry in list(storage.all()):
            if entry.namespace == namespace.name:
                writes.remove(entry)
        if not any(entry.namespace == namespace.name for entry in storage.all()):
            storage.remove(namespace)
