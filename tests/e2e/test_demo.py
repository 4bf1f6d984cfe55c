"""The demo as a newcomer meets it: a process on a terminal that tells its story and leaves nothing behind."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from local_cluster import binaries
from tests.documents import ROOT, blocks, essence
from tests.e2e.demo_process import TIMEOUT, Demo

FIRST_HEADLINE = "Mailtrap operator, all of it on this machine\n"
HEADLINES = [
    FIRST_HEADLINE,
    "1. An ApiToken becomes a Secret with a working token\n",
    "2. Another expiry: the token is reset, and its old value works on\n",
    "3. Other permissions: the token is replaced, after an overlap\n",
    "4. The Secret is deleted and comes back\n",
    "5. The operator is killed between token and Secret; nothing is leaked\n",
    "6. The ApiToken is deleted, and its token is dead\n",
    "All 6 steps came out as told.\n",
    "Nothing is left running.\n",
]


def in_order(words: list[str], text: str) -> list[str]:
    """Return those of the words that the text contains, as long as they come one after the other."""
    found, position = [], 0
    for word in words:
        position = text.find(word, position)
        if position < 0:
            break
        found.append(word)
    return found


def assets_with_kubectl(folder: Path, script: str) -> str:
    """Return a folder with the cluster's programs, its kubectl preceded by a few lines of shell."""
    folder.mkdir()
    for program in binaries.PROGRAMS - {"kubectl"}:
        (folder / program).symlink_to(binaries.folder() / program)
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\n{script}\nexec "{binaries.folder() / "kubectl"}" "$@"\n')
    kubectl.chmod(0o755)
    return str(folder)


def test_the_story_is_told_to_its_end_and_nothing_stays(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        assert 0 == demo.exit_code(), demo.output + demo.errors
        assert "" == demo.errors
        assert HEADLINES == in_order(HEADLINES, demo.output)
        (documented,) = blocks(ROOT / "docs" / "demo.md", "text")
        assert essence(documented) == essence(demo.output)
        assert [] == re.findall("[0-9a-f]{32}", demo.output + demo.errors), "a token value was printed"
        assert "\033" not in demo.output, "colour where there is no terminal"
        assert [] == demo.left_behind()


def test_ctrl_c_ends_the_demo_and_nothing_stays(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        demo.read_until(HEADLINES[2])

        demo.type_ctrl_c()

        assert 128 + signal.SIGINT == demo.exit_code()
        assert demo.output.endswith("\nInterrupted. Nothing is left running.\n")
        assert [] == demo.left_behind()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_while_it_starts_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with Demo(tmp_path) as demo:
        demo.read_until(FIRST_HEADLINE)

        demo.signal(number)

        assert 128 + number == demo.exit_code()
        assert [] == demo.left_behind()


def test_a_refused_command_ends_the_demo_with_its_message(tmp_path: Path) -> None:
    strict = 'case "$*" in "create namespace "*) echo "no changes today" >&2; exit 1;; esac'
    with Demo(tmp_path, KUBEBUILDER_ASSETS=assets_with_kubectl(tmp_path / "assets", strict)) as demo:
        assert 1 == demo.exit_code()
        assert "FAILED  no changes today\n" in demo.output
        assert [] == demo.left_behind()


def test_a_kept_demo_can_be_played_with_as_it_says_until_ctrl_c(tmp_path: Path) -> None:
    with Demo(tmp_path, "--keep") as demo:
        demo.read_until("Ctrl-C ends all of it.")

        said = re.findall(r"^  (export .*|TOKEN=.*|curl -i .*|kubectl get .*)$", demo.output, re.MULTILINE)
        typed = "\n".join(said)
        played = subprocess.run(
            ["/bin/sh", "-c", typed], capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        demo.type_ctrl_c()

        assert re.search(r"^billing +True +TokenPublished ", played.stdout, re.MULTILINE), played.stderr
        assert "HTTP/1.1 200 OK" in played.stdout, played.stderr
        assert 0 == demo.exit_code()
        assert [] == demo.left_behind()
