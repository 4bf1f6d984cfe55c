"""Writes the chart's values.yaml and its README from values.schema.json, the one place where values are described.

A value without a default in the schema is left to the user; values.yaml names it in a comment.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Schema = Mapping[str, Any]

_WIDTH = 110
_HEADER = "# Generated from values.schema.json by `make chart`. Do not edit.\n"
_UNSEEN = "global"
"""Admitted for parent charts; it is no value of this chart."""


def values_yaml(schema: Schema) -> str:
    """Return the text of values.yaml."""
    return _HEADER + "".join(f"\n{_value(name, part, '')}" for name, part in _properties(schema))


def values_table(schema: Schema) -> str:
    """Return the table of all values in Markdown."""
    rows = "".join(
        f"| `{path}` | {default} | {_cell(part['description'])} |\n" for path, default, part in _rows(schema)
    )
    return f"| value | default | description |\n|---|---|---|\n{rows}"


def _properties(schema: Schema) -> Iterator[tuple[str, Schema]]:
    return ((name, part) for name, part in schema["properties"].items() if name != _UNSEEN)


def _is_group(part: Schema) -> bool:
    return "properties" in part and "default" not in part


def _value(name: str, part: Schema, indent: str) -> str:
    comment = textwrap.fill(
        part["description"], _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
    )
    if _is_group(part):
        inner = "".join(_value(key, value, f"{indent}  ") for key, value in part["properties"].items())
        has_default = any("default" in value or _is_group(value) for value in part["properties"].values())
        return f"{comment}\n{indent}{name}:{'' if has_default else ' {}'}\n{inner}"
    if "default" not in part:
        return f"{comment}\n{indent}# {name}:\n"
    lines = yaml.safe_dump({name: part["default"]}, sort_keys=False, allow_unicode=True)
    return f"{comment}\n{textwrap.indent(lines, indent)}"


def _rows(schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, Schema]]:
    for name, part in _properties(schema):
        if _is_group(part):
            yield from _rows(part, f"{prefix}{name}.")
        else:
            default = f"`{json.dumps(part['default'], ensure_ascii=False)}`" if "default" in part else ""
            yield f"{prefix}{name}", default, part


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
