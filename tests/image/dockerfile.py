"""The Dockerfile as its steps, and the files that .dockerignore lets into its build."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
IGNORED = ROOT / ".dockerignore"


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction with what it says."""

    instruction: str
    text: str

    @property
    def words(self) -> list[str]:
        """The text as words: of an exec form its items, else as a shell reads it."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)

    @property
    def pairs(self) -> dict[str, str]:
        """The words as names and values."""
        return dict(word.split("=", 1) for word in self.words)


@dataclass(frozen=True, slots=True)
class Stage:
    """A base image and the steps upon it."""

    base: str
    name: str
    steps: tuple[Step, ...]

    def last(self, instruction: str) -> Step:
        """Return the last step of a kind: the one that counts."""
        return [step for step in self.steps if step.instruction == instruction][-1]


def stages(text: str | None = None) -> list[Stage]:
    """Return the stages in order."""
    steps = list(_steps(DOCKERFILE.read_text() if text is None else text))
    starts = [at for at, step in enumerate(steps) if step.instruction == "FROM"]
    found = []
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        base, _, name = steps[start].text.partition(" AS ")
        found.append(Stage(base, name, tuple(steps[start + 1 : end])))
    return found


def _steps(text: str) -> Iterator[Step]:
    bare = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    for line in re.sub(r"\\\n", " ", bare).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction:
            yield Step(instruction, rest.strip())


def context() -> Iterator[Path]:
    """Yield the files that a build may copy, relative to the root: those under the paths that are let in by name.

    Of the patterns that fit a file the last one counts.
    """
    first, *patterns = [
        line for line in IGNORED.read_text().splitlines() if line and not line.startswith("#")
    ]
    assert first == "*", "the list names what is let in"
    for allowed in (pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")):
        for path in (ROOT / allowed, *sorted((ROOT / allowed).rglob("*"))):
            place = path.relative_to(ROOT)
            if path.is_file() and not _is_ignored(place, patterns):
                yield place


def _is_ignored(place: Path, patterns: list[str]) -> bool:
    fitting = [pattern for pattern in patterns if _fits(place, pattern.removeprefix("!"))]
    return not fitting[-1].startswith("!")


def _fits(place: Path, pattern: str) -> bool:
    """Whether a pattern names a file or a folder that it lies in; after `**/` that may be anywhere."""
    if pattern.startswith("**/"):
        return pattern.removeprefix("**/") in place.parts
    return Path(pattern) in {place, *place.parents}
