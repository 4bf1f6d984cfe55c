"""The operator as its own process, as the tests start, end and kill it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from local_cluster.readiness import free_port
from tests.e2e.patience import PATIENCE

_ROOT = Path(__file__).parents[2]


class OperatorProcess:
    """One operator process; its log goes to a file, and `environment` adds to what it needs.

    Its clock is so many `days_ahead`; its code is that of the checkout in `source`.
    """

    def __init__(
        self,
        kubeconfig: Path,
        base_url: str,
        log: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        days_ahead: int = 0,
        source: Path = _ROOT,
    ) -> None:
        self.log = log
        self._folder = source / "operator"
        command = ["tests.e2e.later", str(days_ahead)] if days_ahead else ["mailtrap_operator"]
        self._command = [sys.executable, "-m", *command, "run", "--log-level", "debug", *arguments]
        self.port = free_port()
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(_ROOT),
            "KUBECONFIG": str(kubeconfig),
            # The client library copies the kubeconfig's keys to files, which a killed process leaves behind.
            "TMPDIR": str(log.parent),
            "MAILTRAP_OPERATOR_ALLOWED_BASE_URLS": base_url,
            # Several side by side must get along without an election as well; a flag turns it on.
            "MAILTRAP_OPERATOR_LEADER_ELECTION": "false",
            **(environment or {}),
            "MAILTRAP_OPERATOR_PORT": str(self.port),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and wait until it is ready."""
        self.launch()
        deadline = time.monotonic() + PATIENCE
        while not self.is_ready:
            if not self.is_running or time.monotonic() > deadline:
                raise AssertionError(f"the operator did not get ready:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.05)
        return self

    def launch(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    @property
    def is_ready(self) -> bool:
        """Whether the process says that it is ready."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).is_success
        except httpx.HTTPError:
            return False

    @property
    def role(self) -> str:
        """What the process says that it does among its replicas, empty while it is not ready."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2)
        except httpx.HTTPError:
            return ""
        return answer.text.removeprefix("ok; ") if answer.is_success else ""

    @property
    def pid(self) -> int:
        """The process id of the process that was started last."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def peak_memory(self) -> int:
        """The most memory that the process has had at once, in bytes."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))

    def kill(self) -> None:
        """End the process by SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End the process by SIGTERM and return its exit status."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Have the process stand still."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have the process continue where it was."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait until the process ends by itself and return its exit status."""
        assert self._process is not None
        return self._process.wait(timeout=PATIENCE)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.stop()
