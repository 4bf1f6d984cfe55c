"""docs/tutorial.md, typed as it stands: every command works, and answers what the page shows."""

import re
from pathlib import Path

from tests.documents import ROOT, commands, essence
from tests.e2e.demo_process import Demo
from tests.e2e.shell import typed

TUTORIAL = ROOT / "docs" / "tutorial.md"


def test_each_command_answers_what_the_page_shows(tmp_path: Path) -> None:
    start, *rest = commands(TUTORIAL)
    assert "make dev" == start.text
    with Demo(tmp_path, "--keep") as demo:
        demo.read_until("Ctrl-C ends all of it.")
        exports = re.findall(r"^  (export .*)$", demo.output, re.MULTILINE)

        answers = typed([*exports, *(command.text for command in rest)])[len(exports) :]
        demo.type_ctrl_c()

        assert 0 == demo.exit_code()
        assert [] == demo.left_behind()
    assert len(rest) == len(answers)
    for command, answer in zip(rest, answers, strict=True):
        assert answer.is_success, f"{command.text}\n{answer.text}"
        if command.answer:
            assert essence(command.answer) == essence(answer.text), f"{command.text}\n{answer.text}"
