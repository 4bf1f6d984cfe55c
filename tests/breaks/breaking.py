"""Runs tests against a broken copy of the project; the working tree is never touched."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutants import Mutant

ROOT = Path(__file__).parents[2]

_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*cache", ".hypothesis", "__pycache__", "node_modules")
_MODELS = "operator/mailtrap_operator/api/"
_GENERATORS = (("mailtrap_operator.api.manifests", "crds"), ("distribution",))
"""What `make chart` runs."""

_LONGEST = 900
"""In seconds. Tests that then still run have noticed nothing."""

_FAILED = 1
"""The exit status of pytest when tests ran, and one failed."""

_FIRST_FAILURE = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Break(Mutant):
    """A mutant of any file of the repository, and the test files or tests that must notice it."""

    witnesses: tuple[str, ...]


def caught_by(each: Break) -> str | None:
    """Return the test that notices a break first, None where none does."""
    with _copy() as folder:
        each.apply(folder)
        if each.file.startswith(_MODELS):
            # Who changes a model runs `make chart`: a file that is not what is generated is no proof.
            for generator in _GENERATORS:
                _python(folder, *generator).check_returncode()
        return _first_failure(folder, each.witnesses)


def failing_unbroken(breaks: Iterable[Break]) -> str | None:
    """Return a witness that fails without any break: it would prove nothing."""
    with _copy() as folder:
        return _first_failure(folder, sorted({witness for each in breaks for witness in each.witnesses}))


@contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="break-") as parent:
        folder = Path(parent) / "project"
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
        yield folder


def _first_failure(folder: Path, witnesses: Iterable[str]) -> str | None:
    options = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=no")
    try:
        ran = _python(folder, "pytest", *options, *witnesses)
    except subprocess.TimeoutExpired:
        return None
    if ran.returncode == 0:
        return None
    found = _FIRST_FAILURE.search(ran.stdout)
    if ran.returncode != _FAILED or found is None:
        sys.stderr.write(
            f"No test failed, and pytest ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}\n"
        )
        return None
    return found[1]


def _python(folder: Path, *module: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *module],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder / 'operator'}:{folder}"},
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
