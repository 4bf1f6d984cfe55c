"""The demo as a newcomer meets it: a process on a terminal that tells its story and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from local_cluster import binaries

TIMEOUT = 600  # seconds until a test gives up; a whole story takes a minute
LEAVING = 60  # seconds in which the last processes must have gone
POLL_INTERVAL = 0.1

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


class Demo:
    """A running demo in a session of its own, so that everything it starts can be told from the rest.

    What it says on standard error goes to a file: a process left behind would hold a pipe open.
    """

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.output = ""
        self._folder = folder
        with (folder / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo", *arguments],
                cwd=folder,
                env=os.environ | {"TMPDIR": str(folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                encoding="utf-8",
                start_new_session=True,
            )
        self._watchdog = threading.Timer(TIMEOUT, self._process.terminate)
        self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._process.terminate()
        self.exit_code()
        assert self._process.stdout is not None
        self._process.stdout.close()
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)

    @property
    def errors(self) -> str:
        """What was said on standard error."""
        return (self._folder / "stderr").read_text()

    def lines(self) -> Iterator[str]:
        """Yield what is printed as it comes."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            yield line

    def read_until(self, beginning: str) -> None:
        """Read up to a line that begins so."""
        assert any(line.startswith(beginning) for line in self.lines()), self.output

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the demo's own process alone."""
        self._process.send_signal(number)

    def type_ctrl_c(self) -> None:
        """Do what a terminal does on Ctrl-C: interrupt the whole foreground process group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def exit_code(self) -> int:
        """Read to the end and return the exit code."""
        list(self.lines())
        return self._process.wait(TIMEOUT)

    def _processes(self) -> list[int]:
        """Return the ids of all living processes of the demo's session."""
        shown = subprocess.run(["/bin/ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True)
        lines = (line.split() for line in shown.stdout.splitlines())
        return [
            int(pid) for pid, state in lines if state[0] != "Z" and session_of(int(pid)) == self._process.pid
        ]

    def left_behind(self) -> list[object]:
        """Return what the demo left, processes and files, once it had the time to vanish."""
        deadline = time.monotonic() + LEAVING
        while self._processes() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)
        return [*self._processes(), *self._folder.glob("mailtrap-*")]


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


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


def test_a_failed_step_says_what_was_expected_and_seen_and_what_the_operator_said(tmp_path: Path) -> None:
    forgetful = 'case "$*" in patch*) exit 0;; esac'
    with Demo(tmp_path, KUBEBUILDER_ASSETS=assets_with_kubectl(tmp_path / "assets", forgetful)) as demo:
        assert 1 == demo.exit_code()
        assert re.search(
            r"FAILED  Secret billing-mailtrap\n +expected +a new value\n +seen +still ….{4}\n", demo.output
        )
        assert re.search(r"\nThe end of the operator's log\n  \d\d:\d\d:\d\d ", demo.output)
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
