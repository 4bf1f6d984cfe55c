"""Breaks the product in one place at a time, and says which test notices: `python -m tests.breaks`.

Exits with 1 when a break was not caught.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.breaks.breaking import caught_by, failing_unbroken
from tests.breaks.table import TABLE


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    rows = [
        (area, each)
        for area, of_area in TABLE.items()
        for each in of_area
        if arguments.only in f"{area}: {each.name}"
    ]
    breaks = [each for _, each in rows]
    if failing := failing_unbroken(breaks):
        print(f"{failing} fails without any break: repair it first.")
        return 1
    missed = 0
    with ThreadPoolExecutor(arguments.workers) as pool:
        for (area, each), test in zip(rows, pool.map(caught_by, breaks), strict=True):
            missed += test is None
            print(f"{area}: {each.name}: {f'caught by {test}' if test else 'NOT CAUGHT'}", flush=True)
    print(f"{len(rows)} breaks, {missed} not caught")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.breaks", description="Breaks the product on purpose."
    )
    parser.add_argument("--only", default="", help=f"an area ({', '.join(TABLE)}), or a part of a name")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
