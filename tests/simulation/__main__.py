"""The proofs that take longer than the tests: `python -m tests.simulation pairs`, and so on; `--help` lists them.

Exits with 1 when a promise was broken, or a mutant was not caught; every violation is one line that says how to
replay it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from textwrap import shorten
from typing import Any

from tests.simulation import (
    admissions,
    corruption,
    effects,
    exhaustive,
    forgeries,
    histories,
    mutation_runner,
    schedules,
)
from tests.simulation.account_flows import ACCOUNT_FLOWS
from tests.simulation.api_flows import API_FLOWS
from tests.simulation.cases import Case, violations
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.exhaustive import Fault, first_faults
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.mutants import MUTANTS
from tests.simulation.preempting import Preemption
from tests.simulation.schedules import first_preemptions

Report = tuple[int, Sequence[str]]
"""How many runs a job made, and what was violated, a line each."""


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    arguments = _arguments()
    if arguments.what == "replay":
        print(histories.describe(arguments.seed))
        return 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        if arguments.what == "mutants":
            return _tell_of_mutants(pool.map(mutation_runner.run_mutant, MUTANTS))
        layer = LAYERS[arguments.what]
        return _tell(layer.text, pool.map(layer.run, layer.jobs(arguments), chunksize=layer.jobs_at_once))


def _part(cases: Callable[[Flow, slice], Iterable[Case]], of: tuple[int, int]) -> Report:
    flow, number = of
    return _of_cases(list(cases(_EVERY_FLOW[flow], slice(number, None, _PARTS))))


def _pairs(first: tuple[Flow, Fault]) -> Report:
    return _of_cases(list(exhaustive.pairs(*first)))


def _schedules(first: tuple[Flow, Preemption]) -> Report:
    return _of_cases(list(schedules.pairs(*first)))


def _of_cases(cases: list[Case]) -> Report:
    return len(cases), [f"{case}: {violation}" for case, violation in violations(cases).items()]


def _history(seed: int) -> Report:
    return _of_one(f"seed {seed}: ", histories.check(seed))


def _corruption(number: int) -> Report:
    return _of_one("", corruption.check(number))


def _forgery(number: int) -> Report:
    return _of_one("", forgeries.check(number))


def _admission(of: tuple[Flow, int]) -> Report:
    flow, number = of
    return _of_cases(list(admissions.meddlings(flow, slice(number, number + 1))))


def _transition(number: int) -> Report:
    return _of_one("", effects.check(number))


def _of_one(name: str, violation: str | None) -> Report:
    return 1, [f"{name}{violation}"] if violation else []


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the proof: its jobs, and what runs one of them in a process of its own."""

    text: str
    jobs: Callable[[argparse.Namespace], Iterable[Any]]
    run: Callable[[Any], Report]
    jobs_at_once: int = 20


_PARTS = 8
"""In so many jobs each flow is taken through its single faults or preemptions."""


_EVERY_FLOW = (*FLOWS, *API_FLOWS, *ACCOUNT_FLOWS, *CREDENTIAL_FLOWS)


def _in_parts(flows: Iterable[Flow]) -> list[tuple[int, int]]:
    """Return the jobs of some flows; a flow goes to another process by its number."""
    return list(product(map(_EVERY_FLOW.index, flows), range(_PARTS)))


LAYERS = {
    "faults": Layer(
        "single faults",
        lambda _: _in_parts(_EVERY_FLOW),
        partial(_part, exhaustive.single_faults),
        jobs_at_once=1,
    ),
    "preemptions": Layer(
        "preemptions of one of two operators",
        lambda _: _in_parts((*FLOWS, *CREDENTIAL_FLOWS)),
        partial(_part, schedules.single_preemptions),
        jobs_at_once=1,
    ),
    "pairs": Layer(
        "ordered pairs of faults",
        lambda _: [(flow, first) for flow in FLOWS for first in first_faults(flow)],
        _pairs,
        jobs_at_once=1,
    ),
    "schedules": Layer(
        "schedules of two operators with two preemptions",
        lambda _: [(flow, first) for flow in FLOWS for first in first_preemptions(flow)],
        _schedules,
        jobs_at_once=1,
    ),
    "histories": Layer(
        "random histories",
        lambda arguments: range(arguments.first, arguments.first + arguments.runs),
        _history,
    ),
    "corruption": Layer(
        "persisted fields, corrupted", lambda _: range(len(corruption.every_case())), _corruption
    ),
    "forgeries": Layer(
        "statuses, annotations and Secrets, forged together",
        lambda _: range(len(forgeries.FORGERIES)),
        _forgery,
    ),
    "admissions": Layer("policies that change what is written", lambda _: admissions.every(), _admission),
    "transitions": Layer("transitions of specs", lambda _: range(len(effects.trials())), _transition),
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Longer simulations.")
    commands = parser.add_subparsers(dest="what", required=True)
    subparsers = {name: commands.add_parser(name, help=layer.text) for name, layer in LAYERS.items()}
    random = subparsers["histories"]
    random.add_argument("--runs", type=int, default=2000, help="how many; the seeds count up")
    random.add_argument("--first", type=int, default=0, help="the first seed")
    commands.add_parser("mutants", help="break the protocol on purpose, and see it caught")
    replay = commands.add_parser("replay", help="tell one random history")
    replay.add_argument("seed", type=int)
    return parser.parse_args()


def _tell(what: str, reports: Iterable[Report]) -> int:
    begun, runs, found = time.monotonic(), 0, 0
    for more, lines in reports:
        runs += more
        found += len(lines)
        for line in lines:
            print(line, flush=True)
    print(f"{runs} {what}: {found} violations, {time.monotonic() - begun:.0f} s")
    return 1 if found else 0


def _tell_of_mutants(catches: Iterable[mutation_runner.Catch]) -> int:
    missed = 0
    print("| mutant | caught by | in |\n|---|---|---|")
    for catch in catches:
        missed += catch.violation is None
        violation = shorten(catch.violation or "**not caught**", 90, placeholder=" …")
        print(f"| {catch.mutant} | {violation} | {catch.case} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
