"""`python -m local_cluster`: a Kubernetes control plane for the terminal and for scripts."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local_cluster import binaries, build, staying
from local_cluster.cache import cache_folder
from local_cluster.cluster import Cluster
from local_cluster.errors import ClusterError
from local_cluster.processes import stop

_BESIDES = (build.SCHEDULER, build.KWOK, build.HELM3, build.HELM4)  # what only some tests need
COMMAND_PATIENCE = 30.0  # seconds for the command to end when we are asked to; what Kubernetes gives a pod


def main() -> int:
    """Carry out one command and return the exit code."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _leave)  # the way out with `finally`, which the default has not
    try:
        return _carry_out(arguments)
    except ClusterError as error:
        print(f"local cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local_cluster", description=sys.modules[__name__].__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="make sure that all programs are there, those of nodes and Helm too")
    for name, text in (("up", "start a cluster that stays"), ("down", "end it and remove its files")):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--dir", type=Path, default=cache_folder() / "cluster", help="its folder (default: %(default)s)"
        )
    run = commands.add_parser("run", help="run a command with a cluster of its own")
    run.add_argument("program", nargs="+", metavar="CMD", help="the command, after --")
    return parser


def _carry_out(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "build":
            print(binaries.folder(), *map(build.folder, _BESIDES), sep="\n")
        case "up":
            print(staying.up(arguments.dir))
        case "down":
            staying.down(arguments.dir)
        case "run":
            return _run(arguments.program)
    return 0


def _run(program: Sequence[str]) -> int:
    # At a terminal the command must stay in the foreground to read from it. Elsewhere it joins the
    # cluster's processes, and whatever it leaves behind ends with them.
    at_terminal = sys.stdin.isatty()
    with (
        tempfile.TemporaryDirectory(prefix="local-cluster-") as folder,
        Cluster.start(Path(folder)) as cluster,
    ):
        try:
            group = None if at_terminal else cluster.process_group
            process = subprocess.Popen(program, env=os.environ | cluster.environment(), process_group=group)
        except OSError as error:
            raise ClusterError(f"cannot run {program[0]}: {error.strerror}") from None
        try:
            return _exit_code(_wait(process, at_terminal=at_terminal))
        finally:
            stop(process, COMMAND_PATIENCE)


def _wait(process: subprocess.Popen[bytes], *, at_terminal: bool) -> int:
    """Wait for the command; it decides what Ctrl-C means, which at a terminal reaches it by itself."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            if not at_terminal:
                process.send_signal(signal.SIGINT)


def _exit_code(returncode: int) -> int:
    return 128 - returncode if returncode < 0 else returncode


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
