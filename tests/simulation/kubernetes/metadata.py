"""The `metadata` of objects: how it is read, what a write may change of it, and what is wrong with it."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tests.simulation.kubernetes.frozen import Frozen, FrozenList
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.refusals import Cause
from tests.simulation.kubernetes.schema import is_time

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LONGEST_NAME = 253
_LONGEST_PART = 63
_LARGEST_ANNOTATIONS = 262_144
_OWNER_TEXTS = ("apiVersion", "kind", "name", "uid")
_OWNER_FLAGS = ("blockOwnerDeletion", "controller")

Parts = Mapping[str, Any]
"""A part of an object, or some of its parts by name."""

SYSTEM_FIELDS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
"""What only the server itself sets."""


def read_metadata(value: object) -> dict[str, Any]:
    """Return what the API keeps of an object's metadata.

    Raises:
        MalformedError: A value has a wrong type.
    """
    if not isinstance(value, dict):
        raise MalformedError(f"metadata must be an object, not {value!r}")
    kept = {}
    for name, item in value.items():
        read = _READERS.get(name)
        # Absent, null and empty are one thing here.
        if read is not None and item is not None and (clean := read(item, name)) not in ("", None):
            kept[name] = clean
    return kept


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise MalformedError(f"metadata.{name} must be a text, not {value!r}")
    return value


def _number(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(f"metadata.{name} must be a whole number, not {value!r}")
    return value


def _time(value: object, name: str) -> str:
    text = _text(value, name)
    if not is_time(text):
        raise MalformedError(f"metadata.{name} must be a time, not {text!r}")
    return text


def _texts(value: object, name: str) -> Frozen | None:
    if type(value) is Frozen:
        return value
    if not isinstance(value, dict):
        raise MalformedError(f"metadata.{name} must be an object, not {value!r}")
    return (
        Frozen({key: "" if text is None else _text(text, name) for key, text in value.items()})
        if value
        else None
    )


def _list_of_texts(value: object, name: str) -> FrozenList | None:
    if not isinstance(value, list):
        raise MalformedError(f"metadata.{name} must be a list, not {value!r}")
    return FrozenList([_text(text, name) for text in value]) if value else None


def _owners(value: object, name: str) -> FrozenList | None:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedError(f"metadata.{name} must be a list of objects, not {value!r}")
    owners = []
    for item in value:
        owner = Frozen({key: _text(item.get(key) or "", name) for key in _OWNER_TEXTS} | _flags(item, name))
        if owner not in owners:
            owners.append(owner)
    return FrozenList(owners) if owners else None


def _flags(owner: Mapping[str, Any], name: str) -> dict[str, bool]:
    flags = {key: owner[key] for key in _OWNER_FLAGS if owner.get(key) is not None}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise MalformedError(f"a flag in metadata.{name} must be true or false: {flags}")
    return flags


_READERS: Mapping[str, Callable[[Any, str], object]] = {
    "name": _text,
    "generateName": _text,
    "namespace": _text,
    "uid": _text,
    "resourceVersion": _text,
    "generation": _number,
    "creationTimestamp": _time,
    "deletionTimestamp": _time,
    "deletionGracePeriodSeconds": _number,
    "labels": _texts,
    "annotations": _texts,
    "finalizers": _list_of_texts,
    "ownerReferences": _owners,
}


def judge_metadata(
    meta: Mapping[str, Any], *, is_short: bool = False, are_finalizers_qualified: bool = True
) -> list[Cause]:
    """Return what is wrong with metadata.

    A name that `is_short` is a DNS label. Built-in kinds demand qualified finalizers, custom ones do not.
    """
    causes = _judge_name(meta.get("name", ""), is_short=is_short)
    keys = [("labels", key) for key in meta.get("labels", ())]
    keys += [("annotations", key.lower()) for key in meta.get("annotations", ())]
    keys += [("finalizers", name) for name in meta.get("finalizers", ())]
    words = "must be a name with an optional domain and '/' before it"
    causes += [_invalid(f"metadata.{field}", f'"{key}": {words}') for field, key in keys if not _is_key(key)]
    for text in meta.get("labels", {}).values():
        if len(text) > _LONGEST_PART or (text and not _NAME_PART.fullmatch(text)):
            causes.append(_invalid("metadata.labels", f'"{text}": must be a label value'))
    annotations = meta.get("annotations", {})
    if (
        sum(len(key.encode()) + len(text.encode()) for key, text in annotations.items())
        > _LARGEST_ANNOTATIONS
    ):
        words = f"Too long: may not be more than {_LARGEST_ANNOTATIONS} bytes"
        causes.append(Cause("metadata.annotations", "FieldValueTooLong", words))
    for number, text in enumerate(meta.get("finalizers", ())):
        if are_finalizers_qualified and "/" not in text:
            causes.append(_invalid(f"metadata.finalizers[{number}]", f'"{text}": must be fully qualified'))
    return causes + _judge_owners(meta.get("ownerReferences", ()))


def _judge_name(name: str, *, is_short: bool) -> list[Cause]:
    form, longest = (_DNS_LABEL, _LONGEST_PART) if is_short else (_SUBDOMAIN, _LONGEST_NAME)
    if not name:
        return [
            Cause("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
        ]
    if len(name) > longest or not form.fullmatch(name):
        return [_invalid("metadata.name", f"\"{name}\": must be lower-case letters, digits, '-' and '.'")]
    return []


@lru_cache(maxsize=4096)
def _is_key(key: str) -> bool:
    """Whether a text may be the key of a label or of an annotation, or a finalizer."""
    prefix, slash, part = key.rpartition("/")
    is_prefixed = not slash or (len(prefix) <= _LONGEST_NAME and _SUBDOMAIN.fullmatch(prefix))
    return bool(is_prefixed and len(part) <= _LONGEST_PART and _NAME_PART.fullmatch(part))


def _judge_owners(owners: Sequence[Parts]) -> list[Cause]:
    causes = [
        Cause(
            f"metadata.ownerReferences[{number}].{key}",
            "FieldValueRequired",
            "Required value: must not be empty",
        )
        for number, owner in enumerate(owners)
        for key in _OWNER_TEXTS
        if not owner.get(key)
    ]
    if sum(owner.get("controller", False) for owner in owners) > 1:
        causes.append(_invalid("metadata.ownerReferences", "only one of them can be the controller"))
    return causes


def judge_change(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    """Return what of metadata was changed and may not be."""
    fixed = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")
    causes = [
        _invalid(f"metadata.{name}", f'"{new.get(name)}": field is immutable')
        for name in fixed
        if new.get(name) != old.get(name)
    ]
    added = sorted(set(new.get("finalizers", ())) - set(old.get("finalizers", ())))
    if added and "deletionTimestamp" in old:
        words = f"Forbidden: no new finalizers can be added if the object is being deleted, found {added}"
        causes.append(Cause("metadata.finalizers", "FieldValueForbidden", words))
    return causes


def _invalid(field: str, words: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f"Invalid value: {words}")
