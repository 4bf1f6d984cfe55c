"""Waiting for a component until it serves; a component that ends meanwhile is reported at once."""

import contextlib
import http.client
import secrets
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from local_cluster.components import LOOPBACK
from local_cluster.errors import ClusterError, PortTakenError
from local_cluster.processes import log_tail

# A start takes about three seconds on an idle machine; one that ends is noticed at once.
START_TIMEOUT = 180.0
POLL_INTERVAL = 0.05
PROBE_TIMEOUT = 5.0

# Below the ports that the kernel gives to outgoing connections: anyone who connects to a stopped
# API server must find no one there, neither another program nor itself.
PORTS = range(20000, 30000)
PORT_CHOICES = 100
PORT_ATTEMPTS = 3


def free_port() -> int:
    """Return a port of loopback that was free a moment ago; another process may still be faster."""
    for _ in range(PORT_CHOICES):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise ClusterError(f"no free port found on {LOOPBACK} between {PORTS.start} and {PORTS.stop}")


def on_free_port(start: Callable[[int], None]) -> int:
    """Start something on a free port and return the port; where another process was faster, try the next.

    Raises:
        PortTakenError: that happened three times.
    """
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(PortTakenError):
            port = free_port()
            start(port)
            return port
    port = free_port()
    start(port)
    return port


def answers(port: int, path: str, context: ssl.SSLContext) -> bool:
    """Tell whether a GET of `path` is answered with 200 by a server that the `context` trusts."""
    connection = http.client.HTTPSConnection(LOOPBACK, port, context=context, timeout=PROBE_TIMEOUT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(
    is_ready: Callable[[], bool], *, process: subprocess.Popen[bytes], name: str, log: Path
) -> None:
    """Wait until `is_ready` says so.

    Raises:
        PortTakenError: the process ended because its port was in use.
        ClusterError: the process ended for another reason, or was not ready after three minutes.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        if process.poll() is not None:
            what = f"{name} ended with exit code {process.returncode} instead of starting"
            error = PortTakenError if "address already in use" in log_tail(log) else ClusterError
            raise error(_with_log(what, log))
        if is_ready():
            return
        if time.monotonic() > deadline:
            raise ClusterError(_with_log(f"{name} was not ready after {START_TIMEOUT:.0f} seconds", log))
        time.sleep(POLL_INTERVAL)


def _with_log(what: str, log: Path) -> str:
    return f"{what}. The end of its log ({log}):\n{log_tail(log)}"
