import json
import tomllib
from pathlib import Path

import yaml

from distribution import chart

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / chart.CHART
SCHEMA = json.loads((FOLDER / "values.schema.json").read_text(encoding="utf-8"))


def test_the_chart_holds_what_is_generated() -> None:
    stored = {path: (ROOT / path).read_text(encoding="utf-8") for path in chart.files(ROOT)}

    assert chart.files(ROOT) == stored, "run: make chart"


def test_the_chart_has_the_crds_of_the_operator_and_no_others() -> None:
    def texts(folder: Path) -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}

    assert texts(ROOT / "crds") == texts(FOLDER / "files" / "crds"), "run: make chart"


def test_chart_and_operator_have_one_version() -> None:
    about = yaml.safe_load((FOLDER / "Chart.yaml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert (version, version) == (about["version"], about["appVersion"])
