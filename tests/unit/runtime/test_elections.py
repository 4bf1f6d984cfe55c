"""Several replicas, wrong clocks, slow and broken ways, processes that stand still: never two that may write at once."""

import asyncio
from contextvars import Context
from datetime import timedelta
from functools import partial
from random import Random

import pytest

from tests.simulation.freezing import FreezingLoop, running_loop
from tests.unit.runtime.election_harness import LATENCY, Lease, Replica, Way

LENGTH = 240.0
CALM = 90.0
LOOK_EVERY = 0.05


class Election:
    """Replicas that come and go; anyone who ends is followed by another process, as a kubelet does."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.lease = Lease()
        self.replicas: dict[str, Replica] = {}
        self.led: set[str] = set()
        self._born = 0

    async def run(self) -> list[str]:
        """Let it continue for a time under random troubles, then end them; return who leads after that."""
        for _ in range(3):
            self._start()
        trouble = asyncio.create_task(self._make_trouble())
        await self._watch(LENGTH)
        trouble.cancel()
        for replica in self.replicas.values():
            _restore(replica.way)
        await self._watch(LENGTH + CALM)
        return self.leaders()

    async def _watch(self, end: float) -> None:
        while asyncio.get_running_loop().time() < end:
            self._look()
            await asyncio.sleep(LOOK_EVERY)

    def leaders(self) -> list[str]:
        """Return who may write now, also those who stand still."""
        return [name for name, replica in self.replicas.items() if replica.elector.leads]

    def _look(self) -> None:
        leaders = self.leaders()
        assert len(leaders) <= 1, f"{leaders} may write at {asyncio.get_running_loop().time():.2f}"
        self.led.update(leaders)
        for name, replica in list(self.replicas.items()):
            if replica.is_lost:
                self._end(name)
                self._start()

    def _start(self) -> None:
        self._born += 1
        name, random = f"replica-{self._born}", self.random
        slowness, losses = random.choice([LATENCY, 0.3, 1.2]), random.choice([0.0, 0.0, 0.3])
        way = Way(
            self.lease,
            delay=lambda: random.uniform(0, 2 * slowness),
            loses=lambda: random.random() < losses,
        )
        skew = timedelta(seconds=random.uniform(-3600, 3600))
        self.replicas[name] = replica = Replica(name, way, seed=self._born, skew=skew)
        replica.start(partial(running_loop().start_process, name))

    def _end(self, name: str) -> None:
        """End a process by force; what it has sent still arrives."""
        self.replicas.pop(name).stop()

    async def _make_trouble(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(1, 20))
            self._trouble()

    def _trouble(self) -> None:
        random, loop = self.random, running_loop()
        name = random.choice(list(self.replicas))
        match random.choice(["stopped", "killed", "cut", "slow"]):
            case "stopped" if not loop.is_frozen(name):
                loop.freeze(name, random.uniform(1, 40))
            case "killed":
                self._end(name)
                self._start()
            case "cut":
                way = self.replicas[name].way
                way.is_cut = True
                loop.call_later(random.uniform(0.5, 20), _mend, way, context=Context())
            case _:
                self.replicas[name].way.delay = lambda: random.uniform(0, 3)


def _mend(way: Way) -> None:
    way.is_cut = False


def _restore(way: Way) -> None:
    way.is_cut, way.delay, way.loses = False, (lambda: LATENCY), (lambda: False)


@pytest.mark.parametrize("seed", range(60))
def test_never_two_at_once_and_one_in_the_end(seed: int) -> None:
    with asyncio.Runner(loop_factory=FreezingLoop) as runner:
        leaders = runner.run(Election(seed).run())

    assert 1 == len(leaders), "the troubles are over, and no one leads"


def test_these_elections_have_seen_many_leaders() -> None:
    elections = [Election(seed) for seed in range(10)]
    for election in elections:
        with asyncio.Runner(loop_factory=FreezingLoop) as runner:
            runner.run(election.run())

    assert 30 < sum(len(election.led) for election in elections)
