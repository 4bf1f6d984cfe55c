"""Writes the parts of the chart that have their source elsewhere: the values, the README's table, the CRDs."""

import json
from collections.abc import Mapping
from pathlib import Path

from distribution.values import values_table, values_yaml

CHART = Path("charts/mailtrap-operator")
_CRDS = CHART / "files" / "crds"
_VALUES = "\n## Values\n\n"
"""Where the generated part of the README begins."""


def files(root: Path) -> Mapping[Path, str]:
    """Return the text of each generated file by its path below the root of the tree."""
    schema = json.loads((root / CHART / "values.schema.json").read_text(encoding="utf-8"))
    prose = (root / CHART / "README.md").read_text(encoding="utf-8").partition(_VALUES)[0]
    crds = {_CRDS / path.name: path.read_text(encoding="utf-8") for path in (root / "crds").iterdir()}
    return {
        CHART / "values.yaml": values_yaml(schema),
        CHART / "README.md": f"{prose}{_VALUES}{values_table(schema)}",
        **crds,
    }


def write(root: Path) -> None:
    """Write the files."""
    generated = files(root)
    for path in (root / _CRDS).glob("*.yaml"):
        if path.relative_to(root) not in generated:
            path.unlink()
    for path, text in generated.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
