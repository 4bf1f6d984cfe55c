import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

import mailtrap_simulator
from mailtrap_simulator.process import SimulatorProcess

CREDENTIAL = "a-credential-of-the-account"
PATIENCE = 30.0
SOURCES = str(Path(mailtrap_simulator.__file__).parent.parent)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; for calls that refuse to start."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAILTRAP_")}
    return subprocess.run(
        [sys.executable, "-m", "mailtrap_simulator", *arguments],
        env={**environment, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a credential is needed: give --credential or set MAILTRAP_SIMULATOR_CREDENTIAL"),
        (["--credential", "has space"], "printable ASCII"),
        (["--credential", "c", "--host", "0.0.0.0"], "no loopback address; use 127.0.0.1 or ::1"),  # noqa: S104 - refused
        (["--credential", "c", "--host", "example.org"], "no loopback address"),
        (["--credential", "c", "--latency", "fast"], "'fast' is no duration"),
        (["--credential", "c", "--rate-limit", "150"], "'150' is no rate limit"),
        (["--credential", "c", "--server", "ancient"], "'ancient' is none of the choices; write old or new"),
        (["--credential", "c", "--account-id", "0"], "id must be a whole number above zero"),
    ],
)
def test_a_wrong_flag_stops_the_start_with_a_clear_line(arguments: list[str], message: str) -> None:
    ended = run(*arguments)

    assert (2, "") == (ended.returncode, ended.stdout)
    assert message in ended.stderr.splitlines()[-1]


def test_a_port_in_use_is_a_clear_error() -> None:
    with SimulatorProcess(CREDENTIAL) as simulator:
        port = simulator.url.rpartition(":")[2]

        ended = run("--credential", CREDENTIAL, "--port", port)

    assert (2, True) == (ended.returncode, f"cannot listen on 127.0.0.1 port {port}" in ended.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "mailtrap_simulator", "--credential", CREDENTIAL]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()
        process.send_signal(number)
        rest, complaints = process.communicate(timeout=PATIENCE)

    assert first_line.startswith("listening on http://127.0.0.1:")
    assert (0, "", "") == (process.returncode, rest, complaints)


def test_flags_reach_the_settings() -> None:
    flags = (
        "--server old --paths plain --types old --latency 5ms --rate-limit 20/10s --default-expiry 30d "
        "--retry-after none --errors list --unprivileged-list short --second-reset successor"
    )
    with SimulatorProcess(CREDENTIAL, account_id=7, arguments=flags.split()) as simulator:
        settings = simulator.control("GET", "settings")
        (account,) = simulator.control("GET", "state")["accounts"]

    assert {
        "server": "old",
        "paths": "plain",
        "types": "old",
        "default_expiry": "30d",
        "rate_limit": "20/10s",
        "retry_after": "none",
        "latency": "5ms",
        "errors": "list",
        "unprivileged_list": "short",
        "second_reset": "successor",
    } == settings
    assert (7, "ount") == (account["id"], account["tokens"][0]["last_4_digits"])


def create(simulator: SimulatorProcess, kind: str, id_: int) -> tuple[int, Any]:
    """Ask for a token for one resource; return the status and the answer."""
    resource = {"resource_type": kind, "resource_id": id_, "access_level": 100}
    request = Request(  # noqa: S310 - our own simulator
        f"{simulator.url}/api/api_tokens",
        json.dumps({"name": "x", "resources": [resource]}).encode(),
        {"Api-Token": CREDENTIAL},
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_command_knows_the_documented_resources_and_grants_a_year() -> None:
    with SimulatorProcess(CREDENTIAL) as simulator:
        status, token = create(simulator, "domain", 435)
        unknown = create(simulator, "domain", 999_999)
        now = datetime.fromisoformat(simulator.control("GET", "clock")["now"])

    assert (200, 365) == (
        status,
        round((datetime.fromisoformat(token["expires_at"]) - now) / timedelta(days=1)),
    )
    assert (422, {"errors": {"base": ["Resource not found: domain 999999"]}}) == unknown


def test_any_resource_may_exist() -> None:
    with SimulatorProcess(CREDENTIAL, arguments=("--any-resource",)) as simulator:
        assert 200 == create(simulator, "domain", 999_999)[0]


def test_the_authority_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    flags = ("--tls", "--tls-dir", str(tmp_path / "tls"))
    with SimulatorProcess(CREDENTIAL, arguments=flags) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        assert ["ca.crt"] == [path.name for path in (tmp_path / "tls").iterdir()]


def test_a_process_that_cannot_start_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="the simulator did not start"):
        SimulatorProcess(CREDENTIAL, arguments=("--host", "10.0.0.1")).start()

    assert "no loopback address" in capfd.readouterr().err


def test_a_stopped_process_is_gone_and_may_be_stopped_again() -> None:
    simulator = SimulatorProcess(CREDENTIAL)
    simulator.start()
    simulator.stop()
    simulator.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(simulator.pid, 0)
