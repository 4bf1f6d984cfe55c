"""Starts the simulator as a process of its own, for tests and the demo. Needs the standard library only."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

START_SECONDS = 120.0
STOP_SECONDS = 60.0
CALL_SECONDS = 30.0


class SimulatorProcess:
    """A running simulator; a context manager that ends the process it started.

    `arguments` are further flags, such as `("--rate-limit", "20/10s")`. With `tls` the CA file is `ca_file`.
    """

    def __init__(
        self, credential: str, *, account_id: int = 3229, arguments: Sequence[str] = (), tls: bool = False
    ) -> None:
        self.account_id = account_id
        self.url = ""
        self.pid = 0
        self.ca_file: Path | None = None
        self._credential = credential
        self._arguments = tuple(arguments)
        self._tls = tls
        self._directory: TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process and wait until it listens.

        Raises:
            RuntimeError: it ended or said nothing within two minutes; its own message is on stderr.
        """
        command = [sys.executable, "-m", "mailtrap_simulator", "--account-id", str(self.account_id)]
        if self._tls:
            self._directory = TemporaryDirectory(prefix="mailtrap-simulator-")
            command += ["--tls", "--tls-dir", self._directory.name]
            self.ca_file = Path(self._directory.name) / "ca.crt"
        source_root = str(Path(__file__).resolve().parent.parent)
        paths = [source_root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(  # noqa: S603 - our own program with our own flags
            [*command, *self._arguments],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(paths), "MAILTRAP_SIMULATOR_CREDENTIAL": self._credential},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        first_line = self._first_line(self._process)
        if not first_line.startswith("listening on "):
            self.stop()
            raise RuntimeError(f"the simulator did not start, first line: {first_line!r}; see its stderr")
        self.url = first_line.removeprefix("listening on ").strip()

    def stop(self) -> None:
        """End the process: SIGTERM, and SIGKILL when it takes more than a minute. May be repeated."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
            if process.stdout is not None:
                process.stdout.close()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def control(self, method: str, path: str, payload: Any = None) -> Any:
        """Call the control API, `control("POST", "clock", {"advance": 60})`, and return its JSON answer.

        Raises:
            RuntimeError: the simulator refused, with its reason.
            OSError: it cannot be reached.
        """
        request = Request(  # noqa: S310 - always our own simulator
            f"{self.url}/_simulator/{path.removeprefix('/_simulator/')}",
            data=None if payload is None else json.dumps(payload).encode(),
            method=method,
            headers={"Content-Type": "application/json"},
        )
        context = None if self.ca_file is None else ssl.create_default_context(cafile=self.ca_file)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=CALL_SECONDS) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                reason = error.read().decode(errors="replace")
            raise RuntimeError(f"{method} {path} was refused with {error.code}: {reason}") from None

    @staticmethod
    def _first_line(process: subprocess.Popen[str]) -> str:
        if process.stdout is None:
            return ""
        watchdog = Timer(START_SECONDS, process.kill)
        watchdog.start()
        try:
            return process.stdout.readline()
        finally:
            watchdog.cancel()
