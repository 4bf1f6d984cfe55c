"""The fields of a CRD's schema, with values for each: right ones, and odd ones that may or may not be right.

Everything follows from the schema, so that a new field is taken along. CEL rules are not understood, but for the
bounds of durations and the choice between two fields; the right values are chosen so that they fulfil the rules there
are.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailtrap_operator.api.manifests import crds
from tests.simulation.persisted import Path

Schema = Mapping[str, Any]

_EXAMPLE = re.compile("such as ([0-9]+[dhms])$")
_EXAMPLES = re.compile(r"such as ('.+'|\S+) or ('.+'|\S+)\.$")
_CHOICE = re.compile(r"has\(self\.\w+\) != has\(self\.(\w+)\)")
_BOUND = re.compile("seconds <= ([0-9]+)")
_ODD_TEXTS = (
    "",
    "soon",
    " blank",
    "two\nlines",
    "Not A Name",
    "a/b",
    "..",
    "[k8s:",
    "${token}${other}",
    "5w",
    "0s",
    "999999h",
    "1999-01-01T00:00:00Z",
    "2099-01-01T00:00:00Z",
)
_ODD_KEYS = ("Not A Key", "mailtrap-operator.io/token-id", "app.kubernetes.io/managed-by", "..")


def schema_of(part: str, kind: str = "ApiToken") -> Schema:
    """Return the schema of the spec or status of a kind."""
    (crd,) = (crd for crd in crds() if crd["spec"]["names"]["kind"] == kind)
    schema: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part]
    return schema


def schema_fields(schema: Schema, place: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Yield every field that holds no fields of its own, and every list: with the first item's fields."""
    if "properties" in schema:
        for name, child in schema["properties"].items():
            yield from schema_fields(child, (*place, name))
        return
    yield place, schema
    if "items" in schema:
        yield from schema_fields(schema["items"], (*place, 0))


def right_values(schema: Schema) -> tuple[Any, ...]:
    """Return two or more values that the field may have."""
    return tuple(schema["enum"]) if "enum" in schema else _RIGHT[_type(schema)](schema)


def odd_values(schema: Schema) -> tuple[Any, ...]:
    """Return values of wrong types, out of bounds, and of strange forms."""
    return ("Unknown", 7) if "enum" in schema else _ODD[_type(schema)](schema)


def _type(schema: Schema) -> str:
    return "int or string" if schema.get("x-kubernetes-int-or-string") else str(schema["type"])


def _right_texts(schema: Schema) -> tuple[Any, ...]:
    if schema.get("format") == "date-time":
        return "2026-09-01T12:00:00Z", "2027-09-01T12:00:00Z"
    rules = schema.get("x-kubernetes-validations", ())
    if any("duration(" in rule["rule"] for rule in rules):
        (rule,) = rules
        return _EXAMPLE.findall(rule["message"])[0], _BOUND.findall(rule["rule"])[0] + "s"
    is_template = any("${token}" in rule["rule"] for rule in rules)
    if examples := _EXAMPLES.search(schema.get("description", "")):
        return tuple(text.strip("'") for text in examples.groups())
    return (
        ("${token}", "${smtpUser}:${token}:${tokenId}:${accountId}:${expiresAt}")
        if is_template
        else ("second", "third")
    )


def _right_lists(schema: Schema) -> tuple[Any, ...]:
    rules = (rule["rule"] for rule in schema["items"].get("x-kubernetes-validations", ()))
    left_out = {choice[1] for rule in rules if (choice := _CHOICE.fullmatch(rule))}
    properties = [item for item in schema["items"]["properties"].items() if item[0] not in left_out]
    first, second = ({name: right_values(child)[at] for name, child in properties} for at in (0, 1))
    return [first], [first, second]


def _right_maps(schema: Schema) -> tuple[Any, ...]:
    text, other = right_values(schema["additionalProperties"])
    return {"token": text}, {"token": text, "second": other}


def _odd_texts(schema: Schema) -> tuple[Any, ...]:
    return *_ODD_TEXTS, "x" * (schema.get("maxLength", 64) + 1), 7


def _odd_lists(schema: Schema) -> tuple[Any, ...]:
    one = right_values(schema)[0]
    return [], {}, [{}], one * (schema["maxItems"] + 1), one * 2


def _odd_maps(schema: Schema) -> tuple[Any, ...]:
    each = schema["additionalProperties"]
    of_texts = [{"token": text} for text in odd_values(each)]
    of_keys = [{key: right_values(each)[0]} for key in _ODD_KEYS]
    return {}, [], *of_texts, *of_keys


_Values = Mapping[str, Callable[[Schema], tuple[Any, ...]]]
_RIGHT: _Values = {
    "string": _right_texts,
    "integer": lambda schema: (schema["minimum"], schema["maximum"]),
    "int or string": lambda _schema: (2, "third"),
    "boolean": lambda _schema: (False, True),
    "array": _right_lists,
    "object": _right_maps,
}
_ODD: _Values = {
    "string": _odd_texts,
    "integer": lambda schema: (schema["minimum"] - 1, schema["maximum"] + 1, "7"),
    "int or string": lambda schema: (
        schema["minimum"] - 1,
        "",
        "x" * (schema["maxLength"] + 1),
        True,
        "two\nlines",
    ),
    "boolean": lambda _schema: ("yes", 1),
    "array": _odd_lists,
    "object": _odd_maps,
}
