"""What a story does on the stage: type a command, look, check. Each is shown as it happens."""

import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from demo.operator_process import OperatorProcess
from demo.terminal import Terminal
from demo.witness import SECRET, Witness, masked
from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess

_PATIENCE = 120.0  # seconds that bound a failure; when all is well nothing takes that long
_POLL_SECONDS = 0.1

T = TypeVar("T")


class StepFailed(Exception):  # noqa: N818 - the word that the reader is told
    """Something did not come out as the story says."""

    def __init__(self, what: str, *, expected: str, seen: str) -> None:
        super().__init__(what)
        self.expected = expected
        self.seen = seen


class Scene:
    """What is on the stage. The time that a new value takes is counted from the last command."""

    def __init__(
        self, show: Terminal, cluster: Cluster, simulator: SimulatorProcess, operator: OperatorProcess
    ) -> None:
        self.show = show
        self.cluster = cluster
        self.simulator = simulator
        self.operator = operator
        self.witness = Witness(cluster, simulator)
        self._typed_at = time.monotonic()

    def kubectl(self, *arguments: str, input: str | None = None) -> None:  # noqa: A002 - the word subprocess.run uses
        """Show a kubectl command and run it.

        Raises:
            KubectlError: it failed.
        """
        self._type(["kubectl", *map(shlex.quote, arguments)], arguments, input)

    def apply_edited(self, sample: str, old: str, new: str) -> None:
        """Apply a sample file with one word changed.

        Raises:
            KubectlError: the API server refused it.
        """
        arguments = ("apply", "-f", "-")
        edited = Path(sample).read_text(encoding="utf-8").replace(old, new)
        shown = ["sed", shlex.quote(f"s|{old}|{new}|"), sample, "|", "kubectl", *arguments]
        self._type(shown, arguments, edited)

    def check(self, what: str, expected: str, look: Callable[[], str], patience: float = _PATIENCE) -> None:
        """Look until the expected is seen, and show it.

        Raises:
            StepFailed: it was not seen in time.
        """
        seen = _last_seen(look, lambda seen: seen == expected, patience)
        if seen != expected:
            raise StepFailed(what, expected=expected, seen=seen)
        self.show.seen(what, seen)

    def call(self, what: str, value: SecretStr, expected: str) -> None:
        """Check that Mailtrap answers a call with this token as expected.

        Raises:
            StepFailed: it did not in time.
        """
        self.check(f"call with {what} {masked(value)}", expected, lambda: self.witness.call(value))

    def held_value(self) -> SecretStr:
        """Return the value that the Secret holds.

        Raises:
            StepFailed: it holds none.
        """
        value = self.witness.value()
        if value is None:
            raise StepFailed(f"Secret {SECRET}", expected="a value", seen="none")
        return value

    def new_value(self, former: SecretStr | None = None) -> SecretStr:
        """Wait until the Secret holds another value than the former, and show how long it took.

        Raises:
            StepFailed: it did not come.
        """
        value = _last_seen(self.witness.value, lambda value: value not in {None, former}, _PATIENCE)
        if value is None or value == former:
            seen = f"still {masked(value)}" if value else "none"
            raise StepFailed(f"Secret {SECRET}", expected="a new value", seen=seen)
        self.show.seen(
            f"Secret {SECRET} holds {masked(value)}", f"within {time.monotonic() - self._typed_at:.1f} s"
        )
        return value

    def kill_operator(self) -> None:
        """Kill the operator without a warning."""
        self.show.command("kill", "-KILL", str(self.operator.pid))
        self.operator.kill()

    def start_operator(self) -> None:
        """Start the operator and wait until it is ready.

        Raises:
            OperatorError: it did not get ready.
        """
        self.show.command("mailtrap-operator", "run")
        self._typed_at = time.monotonic()
        self.operator.start()

    def _type(self, shown: Sequence[str], arguments: Sequence[str], text: str | None) -> None:
        self.show.command(*shown)
        self._typed_at = time.monotonic()
        self.cluster.kubectl(*arguments, input=text)


def _last_seen(look: Callable[[], T], is_right: Callable[[T], bool], patience: float) -> T:
    """Look until what is seen is right, or patience ends."""
    deadline = time.monotonic() + patience
    while not is_right(seen := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return seen
