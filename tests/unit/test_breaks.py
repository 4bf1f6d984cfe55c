"""Each break fits the code, and the tests that must notice it exist: else the table proves nothing."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

from tests.breaks.breaking import ROOT, Break
from tests.breaks.table import TABLE

ALL = list(chain.from_iterable(TABLE.values()))


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_break_has_one_place_in_the_code_and_its_tests_exist(row: Break) -> None:
    assert row.fits(ROOT)
    assert row.text != row.replacement
    assert [] == [witness for witness in row.witnesses if not _exists(witness)]


@pytest.mark.parametrize("row", [row for row in ALL if row.file.endswith(".py")], ids=lambda row: row.name)
def test_what_is_broken_can_still_be_read(row: Break) -> None:
    """A file that no one can import is noticed by any test, and shows the power of none."""
    ast.parse((ROOT / row.file).read_text(encoding="utf-8").replace(row.text, row.replacement))


def test_each_break_has_a_name_of_its_own() -> None:
    names = [row.name for row in ALL]
    assert len(names) == len(set(names))


def test_the_page_about_reliability_counts_them() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| area | breaks | caught |\n|---|---|---|\n")
    told = [line.strip("| ").split(" | ") for line in table.partition("\n\n")[0].splitlines()]

    # `make breaks` fails where one is not caught.
    counts = [(area, len(breaks)) for area, breaks in TABLE.items()]
    total = f"**{len(ALL)}**"
    assert [*([area, str(n), str(n)] for area, n in counts), ["**all**", total, total]] == told


def _exists(witness: str) -> bool:
    file, _, name = witness.partition("::")
    path: Path = ROOT / file
    return path.is_file() and bool(re.search(rf"def {name or 'test_'}", path.read_text(encoding="utf-8")))
