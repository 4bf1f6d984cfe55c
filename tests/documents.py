"""What the documents show: their manifests, and the commands that they tell the reader to type."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Body = dict[str, Any]

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *PAGES])

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_CHANGING = re.compile(r"\S*token-of-\S*|\S*[0-9…]\S*")
_HEREDOC = re.compile(r"<<'?(\w+)'?")


class Command(NamedTuple):
    """What the reader types, with all its lines, and what is shown as its answer."""

    text: str
    answer: str


def name_of(document: Path) -> str:
    """Return how a test names a document."""
    return str(document.relative_to(ROOT))


def blocks(document: Path, language: str) -> list[str]:
    """Return what a document shows in fences of a language."""
    found = _FENCE.findall(document.read_text())
    return [textwrap.dedent(text) for _, name, text in found if name == language]


def commands(document: Path) -> list[Command]:
    """Return what a document tells the reader to type, in order."""
    return [command for block in blocks(document, "console") for command in _commands_in(block)]


def manifests(document: Path) -> list[Body]:
    """Return the YAML documents of a manifest, or all that a document shows, be it to read or to apply."""
    if document.suffix != ".md":
        return _documents(document.read_text())
    shown = blocks(document, "yaml") + [given for each in commands(document) if (given := heredoc(each.text))]
    return [body for text in shown for body in _documents(text)]


def heredoc(command: str) -> str:
    """Return the here-document of a command, empty where there is none."""
    found = _HEREDOC.search(command)
    return "\n".join(command.splitlines()[1:-1]) + "\n" if found else ""


def essence(answer: str) -> list[list[str]]:
    """Return the words of each line, without those that differ each time: numbers, times, ids, values."""
    return [_CHANGING.sub("#", line).split() for line in answer.splitlines() if line.strip()]


def _documents(text: str) -> list[Body]:
    return [body for body in yaml.safe_load_all(text) if body]


def _commands_in(block: str) -> Iterator[Command]:
    lines = block.splitlines()
    while lines:
        first = lines.pop(0)
        assert first.startswith("$ "), f"an answer without a command: {first}"
        typed = [first.removeprefix("$ ")]
        if found := _HEREDOC.search(first):
            while typed[-1] != found[1]:
                typed.append(lines.pop(0))
        while typed[-1].endswith("\\"):
            typed.append(lines.pop(0))
        answer = []
        while lines and not lines[0].startswith("$ "):
            answer.append(lines.pop(0))
        yield Command("\n".join(typed), "\n".join(answer))
