"""What the network does to the operators: resets, stalls and cut answers, at random instants on either side."""

import random
import threading
from collections import Counter
from collections.abc import Mapping

from anyio.from_thread import BlockingPortal

from tests.chaos.proxy import Proxy

PAUSE = 1.0
"""Mean seconds between two faults."""

STALL = (1.2, 2.0)
"""Seconds: longer than a request's timeout. What is delivered late must still come before the settle time is over."""


class Faults:
    """Disturbs proxies, which are named after the server behind them."""

    def __init__(self, portal: BlockingPortal, proxies: Mapping[str, Proxy], rng: random.Random) -> None:
        self._portal = portal
        self._proxies = proxies
        self._rng = rng
        self.counts: Counter[str] = Counter()

    def go_on(self, end: threading.Event) -> None:
        """Disturb until the end."""
        while not end.wait(self._rng.expovariate(1 / PAUSE)):
            server = self._rng.choice(list(self._proxies))
            self.counts[f"{server}: {self._disturb(self._proxies[server])}"] += 1
        for proxy in self._proxies.values():
            self._portal.call(proxy.cut, 0)

    def _disturb(self, proxy: Proxy) -> str:
        match self._rng.choice(("reset", "requests", "answers", "cut", "cut")):
            case "reset":
                self._portal.call(proxy.reset)
                return "connections reset"
            case "requests":
                self._portal.call(proxy.stall, "requests", self._rng.uniform(*STALL))
                return "requests stalled"
            case "answers":
                self._portal.call(proxy.stall, "answers", self._rng.uniform(*STALL))
                return "answers stalled"
            case _:
                self._portal.call(proxy.cut, self._rng.randint(1, 3))
                return "answers cut"
