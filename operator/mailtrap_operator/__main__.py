"""Starts the command `mailtrap-operator`: from the first line on, a signal ends it.

It is the first process of its container, and of such a process the kernel drops every signal that has no handler. So
nothing is loaded before there is one.
"""

import os
import signal
import sys
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Run the command of the command line and return the exit status."""
    for number in _SIGNALS:
        signal.signal(number, _end)
    from mailtrap_operator import command  # noqa: PLC0415 - loading it takes a while

    return command.main()


def _end(number: int, _frame: FrameType | None) -> None:
    # Nothing has begun. An exception might be swallowed by whatever is being loaded.
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
