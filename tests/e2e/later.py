"""The operator's command at a later time: `python -m tests.e2e.later DAYS run …` puts its clock forward by so many days."""

import sys
from datetime import UTC, datetime, timedelta

from mailtrap_operator import command, process


def main() -> int:
    """Run the command."""
    later = timedelta(days=int(sys.argv[1]))
    # A process has no other clock that a test could set: its certificates are checked by the real time.
    process._clock = lambda: datetime.now(UTC) + later
    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
