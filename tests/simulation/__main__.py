"""The proofs that take longer than the tests: `python -m tests.simulation pairs | schedules | histories | mutants`.

Exits with 1 when a promise was broken, or a mutant was not caught; every violation is one line that says how to
replay it.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from tests.simulation import histories, hunting, schedules
from tests.simulation.exhaustive import Fault, first_faults, pairs
from tests.simulation.flows import Flow
from tests.simulation.mutants import MUTANTS
from tests.simulation.preempting import Preemption


@dataclass(frozen=True, slots=True)
class Report:
    """How many runs a job made, and what was violated, a line each."""

    runs: int
    violations: tuple[str, ...]


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        match arguments.what:
            case "pairs":
                return _tell("pairs of faults", pool.map(_pairs, first_faults()))
            case "schedules":
                firsts = schedules.first_preemptions()
                return _tell("schedules of two operators", pool.map(_schedules, firsts))
            case "histories":
                seeds = range(arguments.first, arguments.first + arguments.runs)
                return _tell("histories", pool.map(_history, seeds, chunksize=20))
            case "mutants":
                return _tell_of_mutants(pool.map(hunting.hunt, MUTANTS))
    print(histories.describe(arguments.seed))
    return 0


def _pairs(first: tuple[Flow, Fault]) -> Report:
    cases = list(pairs(*first))
    return Report(len(cases), tuple(f"{case}: {violation}" for case, violation in cases if violation))


def _schedules(first: tuple[Flow, Preemption]) -> Report:
    cases = list(schedules.pairs(*first))
    return Report(len(cases), tuple(f"{case}: {violation}" for case, violation in cases if violation))


def _history(seed: int) -> Report:
    violation = histories.check(seed)
    return Report(1, (f"seed {seed}: {violation}",) if violation else ())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Longer simulations.")
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("pairs", help="all ordered pairs of faults")
    commands.add_parser("schedules", help="all schedules of two operators with two preemptions")
    random = commands.add_parser("histories", help="random histories")
    random.add_argument("--runs", type=int, default=2000, help="how many; the seeds count up")
    random.add_argument("--first", type=int, default=0, help="the first seed")
    commands.add_parser("mutants", help="break the protocol on purpose, and see it caught")
    replay = commands.add_parser("replay", help="tell one random history")
    replay.add_argument("seed", type=int)
    return parser.parse_args()


def _tell(what: str, reports: Iterable[Report]) -> int:
    begun, runs, violations = time.monotonic(), 0, 0
    for report in reports:
        runs += report.runs
        violations += len(report.violations)
        for line in report.violations:
            print(line, flush=True)
    print(f"{runs} {what}, {violations} violations, {time.monotonic() - begun:.0f} s")
    return 1 if violations else 0


def _tell_of_mutants(catches: Iterable[hunting.Catch]) -> int:
    missed = 0
    print("| mutant | caught by | in |\n|---|---|---|")
    for catch in catches:
        missed += catch.violation is None
        print(f"| {catch.mutant} | {catch.violation or '**not caught**'} | {catch.case} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
