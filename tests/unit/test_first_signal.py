"""A signal that comes before the watches are up, to the first process of its PID namespace.

That is what the operator is in its container; from such a process the kernel keeps every signal that it does not handle.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mailtrap_operator.clients.user_agent import USER_AGENT

# Each stands in for a library that takes its time: it says that it is being loaded, and waits until the test has spoken.
WAITS = """\
import os
os.write(1, b"loading")
os.read(0, 1)
raise SystemExit("the signal was lost")
"""
OPERATOR = Path(__file__).parents[2] / "operator"
KUBECONFIG = """\
current-context: it
clusters: [{{name: it, cluster: {{server: "http://127.0.0.1:{}"}}}}]
contexts: [{{name: it, context: {{cluster: it, user: it}}}}]
users: [{{name: it, user: {{}}}}]
"""
# As an ordinary user one makes a PID namespace in a user namespace of one's own.
FIRST = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")


def can_be_first() -> bool:
    try:
        return subprocess.run([*FIRST, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(not can_be_first(), reason="no PID namespace can be made here")


def child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def first_process(*arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
    """Start the operator as the first process of a PID namespace."""
    return subprocess.Popen(
        [*FIRST, sys.executable, "-m", "mailtrap_operator", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("library", ["asyncio", "pydantic", "kopf", "kubernetes", "httpx"])
def test_a_signal_ends_the_process_whatever_is_being_loaded(
    library: str, number: signal.Signals, tmp_path: Path
) -> None:
    (tmp_path / f"{library}.py").write_text(WAITS)
    with first_process("run", PYTHONPATH=f"{tmp_path}:{OPERATOR}") as process:
        assert process.stdout is not None
        assert b"loading" == process.stdout.read(len(b"loading"))

        os.kill(child_of(process.pid), number)
        # A signal that is handled comes first; the end of what is read here comes second.
        _, errors = process.communicate()

    assert (128 + number, "") == (process.returncode, errors.decode())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", [("run", "--port=0"), ("plan",)])
def test_a_signal_ends_the_process_while_the_api_server_keeps_it_waiting(
    command: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # It only bounds a failure: a process that never calls.
        server.settimeout(120)
        config = tmp_path / "kubeconfig"
        config.write_text(KUBECONFIG.format(server.getsockname()[1]))
        environment = {"PYTHONPATH": str(OPERATOR), "KUBECONFIG": str(config)}
        with first_process(*command, **environment) as process, server.accept()[0]:
            os.kill(child_of(process.pid), number)
            _, errors = process.communicate()

    said = [json.loads(line)["agent"] for line in errors.splitlines()]
    assert (128 + number, [USER_AGENT] if command[0] == "run" else []) == (process.returncode, said)
