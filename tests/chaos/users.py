"""What users do meanwhile: they edit objects, lose and spoil Secrets, delete objects and create them again.

What a user takes away from a consumer is written down before it is done, so that no one blames the operator for it.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.e2e.kube import RefusedError
from tests.e2e.world import World

PAUSE = 1.5
"""Mean seconds between two bursts of actions."""

REPAIRS_UNASKED = 3
"""So many times a user waits for the operator to find a loss by itself; it stops when that comes too often."""

_EXPIRATIONS = (
    {"policy": "ServerDefault"},
    {"policy": "Never"},
    {"policy": "After", "after": "2160h"},
    {"policy": "After", "after": "1080h"},
)


@dataclass
class Blame:
    """What consumers miss by the users' own hand: values that are none, and objects that were deleted, by uid."""

    rubbish: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


@dataclass
class _Desired:
    strategy: str
    name: int = 0
    level: str = "Admin"
    expiration: dict[str, str] = field(default_factory=lambda: dict(_EXPIRATIONS[0]))
    losses: int = 0
    is_wanted: bool = True


class Users:
    """Act on the objects of a world; `overlap` is in seconds."""

    def __init__(self, world: World, names: list[str], overlap: int, rng: random.Random) -> None:
        self._world = world
        self._overlap = overlap
        self._rng = rng
        self._desired = {name: _Desired(("Reset", "Replace")[place % 2]) for place, name in enumerate(names)}
        self.blame = Blame()
        self.counts: Counter[str] = Counter()

    @property
    def wanted(self) -> list[str]:
        """The objects that shall exist."""
        return [name for name, desired in self._desired.items() if desired.is_wanted]

    @property
    def unwanted(self) -> list[str]:
        """The objects that were deleted and not created again."""
        return [name for name, desired in self._desired.items() if not desired.is_wanted]

    def create_all(self) -> None:
        """Create every object."""
        for name in self._desired:
            self._put(name)

    def go_on(self, end: threading.Event) -> None:
        """Act until the end."""
        actions: dict[str, tuple[int, Callable[[str], bool]]] = {
            "display name changed": (2, self._rename),
            "permissions changed": (2, self._change_level),
            "expiration changed": (4, self._change_expiration),
            "rotation requested": (2, self._request_rotation),
            "Secret deleted": (3, self._lose_secret),
            "Secret's value edited": (3, self._spoil_secret),
            "object deleted": (2, self._delete),
        }
        weights = [weight for weight, _ in actions.values()]
        while not end.wait(self._rng.expovariate(1 / PAUSE)):
            for name in self._rng.sample(list(self._desired), self._rng.choice((1, 1, 2, 3))):
                kind = self._rng.choices(list(actions), weights)[0]
                if not self._desired[name].is_wanted:
                    self.counts["object created again"] += self._create_again(name)
                else:
                    self.counts[kind] += actions[kind][1](name)

    def _put(self, name: str) -> bool:
        desired = self._desired[name]
        self._world.put_api_token(
            name,
            displayName=f"{self._world.namespace}/{name}~{desired.name}",
            resources=[{"type": "domain", "id": 1, "accessLevel": desired.level}],
            expiration=desired.expiration,
            rotation={"strategy": desired.strategy, "overlap": f"{self._overlap}s"},
        )
        return True

    def _rename(self, name: str) -> bool:
        self._desired[name].name += 1
        return self._put(name)

    def _change_level(self, name: str) -> bool:
        desired = self._desired[name]
        desired.level = "Viewer" if desired.level == "Admin" else "Admin"
        return self._put(name)

    def _change_expiration(self, name: str) -> bool:
        desired = self._desired[name]
        desired.expiration = dict(self._rng.choice([e for e in _EXPIRATIONS if e != desired.expiration]))
        return self._put(name)

    def _lose_secret(self, name: str) -> bool:
        if self._world.secret(name) is None:
            return False
        self._world.kube.delete(self._world.secret_path(name))
        self._demand(name)
        return True

    def _spoil_secret(self, name: str) -> bool:
        rubbish = f"rubbish-{self._rng.getrandbits(64):016x}"
        self.blame.rubbish.add(rubbish)
        try:
            self._world.kube.merge(self._world.secret_path(name), {"stringData": {"token": rubbish}})
        except RefusedError:  # there is no Secret at this moment
            return False
        self._demand(name)
        return True

    def _demand(self, name: str) -> None:
        """Ask for what is no longer done unasked, after so many losses."""
        self._desired[name].losses += 1
        if self._desired[name].losses > REPAIRS_UNASKED:
            self._request_rotation(name)

    def _request_rotation(self, name: str) -> bool:
        try:
            self._world.request_rotation(name, f"{self._rng.getrandbits(64):016x}")
        except RefusedError:  # the object is gone
            return False
        return True

    def _delete(self, name: str) -> bool:
        body = self._world.api_token(name)
        if body is None:
            return False
        self.blame.deleted.add(body["metadata"]["uid"])
        self._desired[name].is_wanted = False
        self._world.delete_api_token(name)
        return True

    def _create_again(self, name: str) -> bool:
        if self._world.api_token(name) is not None:
            return False
        self._desired[name].is_wanted = True
        return self._put(name)
