"""What is persisted, taken apart into its fields, and the ways in which a field can be corrupted.

Nothing here knows the fields by name: whatever stands in a document is a field, so that a new one is corrupted as
the others are. A text that holds JSON is taken apart as well.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from enum import Enum
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Where a field stands in a document; empty: the whole document."""

Documents = Mapping[str, Any]
"""The persisted documents of one object by name; see `corruption`."""

ABSENT = object()
"""Stands for a field that is not there."""


class Corruption(Enum):
    """A way to corrupt a field."""

    MISSING = "missing"
    EMPTY = "empty"
    WRONG_TYPE = "of a wrong type"
    GARBLED = "garbled"
    NAMESAKES = "as another field of that name"
    OTHERS = "another object's"
    OLDER = "as before the last rotation"


_EMPTY: Mapping[type, Any] = {str: "", int: 0, bool: False, list: [], dict: {}}
_WRONG_TYPE: Mapping[type, Any] = {str: 7, int: "seven", bool: "yes", list: "text", dict: "text"}
_GARBLED: Mapping[type, Any] = {
    str: "g4rbled",
    int: 1,
    bool: True,
    list: ["g4rbled"],
    dict: {"g4rbled": "text"},
}


class Corrupted(NamedTuple):
    """A document with one corrupted field."""

    document: str
    field: Path
    corruption: Corruption
    content: Any

    def __str__(self) -> str:
        return f"{named(self.document, self.field)} {self.corruption.value}"


def named(document: str, field: Path) -> str:
    """Return how people write a field: status.previous[0].id."""
    return document + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in field)


def corrupted(own: Documents, others: Documents, older: Documents) -> Iterator[Corrupted]:
    """Yield every corruption of an object's documents that changes them, each result once."""
    for name, document in own.items():
        seen = {json.dumps(document, sort_keys=True)}
        other, former = others[name], older.get(name, ABSENT)
        for field in _fields(document, other, former):
            for corruption, value in _values(field, document, other, former):
                content = changed(document, field, value)
                text = "" if content is ABSENT else json.dumps(content, sort_keys=True)
                if text and text not in seen:
                    seen.add(text)
                    yield Corrupted(name, field, corruption, content)


def _values(field: Path, own: Any, others: Any, older: Any) -> Iterator[tuple[Corruption, Any]]:
    yield Corruption.MISSING, ABSENT
    if (value := at(own, field)) is not ABSENT:
        kind = _kind(value)
        yield Corruption.EMPTY, _EMPTY[kind]
        yield Corruption.WRONG_TYPE, _WRONG_TYPE[kind]
        yield Corruption.GARBLED, _GARBLED[kind]
        yield from (
            (Corruption.NAMESAKES, at(own, other)) for other in fields(own) if other[-1:] == field[-1:]
        )
    yield Corruption.OTHERS, at(others, field)
    yield Corruption.OLDER, at(older, field)


def _kind(value: Any) -> type:
    return next(kind for kind in (bool, int, str, list, dict) if isinstance(value, kind))


def _fields(*documents: Any) -> list[Path]:
    """Return the fields of all documents, each once, containers before what they contain."""
    return list(dict.fromkeys(field for document in documents for field in fields(document)))


def fields(document: Any, place: Path = ()) -> Iterator[Path]:
    """Yield every field of a document, containers too."""
    yield place
    content = _opened(document)
    if isinstance(content, dict):
        for name, value in content.items():
            yield from fields(value, (*place, name))
    if isinstance(content, list):
        for number, value in enumerate(content):
            yield from fields(value, (*place, number))


def at(document: Any, field: Path) -> Any:
    """Return what stands in a field, `ABSENT` where nothing does."""
    for part in field:
        content = _opened(document)
        if isinstance(content, list):
            content = dict(enumerate(content))
        document = content.get(part, ABSENT) if isinstance(content, dict) else ABSENT
    return document


def changed(document: Any, field: Path, value: Any) -> Any:
    """Return a copy of a document in which a field has another value; `ABSENT` removes it."""
    if not field:
        return value
    if document is ABSENT and value is not ABSENT:
        document = [] if isinstance(field[0], int) else {}
    content, first = deepcopy(_opened(document)), field[0]
    if not isinstance(content, dict | list):
        return document
    inner = changed(at(content, field[:1]), field[1:], value) if field[1:] else value
    if isinstance(content, list):
        assert isinstance(first, int)
        content[first : first + 1] = [] if inner is ABSENT else [inner]
    elif inner is ABSENT:
        content.pop(first, None)
    else:
        content[first] = inner
    return json.dumps(content) if isinstance(document, str) else content


def _opened(document: Any) -> Any:
    if isinstance(document, str) and document.startswith("{"):
        return json.loads(document)
    return document
