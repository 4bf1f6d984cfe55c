"""The seed of the samples: which part of all cases is tried, another with each commit, so that in time all are tried."""

import os
import subprocess
from functools import cache
from pathlib import Path

VARIABLE = "SIMULATION_SEED"


@cache
def seed() -> int:
    """Return the seed: of the environment, else of the commit, and 0 where there is none."""
    if given := os.environ.get(VARIABLE):
        return int(given)
    head = subprocess.run(
        ["/usr/bin/env", "git", "rev-parse", "--short=8", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(head.stdout[:8], 16) if head.returncode == 0 else 0


def part(every: int, number: int = 0, of: int | None = None) -> slice:
    """Return a slice of one case in so many: of others with another seed, and with another number.

    Args:
        every: Of how many cases one is taken.
        number: What the slice is for, where each of many has a slice of its own.
        of: The seed, where it is not that of the commit.
    """
    return slice(((seed() if of is None else of) + number) % every, None, every)
