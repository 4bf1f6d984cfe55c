"""What the machine and a process do: processor time, memory, and how fast this machine is at all."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")
_SPIN = 200_000


def spins(seconds: float = 1.0) -> float:
    """Return how often per second one core does a fixed piece of work, so that runs on different machines compare."""
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        sum(range(_SPIN))
        count += 1
    return count / seconds


@dataclass(frozen=True, slots=True)
class ProcessLoad:
    """What a process has used so far: processor seconds, and the memory that it holds, in bytes."""

    processor: float
    memory: int

    @classmethod
    def of(cls, pid: int) -> "ProcessLoad":
        """Read it of a process that lives."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls((int(fields[11]) + int(fields[12])) / _TICKS, 1024 * int(lines["VmRSS"].split()[0]))
