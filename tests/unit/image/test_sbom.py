"""The bill of materials, written as the Dockerfile says: what the lock file of the image names, and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.image.dockerfile import ROOT, stages
from tests.unit.image.locks import pins

NAME = "mailtrap-operator.cdx.json"
SBOM, *_ = stages()
(WRITTEN_BY,) = (
    part.partition("python ")[2]
    for step in SBOM.steps
    if step.instruction == "RUN"
    for part in step.text.split("&&")
    if "cyclonedx" in part
)


def write(folder: Path) -> str:
    """Write it into a folder, from nothing but what the stage copies; return its text."""
    folder.mkdir()
    for file in SBOM.last("COPY").words[:-1]:
        shutil.copy(ROOT / file, folder)
    subprocess.run([sys.executable, *WRITTEN_BY.split()], cwd=folder, check=True, timeout=120)
    return (folder / NAME).read_text()


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return json.loads(write(tmp_path_factory.mktemp("sbom") / "src"))


def hashes(component: Any) -> set[str]:
    references = component["externalReferences"]
    return {f"sha256:{h['content']}" for reference in references for h in reference["hashes"]}


def test_it_names_each_package_of_the_lock_with_its_version_and_its_hashes(bill: Any) -> None:
    named = {f"{part['name']}=={part['version']}": hashes(part) for part in bill["components"]}

    assert len(named) == len(bill["components"])
    assert pins("requirements-runtime.lock") == named


def test_a_scanner_knows_each_package_by_its_url(bill: Any) -> None:
    assert {f"pkg:pypi/{pin.replace('==', '@')}" for pin in pins("requirements-runtime.lock")} == {
        part["purl"] for part in bill["components"]
    }


def test_it_is_about_this_version_of_the_operator(bill: Any) -> None:
    about = bill["metadata"]["component"]

    assert ("CycloneDX", "mailtrap-operator", "0.1.0") == (
        bill["bomFormat"],
        about["name"],
        about["version"],
    )


def test_two_builds_write_the_same(tmp_path: Path) -> None:
    assert write(tmp_path / "one") == write(tmp_path / "two")


def test_make_writes_what_the_image_holds() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
    (line,) = [line for line in makefile if "-m cyclonedx_py" in line]

    assert WRITTEN_BY.split() == [word.removeprefix("dist/") for word in line.split()[1:]]
