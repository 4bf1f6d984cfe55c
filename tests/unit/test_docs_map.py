"""The map for contributors tells the truth: its paths, its commands, and its tables of changes, causes and layers."""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest

from mailtrap_operator.core.causes import CAUSES
from tests.simulation.effects import EFFECTS

ROOT = Path(__file__).parents[2]
CONTRIBUTING, DESIGN, TESTS = PAGES = (
    ROOT / "CONTRIBUTING.md",
    ROOT / "docs" / "design.md",
    ROOT / "tests" / "README.md",
)
PLACES = (ROOT, ROOT / "operator" / "mailtrap_operator", ROOT / "operator", ROOT / "tests")
"""From where a page names paths: the root, the product, the sources, the tests."""

TOP = ("charts/", "crds/", "deploy/", "docs/", "operator/", "tests/")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def code_of(page: Path) -> list[str]:
    """Return what a page writes as code within its sentences."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page.read_text())


def commands_of(page: Path) -> list[str]:
    """Return the lines that a page tells the reader to type, and the commands within its sentences."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    typed = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line[:2] == "$ "]
    return [
        *typed,
        *(code for code in code_of(page) if code.startswith(("make ", "python -m ", ".venv/bin/"))),
    ]


def is_path(code: str) -> bool:
    """Whether a piece of code names a file or folder of the repository."""
    return re.fullmatch(r"[\w./-]+(::\w+)?", code) is not None and (
        code.endswith((".py", ".md", ".toml", ".yaml", ".json")) or code.startswith(TOP) or "::" in code
    )


def is_there(code: str) -> bool:
    """Whether a path exists, and where a test is named the test in it."""
    path, _, test = code.partition("::")
    found = [place / path for place in PLACES if (place / path).exists()]
    return bool(found) and (not test or f"def {test}(" in found[0].read_text())


def rows(page: Path, header: str) -> Iterator[list[str]]:
    """Yield the cells of the table under a header, row by row."""
    _, _, table = page.read_text().partition(f"{header}\n")
    for line in table.splitlines()[1:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


@each_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    paths = {code for code in code_of(page) if is_path(code)}

    assert paths
    assert set() == {path for path in paths if not is_there(path)}


@each_page
def test_every_link_of_the_map_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text())

    assert [] == [link for link in links if not (page.parent / link).exists()]


@each_page
def test_every_command_is_a_target_of_make_or_a_module(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = [command for command in commands_of(page) if not _is_known(command, targets)]

    assert [] == wrong


def _is_known(command: str, targets: Collection[str]) -> bool:
    words = command.split()
    if words[0] == "make":
        return all(word in targets for word in words[1:] if "=" not in word)
    if "-m" in words:
        module = words[words.index("-m") + 1]
        path = module.replace(".", "/")
        sources = (ROOT, ROOT / "operator")
        return module == "pytest" or any(
            (place / path / "__main__.py").exists() or (place / f"{path}.py").exists() for place in sources
        )
    return words[0] in {
        "git",
        ".venv/bin/pytest",
        ".venv/bin/ruff",
        ".venv/bin/lint-imports",
        ".venv/bin/mypy",
    }


def test_every_target_of_make_is_explained() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    explained = set(re.findall(r"make ([a-z0-9-]+)", CONTRIBUTING.read_text() + TESTS.read_text()))

    assert set() == targets - explained


def test_the_table_of_changes_is_that_of_the_simulation() -> None:
    effects = {
        field: effect.strip()
        for effect, fields in rows(DESIGN, "| effect | fields |")
        for field in re.findall(r"`([\w.]+)`", fields)
    }
    told = {path: _effect_of(path, effects) for path in EFFECTS}

    assert {path: effect.name.lower() for path, effect in EFFECTS.items()} == told
    assert set() == effects.keys() - {field for path in EFFECTS if (field := _field_of(path, effects))}


def _field_of(path: str, fields: Iterable[str]) -> str | None:
    plain = re.sub(r"\[0\]", "", path.removeprefix("spec."))
    return next((field for field in fields if plain == field or plain.startswith(f"{field}.")), None)


def _effect_of(path: str, effects: dict[str, str]) -> str | None:
    field = _field_of(path, effects)
    return effects[field] if field else None


def test_the_table_of_causes_is_that_of_the_core() -> None:
    told = [
        (cause.strip("`"), effect == "reset", may_wait == "yes", repair == "yes")
        for cause, _, effect, may_wait, repair in rows(
            DESIGN, "| cause | when | leads to | may wait | repair |"
        )
    ]

    assert [
        (each.reason.value, each.reset_is_enough, each.may_wait, each.is_repair) for each in CAUSES
    ] == told


def test_the_list_of_layers_is_that_of_the_linter() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")

    assert "\n".join(layers) in DESIGN.read_text()
