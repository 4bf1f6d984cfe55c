"""The operator processes, and who kills them."""

import random
import time
from dataclasses import dataclass
from typing import Any

from tests.chaos.processes import Processes
from tests.e2e.operator_process import OperatorProcess

_PAUSES = ((0.0, 1.2), (1.2, 2.5), (5.0, 8.0))
"""Seconds before a strike: most come soon, and now and then work can come to its end, lost answers too."""
_WEIGHTS = (16, 3, 1)

_LONGEST_START = 5.0
"""Seconds; while the API server is away no one gets ready."""


@dataclass
class Operators:
    """Processes side by side; each one that was killed is started again at once. `strikes` counts the kills."""

    processes: Processes
    rng: random.Random
    strikes: int = 0

    def strike(self) -> None:
        """Kill one of the processes at a random instant, now and then all at once, and start them again."""
        present = self.processes.all
        victims = present if self.rng.random() < 0.15 else [self.rng.choice(present)]
        if self.rng.random() < 0.5:
            _let_work(victims)
        low, high = self.rng.choices(_PAUSES, _WEIGHTS)[0]
        time.sleep(self.rng.uniform(low, high))
        for victim in victims:
            if victim.is_running:
                victim.kill()
                self.strikes += 1
            else:
                self.processes.ended_alone += 1
        for victim in victims:
            victim.launch()

    def figures(self) -> dict[str, Any]:
        """Return what there is to tell."""
        return {"kills (SIGKILL)": self.strikes}


def _let_work(processes: list[OperatorProcess]) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while time.monotonic() < deadline and not all(process.is_ready for process in processes):
        time.sleep(0.05)
