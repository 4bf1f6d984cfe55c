"""The operator as its own process, the way it runs everywhere: started, killed and started again from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from local_cluster.readiness import free_port

_SOURCES = Path(__file__).resolve().parents[1]
_START_SECONDS = 120.0  # only bounds a failure: one that ends is noticed at once
_STOP_SECONDS = 60.0  # a stopping operator first ends the calls in progress
_POLL_SECONDS = 0.05


class OperatorError(Exception):
    """The operator did not start, or ended by itself."""


class OperatorProcess:
    """One operator; every start has the same settings and adds to the same log.

    It joins the cluster's process group, which ends with this process in whatever way that one ends.
    """

    def __init__(self, kubeconfig: Path, group: int, log: Path, arguments: Sequence[str]) -> None:
        self.log = log
        self.url = f"http://127.0.0.1:{free_port()}"
        self._arguments = (*arguments, "--port", self.url.rpartition(":")[2], "--log-format", "text")
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "KUBECONFIG": str(kubeconfig),
            # The client library copies the kubeconfig's keys to files, which a killed process leaves behind.
            "TMPDIR": str(log.parent),
        }
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that was started last."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            OperatorError: it ended, or was not ready within two minutes.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program with our own flags
                [sys.executable, "-m", "mailtrap_operator", "run", *self._arguments],
                cwd=_SOURCES,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._group,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                raise OperatorError(f"the operator ended with exit code {self._process.returncode}")
            if time.monotonic() > deadline:
                raise OperatorError(f"the operator was not ready within {_START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End the process by SIGKILL: no warning, no last word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process politely. May be repeated, and called when there is none."""
        self._end(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until the process ends by itself.

        Raises:
            OperatorError: always, once it has.
        """
        code = self._process.wait() if self._process else None
        raise OperatorError(f"the operator ended with exit code {code}")

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
