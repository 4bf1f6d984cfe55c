"""The course of a run: everything acts at once until the operators were struck often enough, then all come to rest and are judged.

What happens is drawn from the seed; when it hits the operators differs from run to run, as the machine does.
"""

import json
import random
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

from anyio.from_thread import BlockingPortal

from local_cluster import Cluster
from tests.chaos.consumer import Consumer
from tests.chaos.failovers import Failovers
from tests.chaos.faults import Faults
from tests.chaos.operators import Operators
from tests.chaos.proxy import Proxy
from tests.chaos.report import Report
from tests.chaos.users import Users
from tests.e2e.witness import Witness, leaked, look, remains, unrests, unserved
from tests.e2e.world import World

NAMES = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]

OVERLAP = 12
"""Seconds for which a replaced value continues working: longer than an outage of the API server."""

STRIKES_PER_OUTAGE = 60

Actor = Callable[[Event], None]
Tell = Callable[[str], None]


class Chaos:
    """Everything that takes part; `run` goes through it once."""

    def __init__(
        self,
        world: World,
        *,
        portal: BlockingPortal,
        proxies: dict[str, Proxy],
        operators: Operators | Failovers,
        seed: str,
        tell: Tell,
    ) -> None:
        def randomness(part: str) -> random.Random:
            return random.Random(f"{seed}/{part}")

        self.world = world
        self.users = Users(world, NAMES, OVERLAP, randomness("users"))
        self.faults = Faults(portal, proxies, randomness("faults"))
        self.consumer = Consumer(world, self.users.blame, OVERLAP)
        self.witness = Witness(world, timedelta(seconds=OVERLAP))
        self.operators = operators
        self.changes: Counter[str] = Counter()
        self.outages = 0
        self._tell = tell
        self._told = set[str]()
        self._last_call = 0

    def run(self, strikes: int) -> Report:
        """Disturb until so many strikes were made, then let all come to rest."""
        begun = time.monotonic()
        self.users.create_all()
        with self.witness, _acting(self.consumer.go_on):
            with _acting(self.users.go_on, self.faults.go_on) as are_well:
                self._strike(strikes, are_well)
            self.operators.processes.revive()
            in_peace = time.monotonic()
            left = unrests(self.world, self.users.wanted, unserved)
            left |= unrests(self.world, self.users.unwanted, remains)
            rested = time.monotonic()
        self._count_changes()
        figures = {
            "duration, s": round(rested - begun),
            **self.operators.figures(),
            "operators that ended by themselves": self.operators.processes.ended_alone,
            "API-server restarts": self.outages,
            **{f"faults, {kind}": times for kind, times in sorted(self.faults.counts.items())},
            **{f"users, {kind}": times for kind, times in sorted(self.users.counts.items())},
            **{f"remote {kind}s": self.changes[kind] for kind in ("create", "reset", "delete")},
            "consumer's calls": self.consumer.calls,
            "values that stood in Secrets": len(self.consumer.values),
            "a lost Secret is whole again, s, median / longest": _spread(self.consumer.recoveries),
            "witness's looks": self.witness.looks,
            "all Ready or gone after the end, s": f"{rested - in_peace:.1f}",
        }
        return Report(figures, self._wrongs(left))

    def _strike(self, strikes: int, are_well: Callable[[], None]) -> None:
        outages = max(1, strikes // STRIKES_PER_OUTAGE)
        with ThreadPoolExecutor(1) as outage:
            under_way: Future[None] | None = None
            while self.operators.strikes < strikes:
                self.operators.strike()
                self._count_changes()
                self._report_violations()
                are_well()
                if under_way and under_way.done():
                    under_way.result()
                if self.operators.strikes * outages >= strikes * (self.outages + 0.5):
                    self.outages += 1
                    self._tell(f"{self.operators.strikes} strikes; the API server is restarted")
                    under_way = outage.submit(_restart_api_server, self.world.cluster)
            if under_way:
                under_way.result()

    def _count_changes(self) -> None:
        told = self.world.simulator.control("GET", f"journal?since={self._last_call}")
        self._last_call = told["last_seq"]
        changes = [entry for entry in told["entries"] if entry["committed"]]
        self.changes.update(entry["operation"] for entry in changes)
        with (self.world.folder / "remote-changes.jsonl").open("a") as file:
            file.writelines(f"{json.dumps(entry)}\n" for entry in changes)

    def _report_violations(self) -> None:
        seen = {*self.consumer.dead.values(), *self.witness.violations}
        for wrong in sorted(seen - self._told):
            self._tell(f"{time.strftime('%H:%M:%S')} {wrong}")
        self._told |= seen

    def _wrongs(self, left: dict[str, str]) -> dict[str, list[str]]:
        def seen(*rules: str) -> list[str]:
            return sorted(wrong for wrong in self.witness.violations if wrong.startswith(rules))

        logs = [process.log for process in self.operators.processes.all]
        return {
            "not Ready or gone": [f"{name}: {wrong}" for name, wrong in left.items()],
            "tokens leaked": [*leaked(look(self.world)), *seen("I5")],
            "tokens doubled": seen("I1"),
            "dead values seen by the consumer": list(self.consumer.dead.values()),
            "dead values seen by the witness": seen("I2", "I3"),
            "foreign tokens touched": [*map(json.dumps, self.world.tripped()), *seen("I4")],
            "token values in logs": _values_in_logs(self.consumer.values, logs),
        }


@contextmanager
def _acting(*actors: Actor) -> Iterator[Callable[[], None]]:
    """Have actors act meanwhile; yield what raises the error of one that failed."""
    end = Event()
    with ThreadPoolExecutor(len(actors)) as pool:
        acting = [pool.submit(actor, end) for actor in actors]

        def are_well() -> None:
            for actor in acting:
                if actor.done():
                    actor.result()

        try:
            yield are_well
        finally:
            end.set()
    are_well()


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} / {max(seconds):.1f}" if seconds else "none was lost"


def _values_in_logs(values: Iterable[str], logs: list[Path]) -> list[str]:
    """Name the logs in which a token value stands, and in how many lines."""
    found = subprocess.run(
        ["grep", "--count", "--fixed-strings", "--file=-", "/dev/null", *logs],  # noqa: S607 - as everywhere
        input="\n".join(sorted(values)),
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in found.stdout.splitlines() if not line.endswith(":0")]


def _restart_api_server(cluster: Cluster) -> None:
    cluster.stop_apiserver()
    cluster.start_apiserver()
