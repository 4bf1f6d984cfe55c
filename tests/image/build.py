"""The image without an engine: the Dockerfile's own steps, carried out in folders that stand for its file systems.

A base image is an empty environment of this Python. What no folder can show is said in docs/install.md.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.image.dockerfile import ROOT, Stage, Step, context, stages

NOBODY = 65532


class Image:
    """A built image: its file system in a folder, and how it is started."""

    def __init__(self, stage: Stage, root: Path, python: Path) -> None:
        self.root = root
        self._stage = stage
        self._python = python

    @property
    def environment(self) -> dict[str, str]:
        """What the image sets, with its paths as they are here."""
        return {name: _here(self.root, value) for name, value in _environment(self._stage).items()}

    def command(self, *arguments: str) -> list[str]:
        """Return the command of a container: of no one where root may say so, else of oneself."""
        _, *rest = self._stage.last("ENTRYPOINT").words
        return [*_as_nobody(), str(self._python), *rest, *(arguments or self._stage.last("CMD").words)]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment,
            cwd=self.root / self._stage.last("WORKDIR").text.lstrip("/"),
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


def build(folder: Path) -> Image:
    """Carry the Dockerfile out in a folder; no one may write to the result."""
    sources = folder / "context"
    for place in context():
        _copy(ROOT / place, sources / place)
    roots = {stage.name: folder / (stage.name or "image") for stage in stages()}
    for stage in stages():
        python = folder / f"python-{stage.name or 'image'}"
        _carry_out(stage, roots, sources, _environment_of_python(python, with_pip=bool(stage.name)))
    *_, last = stages()
    for path in [roots[""], *roots[""].rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return Image(last, roots[""], folder / "python-image/bin/python")


def _environment_of_python(folder: Path, *, with_pip: bool) -> Path:
    options = [] if with_pip else ["--without-pip"]
    subprocess.run([sys.executable, "-m", "venv", *options, str(folder)], check=True, timeout=120)
    return folder


def _carry_out(stage: Stage, roots: dict[str, Path], sources: Path, python: Path) -> None:
    root = roots[stage.name]
    root.mkdir()
    here, environment = root, _environment(stage)
    for step in stage.steps:
        match step.instruction:
            case "WORKDIR":
                here = root / step.text.lstrip("/")
                here.mkdir(parents=True, exist_ok=True)
            case "COPY":
                _carry_copy(step, roots, sources, here, root)
            case "RUN":
                path = {"PATH": f"{python / 'bin'}:{os.environ['PATH']}"}
                done = subprocess.run(
                    ["/bin/sh", "-ec", _here(root, step.text)],
                    env=os.environ | environment | path,
                    cwd=here,
                    check=False,
                    capture_output=True,
                    text=True,
                    timeout=300,
                )
                assert done.returncode == 0, done.stderr


def _carry_copy(step: Step, roots: dict[str, Path], sources: Path, here: Path, root: Path) -> None:
    *options, target = step.words
    source_root = sources
    if options[0].startswith("--from="):
        source_root = roots[options.pop(0).removeprefix("--from=")]
    into = Path(_here(root, target)) if target.startswith("/") else here / target
    for source in options:
        origin = source_root / source.lstrip("/")
        # A folder's content is copied into the target, a file into the folder that the target is.
        _copy(origin, into if origin.is_dir() or not target.endswith("/") else into / origin.name)


def _copy(origin: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.copytree(origin, target)
    else:
        shutil.copy2(origin, target)


def _environment(stage: Stage) -> dict[str, str]:
    pairs = [step.pairs for step in stage.steps if step.instruction == "ENV"]
    return {name: value for each in pairs for name, value in each.items()}


def _here(root: Path, text: str) -> str:
    """Return a text with the paths from the image's root as they are here."""
    return re.sub(r"(?<![\w./=:-])/(?=\w)", f"{root}/", text)


def _as_nobody() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    # Where the tests' own Python lies may be root's alone: no one is let read there, and write nowhere.
    ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ("setpriv", *ids, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
