"""What the documents point at is there: files, folders, and tests by their names."""

import re
from pathlib import Path

import pytest

from mailtrap_operator.core.reasons import Reason

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")])

_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = set(_LINK.findall(document.read_text()))

    assert set() == {link for link in links if not (document.parent / link).exists()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = set(_TEST.findall(document.read_text()))

    assert set() == {(path, name) for path, name in named if not _exists(ROOT / path, name)}


def test_every_reason_is_explained() -> None:
    explained = re.findall(r"`(\w+)`", (ROOT / "docs" / "status.md").read_text())

    assert set() == set(Reason) - set(explained)


def test_each_control_is_shown_by_tests_that_are_named() -> None:
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    rows = [line for line in lines if re.fullmatch(r"\|(?! what could)[^|]+\|[^|]+\|[^|]+\|", line)]
    shown = {row: _TEST.findall(row.rpartition(" | ")[2]) for row in rows if "---" not in row}

    assert shown
    assert [] == [row for row, tests in shown.items() if not tests or "" in {name for _, name in tests}]


def _exists(path: Path, name: str) -> bool:
    return path.exists() and re.search(rf"\bdef {name}\b" if name else "", path.read_text()) is not None
