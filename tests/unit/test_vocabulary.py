"""The words of docs/glossary.md are used, and the ones that they took the place of do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INSTEAD = {
    r"wish(es|ed|ing)?|is_wished|wished_\w+": "desired, desired state; for a verb: asks for, names",
    r"bears?|bore|bearing": "has, with",
    r"tells? of|told of": "reports, reported",
    r"anew": "again",
    r"(goes|go|going|went) on": "continues",
    r"is going(?! to)|is_going|is_leaving": "is being deleted, is_terminating",
    r"on (its|their) way out": "retired; for an object: terminating",
    r"under way": "in progress, running",
    r"nobody\w*|somebody\w*|everybody\w*|anybody\w*|whoever": "no one, someone, anyone who; better a noun or the passive",
    r"mend(s|ed|ing)?": "repair",
    r"reckon(s|ed|ing)?": "calculate",
    r"(a|the|one|each|every|next|last|first|this|another) pass(?! (over|through|by))": "reconcile",
    r"passes (over (an |the )?(account|ApiToken)|under way)": "reconciles",
    r"lanes?": "priority",
    r"hindrances?": "blocker, Blocked",
    r"verdicts?": "result",
    r"intake": "informer",
    r"(?-i:Situation)": "observed state, ObservedState",
    r"announcements?": "event, Event",
    r"farewell|take_leave|last_words": "event_for_left_tokens, announce_left_tokens",
    r"outlook": "ready_message",
    r"rehears\w*": "dry run, plan_without_acting",
    r"held_on_paper": "held_unconfirmed",
    r"in_mailtrap": "as_remote",
    r"todays_type": "canonical_type",
    r"anothers|is_anothers\w*": "foreign_ids, is_foreign",
    r"secret_rounds": "secret_polling",
    r"patiently": "retry_until_available",
    r"surroundings": "dependencies",
    r"complaints?": "unhealthy_reason, problem",
    r"doomed|deeds?|accidents?|plots?|incarnations?|bench": "see the names of the test modules",
}
"""What is not used any more, as a pattern, and what to say instead."""

ALLOWED = {
    "operator/mailtrap_operator/clients/secret_marks.py": {"wishes"},  # the name of a field that Secrets hold
    "docs/performance.md": {"bench", "BENCH"},  # `make bench`
}

_PATTERNS = [
    (re.compile(rf"(?<![A-Za-z0-9])_?({word})(?![A-Za-z0-9])", re.IGNORECASE), instead)
    for word, instead in INSTEAD.items()
]

PRODUCT = sorted((ROOT / "operator/mailtrap_operator").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
DOCUMENTS = [
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name != "glossary.md"),
    *(
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "charts/mailtrap-operator/README.md")
    ),
    *sorted((ROOT / "charts/mailtrap-operator/templates").rglob("*")),
    ROOT / "charts/mailtrap-operator/values.yaml",
]


def retired(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, word and what to say instead for each retired word of a text."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in _PATTERNS:
            for match in pattern.finditer(line):
                yield number, match[1], instead


def findings(path: Path, text: str) -> list[str]:
    """Return the retired words of a file, each with its place and the word to use."""
    place = path.relative_to(ROOT)
    allowed = ALLOWED.get(str(place), set())
    return [
        f"{place}:{number}: {word!r}: use {instead}"
        for number, word, instead in retired(text)
        if word not in allowed
    ]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_the_product_uses_the_words_of_the_glossary(path: Path) -> None:
    assert [] == findings(path, path.read_text())


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.is_file()], ids=relative)
def test_documents_and_the_chart_use_the_words_of_the_glossary(path: Path) -> None:
    assert [] == findings(path, path.read_text())


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_tests_have_names_in_the_words_of_the_glossary(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    names = [
        (1, path.stem),
        *((node.lineno, node.name) for node in functions if node.name.startswith("test_")),
    ]

    assert [] == [
        f"{relative(path)}:{line}: {name}: {word!r}: use {instead}"
        for line, name in names
        for _, word, instead in retired(name.replace("_", " "))
    ]


def test_a_retired_word_is_found_with_its_line_and_the_word_to_use() -> None:
    text = "The object is terminating.\nThe Secret bears a mark, and is_going is true.\n"

    assert [(2, "bears", "has, with"), (2, "is_going", "is being deleted, is_terminating")] == list(
        retired(text)
    )
