"""Replicas that elect a leader, and who takes it away: by a kill, by a standstill longer than its lease, or politely."""

import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.processes import Processes
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.patience import PATIENCE

_LONGEST_WORK = 2.0


@dataclass
class Failovers:
    """Replicas side by side; `strikes` counts how often the leader was taken away.

    `seconds` are those until another one led, by how the leader was taken away.
    """

    processes: Processes
    rng: random.Random
    strikes: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def strike(self) -> None:
        """Take the leader away at a random instant, wait until another one leads, and bring it back."""
        leader = self._leader(self.processes.all)
        others = [process for process in self.processes.all if process is not leader]
        time.sleep(self.rng.uniform(0, _LONGEST_WORK))
        how = self.rng.choice(["killed", "stood still", "told to end"])
        begun = time.monotonic()
        match how:
            case "killed":
                leader.kill()
            case "stood still":
                leader.pause()
            case _:
                leader.stop()
        self._leader(others)
        self.seconds.setdefault(how, []).append(time.monotonic() - begun)
        if how == "stood still":
            leader.resume()
            if leader.wait() == 0:
                raise AssertionError("a leader that stood still for longer than its lease did not fail")
        leader.launch()
        self.strikes += 1

    def figures(self) -> dict[str, Any]:
        """Return what there is to tell."""
        spread = {
            f"until another one led, the leader {how}, s, median / longest": _spread(seconds)
            for how, seconds in sorted(self.seconds.items())
        }
        counts = Counter({how: len(seconds) for how, seconds in self.seconds.items()})
        return {"failovers": self.strikes, **dict(sorted(counts.items())), **spread}

    def _leader(self, among: list[OperatorProcess]) -> OperatorProcess:
        """Return the replica that leads, as soon as one does."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for process in among:
                if process.role == "leading":
                    return process
                if not process.is_running:
                    # A leader that cannot renew its lease ends.
                    self.processes.ended_alone += 1
                    process.launch()
            time.sleep(0.05)
        raise AssertionError(f"no one led within {PATIENCE} s")


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} / {max(seconds):.1f}"
