"""The structural schema of a CRD: what is cut off an object, what is filled in, and what is wrong with it.

A keyword that this file does not know ends the start, so that a new one in the CRDs cannot be overlooked. CEL rules
are known and not applied.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from tests.simulation.kubernetes.frozen import Frozen, FrozenList, freeze
from tests.simulation.kubernetes.refusals import Cause

_NOT_APPLIED = {"description", "x-kubernetes-validations"}
_TYPES: Mapping[str, type] = {
    "object": Frozen,
    "array": FrozenList,
    "string": str,
    "integer": int,
    "boolean": bool,
}
_TYPE_NAMES = {kind: name for name, kind in _TYPES.items()} | {float: "number"}
_NOTHING = Frozen()
_INT64 = range(-(2**63), 2**63)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})t([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|[+-][0-9]{2}:[0-9]{2})"
)

Check = Callable[[Any], tuple[str, str] | None]
"""Returns reason and message of what is wrong with a value."""


class _Misfit:
    """A value of a wrong type, which equals no other: false and 0 are one thing to Python and two to JSON."""

    def __init__(self, value: Any) -> None:
        self.kind = _TYPE_NAMES.get(type(value), "null")


class Schema:
    """One node of a schema; build the root from a CRD's `openAPIV3Schema`."""

    def __init__(self, source: Mapping[str, Any]) -> None:
        rest = {keyword: value for keyword, value in source.items() if keyword not in _NOT_APPLIED}
        self._types = _types(rest)
        self._names = ",".join(sorted(name for name, kind in _TYPES.items() if kind in self._types))
        self._children = {name: Schema(child) for name, child in rest.pop("properties", {}).items()}
        each = rest.pop("additionalProperties", None) or rest.pop("items", None)
        self._each = Schema(each) if each else None
        self._required = tuple(rest.pop("required", ()))
        self._keys = tuple(rest.pop("x-kubernetes-list-map-keys", ()))
        rest.pop("x-kubernetes-list-type", None)
        self._checks = _checks(rest)
        self.has_default: bool = "default" in rest
        self._defaults: tuple[tuple[str, Any], ...] = tuple(
            (name, child.default) for name, child in self._children.items() if child.has_default
        )
        self.default: Any = self.complete(rest.pop("default", None)) if self.has_default else None
        if rest:
            raise NotImplementedError(f"schema.py does not know the keywords {sorted(rest)}; teach it")

    def complete(self, value: Any) -> Any:
        """Return a value without unknown fields, with defaults, unchangeable."""
        kind = type(value)
        if kind is dict or kind is Frozen:
            return self._complete_object(value)
        if kind is list or kind is FrozenList:
            each = self._each
            return FrozenList([each.complete(item) for item in value]) if each else freeze(value)
        if kind in self._types:
            return value
        if kind is float and int in self._types and value.is_integer():
            return int(value)
        return _Misfit(value)

    def _complete_object(self, value: Mapping[str, Any]) -> Frozen:
        each, children = self._each, self._children
        whole = {}
        for name, item in value.items():
            child = each or children.get(name)
            # A null where none is allowed counts as absent.
            if child is not None and item is not None:
                whole[name] = child.complete(item)
        for name, default in self._defaults:
            if name not in whole:
                whole[name] = default
        return Frozen(whole)

    def judge(self, value: Any, path: str, causes: list[Cause], old: Any = None) -> None:
        """Add what is wrong with a completed value; what is as it was in `old` is not judged again."""
        if type(value) not in self._types:
            kind = value.kind if type(value) is _Misfit else _TYPE_NAMES[type(value)]
            words = f'Invalid value: "{kind}": must be of type {self._names}'
            causes.append(Cause(path, "FieldValueTypeInvalid", words))
            return
        if self._checks:
            causes += [Cause(path, *wrong) for check in self._checks if (wrong := check(value))]
        if type(value) is Frozen:
            self._judge_object(value, path, causes, old if type(old) is Frozen else _NOTHING)
        elif self._each:
            self._judge_items(self._each, value, path, causes)

    def _judge_items(self, each: "Schema", items: FrozenList, path: str, causes: list[Cause]) -> None:
        seen = set()
        for number, item in enumerate(items):
            each.judge(item, f"{path}[{number}]", causes)
            if self._keys and type(item) is Frozen:
                key = tuple([item.get(name) for name in self._keys])
                if key in seen:
                    words = f"Duplicate value of {', '.join(self._keys)}"
                    causes.append(Cause(f"{path}[{number}]", "FieldValueDuplicate", words))
                seen.add(key)

    def _judge_object(self, value: Frozen, path: str, causes: list[Cause], old: Frozen) -> None:
        missing = [name for name in self._required if name not in value]
        causes += [Cause(_at(path, name), "FieldValueRequired", "Required value") for name in missing]
        for name, item in value.items():
            former = old.get(name)
            if former is None or former != item:
                (self._each or self._children[name]).judge(item, _at(path, name), causes, former)


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _types(rest: dict[str, Any]) -> frozenset[type]:
    if rest.pop("x-kubernetes-int-or-string", False):
        return frozenset({int, str})
    return frozenset({_TYPES[rest.pop("type")]})


