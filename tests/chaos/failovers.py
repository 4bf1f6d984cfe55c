"""Replicas that elect a leader, and who takes it away: by a kill, by a standstill longer than its lease, or politely."""

import random
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.operator_process import OperatorProcess

_IN_TIME = 120.0
"""Bounds the wait for a leader, in seconds; the API server may be away meanwhile."""

_LONGEST_WORK = 2.0


@dataclass
class Failovers:
    """Replicas side by side; `strikes` counts how often the leader was taken away.

    `seconds` are those until another one led, by how the leader was taken away.
    """

    processes: list[OperatorProcess]
    rng: random.Random
    strikes: int = 0
    ended_alone: int = 0
    """How many were found ended by themselves: a leader that cannot renew its lease ends."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def strike(self) -> None:
        """Take the leader away at a random instant, wait until another one leads, and bring it back."""
        leader = self._leader()
        others = [process for process in self.processes if process is not leader]
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

    def revive(self) -> None:
        """Start again what ended by itself."""
        for process in self.processes:
            if not process.is_running:
                self.ended_alone += 1
                process.launch()

    def stop(self) -> None:
        """End all processes."""
        for process in self.processes:
            if process.is_running:
                process.kill()

    def figures(self) -> dict[str, Any]:
        """Return what there is to tell."""
        spread = {
            f"until another one led, the leader {how}, s, median / longest": _spread(seconds)
            for how, seconds in sorted(self.seconds.items())
        }
        counts = Counter({how: len(seconds) for how, seconds in self.seconds.items()})
        return {"failovers": self.strikes, **dict(sorted(counts.items())), **spread} | {
            "replicas that ended by themselves": self.ended_alone
        }

    def _leader(self, among: list[OperatorProcess] | None = None) -> OperatorProcess:
        """Return the replica that leads, as soon as one does."""
        deadline = time.monotonic() + _IN_TIME
        candidates = self.processes if among is None else among
        while time.monotonic() < deadline:
            for process in candidates:
                if process.role == "leading":
                    return process
                if not process.is_running:
                    self.ended_alone += 1
                    process.launch()
            time.sleep(0.05)
        raise AssertionError(f"nobody led within {_IN_TIME:.0f} s")


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} / {max(seconds):.1f}"
