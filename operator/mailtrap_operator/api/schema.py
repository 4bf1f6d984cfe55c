"""Turns a model's JSON schema into the structural OpenAPI schema that a CustomResourceDefinition takes.

Kubernetes wants every schema spelled out where it is used, and knows absence where JSON has null.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, descriptions, bounds, defaults and CEL rules included."""
    # Only the serialization mode prints defaults as the API server stores them: 12h, not PT12H.
    document = model.model_json_schema(by_alias=True, mode="serialization")
    return _structural(document, document.get("$defs", {}))


def _structural(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    schema = {
        key: value for key, value in _resolved(node, definitions).items() if key not in {"title", "$defs"}
    }
    if "properties" in schema:
        properties = schema["properties"].items()
        schema["properties"] = {name: _structural(value, definitions) for name, value in properties}
    if "default" in schema:
        schema["default"] = _without_empty(_without_maps(schema["default"], schema))
        if schema["default"] in (None, {}, []):
            del schema["default"]
    for key in ("items", "additionalProperties"):
        if key in schema:
            schema[key] = _structural(schema[key], definitions)
    # People read the files: what a field is comes before its details.
    return {**{key: schema[key] for key in ("description", "type", "required") if key in schema}, **schema}


def _resolved(node: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Replace a reference, or a choice between a schema and null, by the schema; what stands beside it wins."""
    beside = dict(node)
    if "$ref" in node:
        target = definitions[beside.pop("$ref").removeprefix("#/$defs/")]
    elif "anyOf" in node:
        (target,) = (choice for choice in beside.pop("anyOf") if choice != {"type": "null"})
    else:
        return node
    return {**_resolved(target, definitions), **beside}


def _without_maps(default: Any, schema: Schema) -> Any:
    """Drop the defaults of maps: the API server would store them, and a user's own keys would come on top."""
    if "additionalProperties" in schema:
        return None
    if not isinstance(default, dict):
        return default
    properties = schema.get("properties", {})
    return {key: _without_maps(value, properties.get(key, {})) for key, value in default.items()}


def _without_empty(default: Any) -> Any:
    """Drop what a default leaves open: fields that are null or empty."""
    if not isinstance(default, dict):
        return default
    kept = {key: _without_empty(value) for key, value in default.items()}
    return {key: value for key, value in kept.items() if value not in (None, {}, [])}
