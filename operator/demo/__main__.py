"""`python -m demo` tells the story and ends; `python -m demo --keep` keeps everything running to play with."""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx

from demo import playground, stage, story
from demo.operator_process import OperatorError
from demo.scene import Scene, StepFailed
from demo.terminal import Terminal, wants_colour
from local_cluster import ClusterError, KubectlError
from local_cluster.processes import log_tail

_ROOT = Path(__file__).resolve().parents[2]
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A simulator that has gone shows as RuntimeError, OSError or HTTPError, depending on who asked it.
_FAILURES = (StepFailed, ClusterError, KubectlError, OperatorError, RuntimeError, OSError, httpx.HTTPError)


def main() -> int:
    """Run the demo and return the exit code: 0 when everything came out as told, else 1, or 128 + signal."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep everything running to play with")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal that has no dots shows ?
    show = Terminal(sys.stdout, is_coloured=wants_colour(sys.stdout, os.environ))
    for number in _SIGNALS:
        signal.signal(number, _leave)
    try:
        return _perform(playground.play if arguments.keep else story.tell, show)
    except KeyboardInterrupt:
        show.headline("Interrupted. Nothing is left running.")
        return 128 + signal.SIGINT


def _perform(act: Callable[[Scene], None], show: Terminal) -> int:
    # The commands that are shown name files from the project's folder.
    with contextlib.chdir(_ROOT), tempfile.TemporaryDirectory(prefix="mailtrap-demo-") as folder:
        _introduce(show)
        try:
            with stage.set_up(show, Path(folder)) as scene:
                act(scene)
        except _FAILURES as error:
            _explain(show, error, Path(folder, stage.OPERATOR_LOG))
            return 1
    show.headline("Nothing is left running.")
    return 0


def _introduce(show: Terminal) -> None:
    show.headline("Mailtrap operator, all of it on this machine")
    show.say("A real Kubernetes API server, a simulator of the Mailtrap API, the operator.")
    show.say(f"Shortened for the demo: a lost answer settles in {stage.SETTLE_SECONDS} s instead of 60 s,")
    show.say(f"and a replaced token works on for {story.OVERLAP_SECONDS} s instead of 12 h.")
    show.say()


def _explain(show: Terminal, error: Exception, operator_log: Path) -> None:
    details = {"expected": error.expected, "seen": error.seen} if isinstance(error, StepFailed) else {}
    show.failure(str(error), details)
    if operator_log.exists():
        show.headline("The end of the operator's log")
        for line in log_tail(operator_log).splitlines():
            show.say(line)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Leave through every `finally`; a second signal does not disturb the cleaning up, which ends by itself."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
