"""What a person at the terminal is told, on standard error: standard output belongs to the command that is run."""

import sys


def say(message: str) -> None:
    """Print one line at once."""
    print(f"local cluster: {message}", file=sys.stderr, flush=True)
