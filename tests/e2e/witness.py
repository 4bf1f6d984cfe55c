"""A witness: looks at all ApiTokens of a world again and again, and remembers what may never be the case.

It looks from outside alone: at the remote tokens, then the Secrets, then the objects, then the remote tokens once
more. What it reports was really so at one instant; what passes between two looks it may miss.
"""

import base64
import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from tests.e2e.kube import GROUP, Body
from tests.e2e.patience import PATIENCE
from tests.e2e.world import World
from tests.oracle import left_over, unaccounted, unrest

PAUSE = 0.1
"""Seconds between two looks."""

Tokens = Mapping[int, Body]


@dataclass(frozen=True, slots=True)
class View:
    """One ApiToken with its Secret and its remote tokens, these as they were `before` and `after` the others."""

    before: Tokens
    secret: Body
    api_token: Body
    after: Tokens

    @property
    def held(self) -> str:
        """The digest of the Secret's value; empty where there is none, or where a former object's was left behind."""
        owners = [owner["uid"] for owner in self.secret.get("metadata", {}).get("ownerReferences", [])]
        encoded = (self.secret.get("data") or {}).get("token") if self.uid in owners else None
        return hashlib.sha256(base64.b64decode(encoded)).hexdigest() if encoded else ""

    @property
    def uid(self) -> str:
        """The object's identity; one that is created again under the same name has another."""
        return str(self.api_token.get("metadata", {}).get("uid", ""))

    @property
    def held_id(self) -> int | None:
        """The token whose value the Secret holds, where it is listed."""
        tokens = {**self.before, **self.after}.values()
        return next((token["id"] for token in tokens if token["sha256"] == self.held), None)

    @property
    def is_wanted(self) -> bool:
        """Whether the object is there to stay."""
        return "deletionTimestamp" not in self.api_token.get("metadata", {"deletionTimestamp": ""})

    def others(self) -> set[int]:
        """Return the living tokens that are not the Secret's."""
        return {t["id"] for t in self.after.values() if t["live"] and t["sha256"] != self.held}

    def unaccounted(self) -> list[int]:
        """Return the tokens that lived all the while and that neither the Secret nor the status knew."""
        return unaccounted(self.api_token, self.held_id, [id_ for id_ in self.before if id_ in self.after])

    def left_over(self) -> list[int]:
        """Return the tokens that are neither the Secret's nor retired."""
        return left_over(self.api_token, self.held_id, self.after)

    def unrest(self) -> str:
        """Return what keeps the object from being served to the end; empty when nothing does."""
        # Overlaps are seconds here, or hours; those of seconds are waited for.
        soon = datetime.now(UTC) + timedelta(minutes=1)
        living = {token["id"]: token["live"] for token in self.after.values()}
        return next(unrest(self.api_token, self.held_id, living, soon), "")

    def remains(self) -> str:
        """Return what is left of an object that is to be gone; empty when nothing is."""
        if self.api_token:
            return "it still exists"
        return f"tokens {set(self.after)} are left over" if self.after else ""


def look(world: World) -> dict[str, View]:
    """Look once at all ApiTokens of a world, and at those that left something behind."""
    before = _tokens(world)
    secrets = _by_name(world.kube.get(f"/api/v1/namespaces/{world.namespace}/secrets"))
    api_tokens = _by_name(world.kube.get(f"{GROUP}/namespaces/{world.namespace}/apitokens"))
    after = _tokens(world)
    names = api_tokens.keys() | after.keys()
    return {
        name: View(before.get(name, {}), secrets.get(name, {}), api_tokens.get(name, {}), after.get(name, {}))
        for name in names
    }


def _tokens(world: World) -> dict[str, dict[int, Body]]:
    # A display name that a test changes begins as the default one, and continues with `~`.
    own_name = re.compile(rf"^{world.namespace}/([^\s~]+)(?:~\S*)? \[k8s:")
    found: dict[str, dict[int, Body]] = defaultdict(dict)
    for token in world.tokens():
        if match := own_name.match(token["name"]):
            found[match[1]][token["id"]] = token
    return found


def _by_name(listed: Body | None) -> dict[str, Body]:
    return {item["metadata"]["name"]: item for item in (listed or {}).get("items", [])}


def unrests(world: World, names: Collection[str], wrong: Callable[[View], str]) -> dict[str, str]:
    """Wait until nothing is wrong with the named objects; return what still is when the time is over."""
    nothing = View({}, {}, {}, {})
    deadline = time.monotonic() + PATIENCE
    while True:
        views = look(world)
        violations = {name: words for name in names if (words := wrong(views.get(name, nothing)))}
        if not violations or time.monotonic() > deadline:
            return violations
        time.sleep(PAUSE)


@dataclass
class Witness:
    """Looks on from its `with` to its end; `overlap` is how long a replaced value must continue working."""

    world: World
    overlap: timedelta
    robbed: set[str] = field(default_factory=set)
    """The objects whose Secret and status were both taken: tokens may be unaccounted there by the user's hand."""
    violations: set[str] = field(default_factory=set)
    looks: int = 0
    _lived: set[str] = field(default_factory=set)
    _held: dict[str, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))
    """When a value was last seen in the Secret, by the object's uid and the value's digest."""

    def __enter__(self) -> Self:
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

    def _look_on(self) -> None:
        while not self._end.wait(PAUSE):
            begun = datetime.now(UTC)
            views = look(self.world)
            ended = datetime.now(UTC)
            for name, view in views.items():
                self.violations |= {f"{name}: {wrong}" for wrong in self._judge(name, view, begun, ended)}
            self.looks += 1

    def _judge(self, name: str, view: View, begun: datetime, ended: datetime) -> set[str]:
        violations = set()
        if len(view.unaccounted()) > 1 and name not in self.robbed:
            violations.add(f"tokens {view.unaccounted()} are unaccounted")
        living = {token["sha256"] for token in view.before.values() if token["live"]}
        if view.is_wanted:
            held = self._held[view.uid]
            dead = held.keys() & self._lived - living  # what a user wrote there never lived
            if view.held in self._lived - living:
                violations.add("the Secret holds a value that is dead")
            if any(ended < held[digest] + self.overlap for digest in dead):
                violations.add("a value that was in the Secret died before its overlap was over")
            if view.held:
                held[view.held] = begun
        self._lived |= living
        return violations


@contextmanager
def witnessed(world: World, overlap: timedelta) -> Iterator[None]:
    """Have a witness look on, who must see nothing wrong."""
    with Witness(world, overlap) as witness:
        yield
    assert set() == witness.violations
    assert witness.looks > 0
