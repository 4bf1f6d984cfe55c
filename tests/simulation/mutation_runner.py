"""Runs the exhaustive layer against a mutant of the operator.

The mutant lives in a copy of the source, in a process of its own; the working tree is never touched.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.simulation import schedules
from tests.simulation.cases import Case, sample
from tests.simulation.credential_flows import CREDENTIAL_FLOWS
from tests.simulation.exhaustive import first_faults, pairs, single_faults
from tests.simulation.flows import FLOWS
from tests.simulation.mutants import Mutant
from tests.simulation.outcomes import SHORT
from tests.simulation.runs import without_faults

_ROOT = Path(__file__).parents[2]
_LONGEST_RUN = 3600
_SAMPLE = 25


@dataclass(frozen=True, slots=True)
class Catch:
    """By which violation a mutant was caught, and in which case; None: by nothing."""

    mutant: str
    violation: str | None
    case: str


def run_mutant(mutant: Mutant) -> Catch:
    """Look for the first case that a mutant fails."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "operator"
        shutil.copytree(_ROOT / "operator", source, ignore=shutil.ignore_patterns("__pycache__"))
        mutant.apply(source / "mailtrap_operator")
        found = subprocess.run(
            [sys.executable, "-m", "tests.simulation.mutation_runner"],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": f"{source}:{_ROOT}"},
            stdout=subprocess.PIPE,
            timeout=_LONGEST_RUN,
            check=True,
        )
    case, violation = json.loads(found.stdout)
    return Catch(mutant.name, violation, case)


def _first_violation() -> Case:
    try:
        return next(((case, violation) for case, violation in _cases() if violation), ("", None))
    except AssertionError:
        return "before any fault", "ESR: no object is served"


def _cases() -> Iterator[Case]:
    """Yield the cases, those first that find most: what is disturbed twice is sampled before it is tried whole."""
    for flow in (*FLOWS, *CREDENTIAL_FLOWS):
        yield f"{flow}: no fault", without_faults(flow).violation
    yield from chain.from_iterable(map(single_faults, FLOWS))
    for flow in FLOWS:
        # A list that lacks a token is where most guards stand one behind the other.
        for first in first_faults(flow):
            if first.outcome is SHORT:
                yield from pairs(flow, first)
    yield from chain.from_iterable(map(schedules.single_preemptions, FLOWS))
    for every in (_SAMPLE, 1):
        for flow in FLOWS:
            yield from sample(pairs, flow, first_faults(flow), every)
        for flow in FLOWS:
            yield from sample(schedules.pairs, flow, schedules.first_preemptions(flow), every)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_first_violation()))
