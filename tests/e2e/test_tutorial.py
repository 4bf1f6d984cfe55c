"""docs/tutorial.md, typed as it stands: every command works, and answers what the page shows."""

import re
import subprocess
from pathlib import Path

from tests.documents import ROOT, commands, essence
from tests.e2e.demo_process import TIMEOUT, Demo

TUTORIAL = ROOT / "docs" / "tutorial.md"
END = re.compile(r"^-- end of (\d+): (\d+)$", re.MULTILINE)


def typed(exports: list[str], texts: list[str]) -> list[tuple[str, str]]:
    """Type commands into one shell, one after the other; return the answer of each with its exit status."""
    marked = [
        f"{text}\nstatus=$?; echo; echo -- end of {number}: $status\n" for number, text in enumerate(texts)
    ]
    script = "exec 2>&1\n" + "\n".join(exports) + "\n" + "".join(marked)
    shell = ["/bin/sh", "-c", script]
    done = subprocess.run(shell, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    parts = END.split(done.stdout)
    return [(answer.strip(), status) for answer, status in zip(parts[::3], parts[2::3], strict=False)]


def test_each_command_answers_what_the_page_shows(tmp_path: Path) -> None:
    start, *rest = commands(TUTORIAL)
    assert "make dev" == start.text
    with Demo(tmp_path, "--keep") as demo:
        demo.read_until("Ctrl-C ends all of it.")
        exports = re.findall(r"^  (export .*)$", demo.output, re.MULTILINE)

        answers = typed(exports, [command.text for command in rest])
        demo.type_ctrl_c()

        assert 0 == demo.exit_code()
        assert [] == demo.left_behind()
    assert len(rest) == len(answers)
    for command, (answer, status) in zip(rest, answers, strict=True):
        assert "0" == status, f"{command.text}\n{answer}"
        if command.answer:
            assert essence(command.answer) == essence(answer), f"{command.text}\n{answer}"
