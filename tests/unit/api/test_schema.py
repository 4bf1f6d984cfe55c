"""What Kubernetes demands of every schema, checked on each field of each kind."""

from collections.abc import Iterator
from typing import Any

import pytest

from mailtrap_operator.api import manifests

Node = tuple[str, dict[str, Any]]


def nodes(path: str, schema: dict[str, Any]) -> Iterator[Node]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(f"{path}.{name}", inner)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from nodes(path + mark, schema[key])


KINDS = [crd["spec"]["names"]["kind"] for crd in manifests.crds()]
NODES = [
    node
    for crd in manifests.crds()
    for node in nodes(crd["spec"]["names"]["kind"], crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
]
# The API server describes metadata itself and refuses another description.
FIELDS = [
    (path, schema)
    for path, schema in NODES
    if not path.endswith(("[]", "{}")) and path not in {f"{kind}.metadata" for kind in KINDS}
]


def of_type(*types: str) -> list[Node]:
    return [(path, schema) for path, schema in NODES if schema.get("type") in types]


def table(rows: list[Node]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("path", "schema"), rows, ids=[path for path, _ in rows])


@table(FIELDS)
def test_every_field_is_described_in_a_sentence(path: str, schema: dict[str, Any]) -> None:
    assert schema["description"].endswith("."), path


@table(NODES)
def test_every_schema_is_spelled_out_and_has_a_type(path: str, schema: dict[str, Any]) -> None:
    foreign = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title", "nullable", "const", "prefixItems"}
    assert set() == foreign & set(schema), path
    assert ("type" in schema) != schema.get("x-kubernetes-int-or-string", False), path


@table([node for node in of_type("string") if not {"enum", "format"} & set(node[1])])
def test_every_text_is_bounded(path: str, schema: dict[str, Any]) -> None:
    assert 0 < schema["maxLength"] <= 4096, path


@table(of_type("array"))
def test_every_list_is_bounded_and_says_how_it_merges(path: str, schema: dict[str, Any]) -> None:
    assert 0 < schema["maxItems"] <= 1024, path
    assert schema["x-kubernetes-list-type"] in {"atomic", "map"}, path
    assert set(schema.get("x-kubernetes-list-map-keys", [])) <= set(schema["items"].get("required", [])), path


@table([node for node in NODES if "additionalProperties" in node[1]])
def test_every_map_is_bounded(path: str, schema: dict[str, Any]) -> None:
    assert 0 < schema["maxProperties"] <= 32, path


@table([node for node in NODES if "default" in node[1]])
def test_no_default_is_null_or_empty(path: str, schema: dict[str, Any]) -> None:
    assert schema["default"] not in (None, {}, []), path


@table([node for node in NODES if "x-kubernetes-validations" in node[1]])
def test_every_rule_has_its_message_on_one_line(path: str, schema: dict[str, Any]) -> None:
    for validation in schema["x-kubernetes-validations"]:
        assert {"rule", "message"} == set(validation), path
        assert "\n" not in validation["message"], path
