"""`python -m tests.chaos --kills 1000`: prints the table; exit status 1 when anything went wrong."""

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run


def main() -> int:
    """Run chaos once."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Kills operators at random instants."
    )
    parser.add_argument("--kills", type=int, default=25, help="how many SIGKILLs to make")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="what the randomness begins with")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mailtrap-chaos-"))
    _tell(f"seed {given.seed}, {given.kills} kills; logs in {folder}")
    report = run(given.kills, given.seed, folder, _tell)
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
