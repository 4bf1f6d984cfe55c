import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster.build import MODULE
from local_cluster.processes import ProcessGroup, log_tail, stop

TIMEOUT = 30  # seconds until a test gives up; none waits that long when all is well

# Starts a process that holds the pipe open for ten minutes, and waits to be killed.
PARENT = """
import pathlib, sys, time
from local_cluster.build import MODULE
from local_cluster.processes import ProcessGroup
group = ProcessGroup()
group.start(["/bin/sh", "-c", f"exec >{sys.argv[1]}; echo ready; exec sleep 600"], log=pathlib.Path(sys.argv[2]))
time.sleep(600)
"""


@pytest.fixture
def group() -> Iterator[ProcessGroup]:
    group = ProcessGroup()
    yield group
    group.kill()


def test_what_runs_in_a_group_is_killed_with_it(group: ProcessGroup, tmp_path: Path) -> None:
    sleeper = group.start(["sleep", "600"], log=tmp_path / "log")

    group.kill()

    assert sleeper.wait(TIMEOUT) == -signal.SIGKILL


def test_a_released_group_lives_on(group: ProcessGroup, tmp_path: Path) -> None:
    sleeper = group.start(["sleep", "600"], log=tmp_path / "log")

    group.release()
    group.kill()
    stop(sleeper)

    assert sleeper.returncode == -signal.SIGTERM


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen([sys.executable, "-c", PARENT, pipe, tmp_path / "log"], cwd=MODULE.parent) as parent,
        subprocess.Popen(["/bin/cat", pipe], stdout=subprocess.PIPE) as reader,
    ):
        try:
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"ready\n"

            parent.kill()

            # The reader comes to the end when no one holds the pipe any more.
            assert reader.wait(TIMEOUT) == 0
        finally:
            reader.kill()


def test_a_process_that_ignores_the_polite_signal_is_killed() -> None:
    stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done"
    with subprocess.Popen(["/bin/sh", "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()

        stop(process, patience=0.1)

    assert process.returncode == -signal.SIGKILL


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("\n".join(str(number) for number in range(100)))

    assert log_tail(log, lines=2) == "98\n99"
