"""A cluster that stays after the command that started it, until it is taken down.

Its folder holds a record of its processes. A process is ended only while it is the recorded one:
after a restart of the machine the same id may belong to anything.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cluster.cluster import Cluster
from local_cluster.errors import ClusterError
from local_cluster.processes import PATIENCE

RECORD = "cluster.json"
POLL_INTERVAL = 0.05
PS_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """What the folder says about its cluster: how a shell uses it, and the processes in the order to end them."""

    use: str
    pids: tuple[int, ...]


def up(directory: Path) -> str:
    """Start a cluster in `directory`, or find the one that runs there, and return the shell line to use it.

    Raises:
        ClusterError: the folder holds something else, or the cluster did not start.
    """
    directory = directory.resolve()
    if (directory / RECORD).exists():
        record = _read(directory)
        if record.pids and all(_runs(pid, directory) for pid in record.pids):
            return record.use
        down(directory)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise ClusterError(f"{directory} is not empty; give a new folder for the cluster's files")
    _write(directory, Record("", ()))  # from here on `down` may remove the folder, also when the start fails
    with Cluster.start(directory) as cluster:
        record = Record(_shell_line(cluster), tuple(cluster.pids[name] for name in reversed(cluster.pids)))
        _write(directory, record)
        cluster.leave_running()
    return record.use


def down(directory: Path) -> None:
    """End the cluster in `directory` and remove the folder.

    Raises:
        ClusterError: no cluster was started there.
    """
    directory = directory.resolve()
    if not (directory / RECORD).exists():
        raise ClusterError(f"no cluster was started in {directory}")
    for pid in _read(directory).pids:
        _end(pid, directory)
    shutil.rmtree(directory)


def _shell_line(cluster: Cluster) -> str:
    values = cluster.environment() | {"PATH": f"{cluster.programs}{os.pathsep}$PATH"}
    return "export " + " ".join(f'{name}="{value}"' for name, value in values.items())


def _end(pid: int, directory: Path) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if _runs(pid, directory):
            os.kill(pid, signal_number)
        deadline = time.monotonic() + PATIENCE
        while _runs(pid, directory) and time.monotonic() < deadline:
            time.sleep(POLL_INTERVAL)


def _runs(pid: int, directory: Path) -> bool:
    """Tell whether this process is one of the cluster's, whose arguments all name its folder."""
    ps = ["ps", "-ww", "-o", "args=", "-p", str(pid)]  # -ww: whole lines, however narrow the terminal
    shown = subprocess.run(ps, capture_output=True, text=True, timeout=PS_TIMEOUT, check=False)
    return f"{directory}{os.sep}" in shown.stdout


def _read(directory: Path) -> Record:
    content = json.loads((directory / RECORD).read_text())
    return Record(use=content["use"], pids=tuple(content["pids"]))


def _write(directory: Path, record: Record) -> None:
    (directory / RECORD).write_text(json.dumps(asdict(record)))
