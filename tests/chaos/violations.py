"""What must not be left when a run is over."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.witness import look
from tests.e2e.world import World


def leaked(world: World) -> list[str]:
    """Name the tokens of ours that neither a Secret holds nor a status has on record as retired."""
    left = {name: view.left_over() for name, view in look(world).items()}
    return [f"{name}: {ids}" for name, ids in left.items() if ids]


def values_in_logs(values: Iterable[str], logs: list[Path]) -> list[str]:
    """Name the logs in which a token value stands, and in how many lines."""
    found = subprocess.run(
        ["grep", "--count", "--fixed-strings", "--file=-", "/dev/null", *logs],  # noqa: S607 - as everywhere
        input="\n".join(sorted(values)),
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in found.stdout.splitlines() if not line.endswith(":0")]
