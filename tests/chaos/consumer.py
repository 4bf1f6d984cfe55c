"""A consumer as the product's user knows it: ten times a second it calls with the value of each Secret.

A running program notices a new value late, so for a while the former values are used on as well. Both servers are
spoken with directly; while the API server is away the consumer continues with the values it has.
"""

import base64
import threading
import time
from dataclasses import dataclass, field

import httpx

from tests.chaos.users import Blame
from tests.e2e.kube import Body, identity
from tests.e2e.world import World

PERIOD = 0.1
LAG = 5.0
"""Seconds for which a value is used on that is no longer in the Secret."""

PATIENCE = 0.5
"""Seconds to wait for a list of the Secrets before the present values are used on."""


_Home = tuple[str, str]
"""A Secret's name and the uid of its ApiToken."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A value in the Secret of an ApiToken."""

    name: str
    uid: str
    value: str = field(repr=False)


@dataclass
class Consumer:
    """Calls from its `go_on` to the end; `overlap` is for how many seconds a value is promised once it was replaced."""

    world: World
    blame: Blame
    overlap: int
    calls: int = 0
    dead: dict[str, str] = field(default_factory=dict)
    """The values that failed though they were promised, and what was seen of it first."""
    values: set[str] = field(default_factory=set)
    """Every value of a token that stood in a Secret."""
    recoveries: list[float] = field(default_factory=list)
    """Seconds from each loss of a Secret, or of its value, until there was a value again."""
    _used: dict[_Held, float] = field(default_factory=dict)
    """When each value in use was last seen in its Secret."""
    _whole: set[_Home] = field(default_factory=set)
    _lost: dict[_Home, float] = field(default_factory=dict)

    def go_on(self, end: threading.Event) -> None:
        """Call until the end."""
        kubeconfig = self.world.cluster.kubeconfig
        with (
            httpx.Client(
                base_url=self.world.cluster.url, verify=identity(kubeconfig), timeout=PATIENCE
            ) as kube,
            httpx.Client(base_url=self.world.simulator.url, timeout=10) as mailtrap,
        ):
            due = time.monotonic()
            while not end.wait(max(0.0, due - time.monotonic())):
                due = max(due + PERIOD, time.monotonic())
                self._read(kube)
                for held in self._used:
                    self._call(mailtrap, held)

    def _read(self, kube: httpx.Client) -> None:
        begun = time.monotonic()
        try:
            answer = kube.get(f"/api/v1/namespaces/{self.world.namespace}/secrets")
        except httpx.TransportError:
            return
        if answer.status_code == httpx.codes.OK:
            present = [held for secret in answer.json()["items"] if (held := _held(secret))]
            self._note_losses({(h.name, h.uid) for h in present if not self._is_taken_away(h)}, begun)
            self._used |= dict.fromkeys(present, begun)
            self._used = {held: seen for held, seen in self._used.items() if begun < seen + LAG}
            self.values |= {held.value for held in self._used} - self.blame.rubbish

    def _note_losses(self, whole: set[_Home], now: float) -> None:
        self._lost |= dict.fromkeys(self._whole - whole, now)
        self.recoveries += [now - self._lost.pop(home) for home in whole & self._lost.keys()]
        self._whole = whole

    def _call(self, mailtrap: httpx.Client, held: _Held) -> None:
        # Nothing is promised for longer than the overlap to one who cannot see the Secret.
        if not self._is_promised(held):
            return
        self.calls += 1
        answer = mailtrap.get("/api/accounts", headers={"Api-Token": held.value})
        # A user may have deleted the object meanwhile, or the overlap has ended on the way.
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._is_promised(held):
            age = time.monotonic() - self._used[held]
            words = f"{held.name}: a value was dead {age:.1f} s after it was last seen in the Secret"
            self.dead.setdefault(held.value, words)

    def _is_promised(self, held: _Held) -> bool:
        return time.monotonic() < self._used[held] + self.overlap and not self._is_taken_away(held)

    def _is_taken_away(self, held: _Held) -> bool:
        return held.uid in self.blame.deleted or held.value in self.blame.rubbish


def _held(secret: Body) -> _Held | None:
    name, owners = secret["metadata"]["name"], secret["metadata"].get("ownerReferences", [])
    encoded = (secret.get("data") or {}).get("token")
    return _Held(name, owners[0]["uid"], base64.b64decode(encoded).decode()) if owners and encoded else None
