"""`python -m tests.chaos --kills 1000`, or `--failovers 100`: prints the table; exit status 1 when anything went wrong."""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.failovers import Failovers
from tests.chaos.operators import Operators
from tests.chaos.run import run


def main() -> int:
    """Run chaos once."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Kills operators at random instants."
    )
    strikes = parser.add_mutually_exclusive_group()
    strikes.add_argument("--kills", type=int, default=25, help="how many SIGKILLs to make")
    strikes.add_argument(
        "--failovers", type=int, default=0, help="how often to take the leader of two replicas away"
    )
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what the randomness begins with")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailtrap-chaos-"))
    kind, count = (Failovers, given.failovers) if given.failovers else (Operators, given.kills)
    _tell(f"seed {given.seed}, {count} strikes; logs in {folder}")
    report = run(kind, count, given.seed, folder, _tell)
    _tell(f"\n{report.table()}")
    if report.is_clean:
        shutil.rmtree(folder)
        return 0
    _tell(f"\n{report.details()}\n\nseed {given.seed}; the logs stay in {folder}")
    return 1


def _tell(words: str) -> None:
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
