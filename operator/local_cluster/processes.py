"""Processes that end with the one that started them, even when that one is killed.

A killed process cannot clean up, so a guard does it: a shell in a process group of its own that
reads from a pipe which only we hold open. When we are gone, in whatever way, the read ends and
the guard kills its whole group. Linux could tell each child of its parent's death (PR_SET_PDEATHSIG),
but it means the parent *thread*: a process started from a worker thread would die with that thread.
"""

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

GUARD = "read -r line || kill -KILL 0"  # a line lets the group live on, the end of the pipe does not
PATIENCE = 3.0  # seconds between the polite and the final signal; the API server waits for its watchers


class ProcessGroup:
    """A process group that is killed as a whole, at `kill` or when this process ends."""

    def __init__(self) -> None:
        self._guard = subprocess.Popen(["/bin/sh", "-c", GUARD], stdin=subprocess.PIPE, process_group=0)

    @property
    def id(self) -> int:
        """The id to start further processes with (`process_group=`)."""
        return self._guard.pid

    def start(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process in the group with a new `log`, no input, and nothing else inherited."""
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={"PATH": os.defpath} if environment is None else environment,
                process_group=self.id,
            )

    def kill(self) -> None:
        """Kill what is left of the group."""
        self._end(b"")

    def release(self) -> None:
        """Let the group live on without this process."""
        self._end(b"\n")

    def _end(self, message: bytes) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired, BrokenPipeError):
            self._guard.communicate(message, timeout=PATIENCE)


def stop(process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
    """Ask a process to end and, when it has not after `patience` seconds, end it."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)


def log_tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
