"""Holds a world of a real API server against `tests.oracle`: waits until all is at rest, or looks on again and again.

It looks from outside alone: at the remote tokens, then the Secrets, then the objects, then the remote tokens once
more. What it reports was really so at one instant; what passes between two looks it may miss.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from tests.e2e.kube import GROUP, Body
from tests.e2e.patience import PATIENCE
from tests.e2e.world import INSTALLATION, World
from tests.oracle import Judge, Look, Token, left_over, orphans, owned, unrest

PAUSE = 0.1
"""Seconds between two looks."""

SOON = timedelta(minutes=1)
"""A retired token that is due by then is waited for: overlaps are either seconds or hours."""


def look(world: World, since: datetime | None = None, ids: dict[str, int] | None = None) -> Look:
    """Look once at all ApiTokens and remote tokens of a world.

    The look before began at `since`. `ids` are the tokens seen by then, by the digests of their values.
    """
    begun, ids = datetime.now(UTC), {} if ids is None else ids
    before = _tokens(world)
    secrets = _items(world, f"/api/v1/namespaces/{world.namespace}/secrets")
    api_tokens = _items(world, f"{GROUP}/namespaces/{world.namespace}/apitokens")
    after = _tokens(world)
    ids |= {token["sha256"]: token["id"] for token in [*before, *after]}
    named = {secret["metadata"]["name"]: secret for secret in secrets}
    objects = {body["metadata"]["uid"]: body for body in api_tokens}
    digests = {
        uid: _digest(named.get(body["spec"].get("secretName", body["metadata"]["name"]), {}), uid)
        for uid, body in objects.items()
    }
    return Look(
        since=since or begun,
        time=datetime.now(UTC),
        objects=objects,
        held={uid: ids[digest] for uid, digest in digests.items() if digest in ids},
        before=_own(before),
        after=_own(after),
        foreign={t["id"]: t | {"live": None} for t in before if t["foreign"]},
    )


def _tokens(world: World) -> list[Body]:
    accounts = world.simulator.control("GET", "state")["accounts"]
    return [token for account in accounts for token in account["tokens"]]


def _own(tokens: list[Body]) -> dict[int, Token]:
    # No token reaches its end while someone looks on: whatever dies was made dead.
    own = [t for t in tokens if not t["credential"] and not t["foreign"]]
    return {t["id"]: Token(t["id"], t["name"], t["live"], t["reset"]) for t in own}


def _items(world: World, path: str) -> list[Body]:
    return list((world.kube.get(path) or {}).get("items", []))


def _digest(secret: Body, uid: str) -> str:
    """Return the digest of the Secret's value; empty where there is none, or where a former object's was left behind."""
    owners = [owner["uid"] for owner in secret.get("metadata", {}).get("ownerReferences", [])]
    encoded = (secret.get("data") or {}).get("token") if uid in owners else None
    return hashlib.sha256(base64.b64decode(encoded)).hexdigest() if encoded else ""


Missing = Callable[[Look, str], str]


def unserved(seen: Look, name: str) -> str:
    """Return what keeps the object of a name from being served to the end; empty when nothing does."""
    for uid, body in seen.objects.items():
        if body["metadata"]["name"] == name:
            tokens = owned(INSTALLATION, body, seen.after)
            return next(unrest(body, seen.held.get(uid), tokens, datetime.now(UTC) + SOON), "")
    return next(unrest({}, None, {}))


def remains(seen: Look, name: str) -> str:
    """Return what is left of an object that is to be gone; empty when nothing is."""
    if any(body["metadata"]["name"] == name for body in seen.objects.values()):
        return "it still exists"
    left = orphans(INSTALLATION, seen)
    return f"tokens {left} are left over" if left else ""


def spare(seen: Look) -> list[int]:
    """Return the living tokens that are no Secret's."""
    return [id_ for id_, token in seen.after.items() if token.is_live and id_ not in seen.held.values()]


def leaked(seen: Look) -> list[str]:
    """Name the tokens of ours that neither a Secret holds nor a status has on record as retired."""
    left = {
        body["metadata"]["name"]: left_over(body, seen.held.get(uid), owned(INSTALLATION, body, seen.after))
        for uid, body in seen.objects.items()
    } | {"no object": orphans(INSTALLATION, seen)}
    return [f"{name}: {ids}" for name, ids in left.items() if ids]


def unrests(world: World, names: Collection[str], missing: Missing) -> dict[str, str]:
    """Wait until nothing is missing of the named objects; return what still is when the time is over."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = look(world)
        violations = {name: words for name in names if (words := missing(seen, name))}
        if not violations or time.monotonic() > deadline:
            return violations
        time.sleep(PAUSE)


@dataclass
class Witness:
    """Looks on from its `with` to its end; `overlap` is how long a replaced value must continue working."""

    world: World
    overlap: timedelta
    violations: set[str] = field(default_factory=set)
    looks: int = 0

    def __enter__(self) -> Self:
        self._judge = Judge(INSTALLATION, self.overlap)
        self._ids: dict[str, int] = {}
        self._begun = datetime.now(UTC)
        self._is_looking = threading.Lock()
        self._end = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._looking = self._pool.submit(self._look_on)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._pool.shutdown()
        self._looking.result()  # a witness that fell asleep has seen nothing

    @contextmanager
    def forgiving(self) -> Iterator[None]:
        """Have a user do meanwhile what no operator is to blame for; none may be running."""
        with self._is_looking:
            self.violations.update(self._judge.judge(self._look()))
            yield
            self._judge.forgive(self._look())

    def _look_on(self) -> None:
        while not self._end.wait(PAUSE):
            with self._is_looking:
                self.violations.update(self._judge.judge(self._look()))
            self.looks += 1

    def _look(self) -> Look:
        since, self._begun = self._begun, datetime.now(UTC)
        return look(self.world, since, self._ids)


@contextmanager
def witnessed(world: World, overlap: timedelta) -> Iterator[None]:
    """Have a witness look on, who must see nothing wrong."""
    with Witness(world, overlap) as witness:
        yield
    assert set() == witness.violations
    assert witness.looks > 0
