"""docs/reference.md is what the definitions, the settings and the chart say, and lacks nothing of them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from distribution.reference import REFERENCE, reference
from mailtrap_operator.settings import Settings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / REFERENCE).read_text(encoding="utf-8")
SOURCES = ROOT / "operator" / "mailtrap_operator"


def rows(page: str = PAGE) -> dict[str, list[str]]:
    """Return the cells of each row by the row's first cell."""
    cells = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in page.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in cells}


def fields(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from fields(part, f"{path}.{name}")
    for mark, key in (("[]", "items"), (".*", "additionalProperties")):
        if key in schema:
            yield from fields(schema[key], f"{path}{mark}")


def test_the_page_is_what_is_generated() -> None:
    assert reference(ROOT) == PAGE, "run: make chart"


def test_every_field_of_every_kind_has_a_row() -> None:
    known, missing = rows(), []
    for path in sorted((ROOT / "crds").iterdir()):
        (version,) = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["versions"]
        for part in ("spec", "status"):
            schema = version["schema"]["openAPIV3Schema"]["properties"][part]
            missing += [name for name in fields(schema, part) if f"`{name}`" not in known]

    assert [] == missing


def test_a_row_tells_type_default_limits_and_what_it_is() -> None:
    known = rows()

    assert ["list of object", "*required*"] == known["`spec.resources`"][:2]
    assert ["string", "*required*", "`Admin`, `Viewer`"] == known["`spec.resources[].accessLevel`"][:3]
    assert ["integer", "", "1 to 99"] == known["`spec.rotation.renewBeforePercentage`"][:3]
    assert ["string", "`12h`"] == known["`spec.rotation.overlap`"][:2]
    assert "must be a duration from 0s to 30d" in known["`spec.rotation.overlap`"][2]
    assert ["boolean", "`false`", ""] == known["`spec.suspend`"][:3]
    assert "\\<namespace>/\\<name>" in known["`spec.displayName`"][3]


def test_the_rules_of_a_whole_kind_are_told() -> None:
    known = rows()

    assert "serves its own namespace alone" in known["`MailtrapAccount`"][3]
    assert ["`clustermailtrapaccounts`", "`cmta`", "cluster", ""] == known["`ClusterMailtrapAccount`"][:4]


def test_the_annotations_and_finalizers_are_those_of_the_operator() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    names = set(re.findall(r'f"\{GROUP\}/([a-z-]+)["{]', texts)) - {"unused-by-kopf"}
    told = set(re.findall(r"^\| `mailtrap-operator\.io/([a-z-]+)", PAGE, re.MULTILINE))

    assert {"rotate", "owner", "token-of-", "revoke-remote-tokens"} <= names
    assert names == told


def test_every_setting_has_a_row_with_its_flag_its_variable_and_its_value_in_the_chart() -> None:
    known = rows()

    assert set() == {f"`--{name.replace('_', '-')}`" for name in Settings.model_fields} - known.keys()
    assert ["`MAILTRAP_OPERATOR_RATE_LIMIT`", "`settings.rateLimit`", "`145/10s`"] == known["`--rate-limit`"][
        :3
    ]
    assert ["`leaderElection.enabled`", "`true`"] == known["`--leader-election`"][1:3]
    assert ["`log.level`", "`info`"] == known["`--log-level`"][1:3]
    assert {"--namespace", "--port"} == {
        flag.strip("`") for flag, cells in known.items() if flag.startswith("`--") and cells[1] == "none"
    }
