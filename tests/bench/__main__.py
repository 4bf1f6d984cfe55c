"""`python -m tests.bench burst`: measures this checkout, or this one and another in turns.

Times on a shared machine differ from run to run; what compares is the ratio of two checkouts in one command.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local_cluster import Cluster
from tests.bench.benchmarks import BENCHMARKS
from tests.bench.load import spins
from tests.bench.stage import Options, stage
from tests.bench.table import HERE, THERE, Runs, table
from tests.e2e.cluster import cluster_with_crds

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Measure what the command line asks for, and print it."""
    arguments = _arguments()
    limited = "without a limit" if arguments.unlimited else "150 calls in 10 s"
    speed = spins()
    sys.stdout.write(
        f"{arguments.what}: {arguments.number} ApiTokens, {arguments.latency} a call, {limited}; "
        f"{os.cpu_count()} cores, {speed:.0f} spins a second on one of them while idle\n\n"
    )
    runs = _runs(arguments)
    sys.stdout.write("\n".join(table(runs)) + "\n")
    if arguments.json:
        report = {"options": vars(arguments) | {"json": str(arguments.json)}, "spins": speed, "runs": runs}
        arguments.json.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", choices=BENCHMARKS, nargs="?", default="burst")
    parser.add_argument("--number", type=int, default=1000, help="how many ApiTokens; default 1000")
    parser.add_argument("--latency", default="50ms", help="what the simulator adds to a call; default 50ms")
    parser.add_argument("--unlimited", action="store_true", help="without a rate limit on either side")
    parser.add_argument("--runs", type=int, default=1, help="how many runs of each checkout")
    parser.add_argument("--against", type=Path, help="another checkout, measured in turns with this one")
    parser.add_argument("--json", type=Path, help="a file for the figures of each run")
    return parser.parse_args()


def _runs(arguments: argparse.Namespace) -> Runs:
    sources = {HERE: _ROOT} | ({THERE: arguments.against.resolve()} if arguments.against else {})
    options = Options(arguments.number, arguments.latency, not arguments.unlimited, _ROOT)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in sources}
    with tempfile.TemporaryDirectory(prefix="mailtrap-bench-") as folder:
        for number in range(arguments.runs):
            for name, source in sources.items():
                with cluster_with_crds(Path(folder, f"cluster-{number}-{name}")) as cluster:
                    figures = _run(arguments.what, cluster, Path(folder), replace(options, source=source))
                for figure, value in figures.items():
                    found[name].setdefault(figure, []).append(value)
    return found


def _run(what: str, cluster: Cluster, folder: Path, options: Options) -> Mapping[str, float]:
    with stage(cluster, folder, options) as the_stage:
        return BENCHMARKS[what](the_stage)


if __name__ == "__main__":
    sys.exit(main())