def _checks(rest: dict[str, Any]) -> tuple[Check, ...]:
    return tuple(make(rest.pop(keyword)) for keyword, make in _CHECKS.items() if keyword in rest)


def _within(least: int, most: int | None, reason: str, *kinds: type) -> Check:
    """Bound a number, or the length of anything else."""

    def check(value: Any) -> tuple[str, str] | None:
        if type(value) not in kinds:
            return None
        size = value if type(value) is int else len(value)
        if size < least:
            return reason, f"Invalid value: {size}: must be at least {least}"
        return (reason, f"{size}: must be at most {most}") if most is not None and size > most else None

    return check


def _pattern(pattern: str) -> Check:
    # Here `$` would also match before a last line break.
    compiled = re.compile(rf"{pattern[:-1]}\Z" if pattern.endswith("$") else pattern)
    wrong = ("FieldValueInvalid", f"Invalid value: should match '{pattern}'")
    return lambda value: None if compiled.search(value) else wrong


def _enum(allowed: list[Any]) -> Check:
    wrong = (
        "FieldValueNotSupported",
        f"Unsupported value: supported values: {', '.join(map(repr, allowed))}",
    )
    return lambda value: None if value in allowed else wrong


def _format(name: str) -> Check:
    if name == "int64":
        wrong = ("FieldValueTypeInvalid", "Invalid value: must be of type int64")
        return lambda value: None if value in _INT64 else wrong
    if name != "date-time":
        raise NotImplementedError(f"schema.py does not know the format {name}; teach it")
    no_date = ("FieldValueTypeInvalid", "Invalid value: must be of type date-time")
    return lambda value: None if is_time(value) else no_date


@lru_cache(maxsize=4096)
def is_time(text: str) -> bool:
    """Whether a text is a date with time and zone, as the API server sees it."""
    match = _TIME.fullmatch(text.lower())
    if not match:
        return False
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return False
    return match[2] <= "23" and match[3] <= "59" and match[4] <= "59"


_CHECKS: Mapping[str, Callable[[Any], Check]] = {
    "minLength": lambda bound: _within(bound, None, "FieldValueInvalid", str),
    "maxLength": lambda bound: _within(0, bound, "FieldValueTooLong", str),
    "minimum": lambda bound: _within(bound, None, "FieldValueInvalid", int),
    "maximum": lambda bound: _within(_INT64.start, bound, "FieldValueInvalid", int),
    "minItems": lambda bound: _within(bound, None, "FieldValueInvalid", FrozenList),
    "maxItems": lambda bound: _within(0, bound, "FieldValueTooMany", FrozenList),
    "minProperties": lambda bound: _within(bound, None, "FieldValueInvalid", Frozen),
    "maxProperties": lambda bound: _within(0, bound, "FieldValueTooMany", Frozen),
    "pattern": _pattern,
    "enum": _enum,
    "format": _format,
}
