"""What the server remembers: the objects, and each change ever made to them under one counter.

Everything in here is unchangeable but the tables themselves, so that copies of a whole server share their objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.kinds import Kind

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored object.

    `is_bare` says that its status was never written: what is shown of it are defaults, so that even a write that
    changes nothing else stores something new.
    """

    kind: Kind
    namespace: str
    name: str
    body: Frozen
    is_bare: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Its place: all objects of a kind are listed by the second part."""
        return self.kind.resource.qualified, f"{self.namespace}/{self.name}"

    @property
    def uid(self) -> str:
        """The uid of the object."""
        uid: str = self.body["metadata"]["uid"]
        return uid

    @property
    def version(self) -> str:
        """The resourceVersion of the object."""
        version: str = self.body["metadata"]["resourceVersion"]
        return version

    @property
    def is_terminating(self) -> bool:
        """Whether the object is being deleted."""
        return "deletionTimestamp" in self.body["metadata"]


class Change(NamedTuple):
    """One change: what was there before it and what is there after it, None where nothing is."""

    version: int
    before: Entry | None
    after: Entry | None


class Storage:
    """All objects of one server; `version` is the resourceVersion of the last change."""

    def __init__(self) -> None:
        self.version = 1
        self.changes: list[Change] = []
        self._entries: dict[tuple[str, str], Entry] = {}
        self._issued = 0

    def copy(self) -> "Storage":
        """Return a storage that goes its own way from here."""
        other = Storage()
        other.version, other._issued = self.version, self._issued
        other.changes, other._entries = self.changes.copy(), self._entries.copy()
        return other

    def find(self, kind: Kind, namespace: str, name: str) -> Entry | None:
        """Return an object."""
        return self._entries.get((kind.resource.qualified, f"{namespace}/{name}"))

    def all(self, at: int | None = None) -> Iterator[Entry]:
        """Yield all objects in the order of lists, as they were when `at` was the last change."""
        entries: Mapping[tuple[str, str], Entry] = self._entries
        if at is not None and at < self.version:
            entries = dict(self._entries)
            for change in reversed(self.changes):
                if change.version <= at:
                    break
                if change.before:
                    entries[change.before.key] = change.before
                elif change.after:
                    entries.pop(change.after.key, None)
        return iter([entries[key] for key in sorted(entries)])

    def put(self, entry: Entry) -> Entry:
        """Store an object under the next version; return it as stored."""
        self.version += 1
        before = self._entries.get(entry.key)
        after = replace(entry, body=with_version(entry.body, self.version))
        self._entries[entry.key] = after
        self.changes.append(Change(self.version, before, after))
        return after

    def remove(self, entry: Entry) -> None:
        """Forget an object."""
        self.version += 1
        del self._entries[entry.key]
        self.changes.append(Change(self.version, entry, None))

    def new_uid(self) -> str:
        """Return a uid that no object has had."""
        self._issued += 1
        return f"{self._issued:08x}-0000-4000-8000-000000000000"

    def new_suffix(self) -> str:
        """Return five letters that no generated name has ended with."""
        self._issued += 1
        number, letters = self._issued, ""
        for _ in range(5):
            number, digit = divmod(number, len(_LETTERS))
            letters = _LETTERS[digit] + letters
        return letters


def with_version(body: Frozen, version: int) -> Frozen:
    """Return an object under a version."""
    return Frozen({**body, "metadata": Frozen({**body["metadata"], "resourceVersion": str(version)})})
