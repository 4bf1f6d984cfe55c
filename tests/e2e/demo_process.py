"""The demo as a process on a terminal, with a session of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

TIMEOUT = 600  # seconds until a test gives up; a whole story takes a minute
LEAVING = 60  # seconds in which the last processes must have gone
POLL_INTERVAL = 0.1


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
            int(pid) for pid, state in lines if state[0] != "Z" and _session_of(int(pid)) == self._process.pid
        ]

    def left_behind(self) -> list[object]:
        """Return what the demo left, processes and files, once it had the time to vanish."""
        deadline = time.monotonic() + LEAVING
        while self._processes() and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)
        return [*self._processes(), *self._folder.glob("mailtrap-*")]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
