"""The lock file of the image against what the operator loads when it is built."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.image.dockerfile import ROOT
from tests.unit.image.locks import pins

LOCKED = {pin.partition("==")[0] for pin in pins("requirements-runtime.lock")}
REASONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mailtrap-operator"]["held-unused"]


def loaded(folder: Path) -> set[str]:
    """Return the distributions that the operator has loaded modules of, by their names in a lock file."""
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}", "TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.image.loading"],
        env=environment,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return {re.sub(r"[-_.]+", "-", name).lower() for name in done.stderr.split()}


def test_the_image_holds_what_the_operator_loads_and_what_is_listed_with_a_reason(tmp_path: Path) -> None:
    assert REASONS.keys() == LOCKED - loaded(tmp_path)


def test_each_reason_says_something() -> None:
    assert REASONS
    assert all(reason.strip() for reason in REASONS.values())
