"""The operator processes of a run, anyone who ends them."""

from dataclasses import dataclass, field

from tests.e2e.operator_process import OperatorProcess


@dataclass
class Processes:
    """Processes side by side; `ended_alone` counts those that were found ended by themselves."""

    all: list[OperatorProcess] = field(default_factory=list)
    ended_alone: int = 0

    def revive(self) -> None:
        """Start again what ended by itself."""
        for process in self.all:
            if not process.is_running:
                self.ended_alone += 1
                process.launch()

    def stop(self) -> None:
        """End all processes."""
        for process in self.all:
            if process.is_running:
                process.kill()
