import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local_cluster.errors import ClusterError, PortTakenError
from local_cluster.readiness import PORTS, free_port, on_free_port, wait_until


def ended(code: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({code})"])
    process.wait()
    return process


@pytest.mark.parametrize(
    ("log_line", "error"),
    [
        pytest.param("unknown flag: --nonsense", ClusterError, id="a wrong flag"),
        pytest.param(
            "listen tcp 127.0.0.1:1: bind: address already in use", PortTakenError, id="a taken port"
        ),
    ],
)
def test_a_component_that_ends_is_reported_with_its_log(
    tmp_path: Path, log_line: str, error: type[ClusterError]
) -> None:
    log = tmp_path / "etcd.log"
    log.write_text(f"{log_line}\n")

    with pytest.raises(ClusterError, match=rf"(?s)^etcd ended with exit code 3.*{log_line}") as raised:
        wait_until(lambda: True, process=ended(3), name="etcd", log=log)

    assert error is type(raised.value)


def test_a_chosen_port_is_none_that_an_outgoing_connection_can_get() -> None:
    assert free_port() in PORTS
    assert PORTS.stop <= 32768


@dataclass
class StartThatIsBeaten:
    """Another process takes the port first, as often as said."""

    times: int
    tried: list[int] = field(default_factory=list)

    def __call__(self, port: int) -> None:
        self.tried.append(port)
        if len(self.tried) <= self.times:
            raise PortTakenError


def test_a_port_that_another_process_took_is_given_up_for_the_next() -> None:
    start = StartThatIsBeaten(times=2)

    assert on_free_port(start) == start.tried[2]


def test_after_three_taken_ports_the_start_fails() -> None:
    with pytest.raises(PortTakenError):
        on_free_port(StartThatIsBeaten(times=3))
