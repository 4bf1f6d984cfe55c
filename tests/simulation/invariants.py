"""What must hold at every instant of every run, whatever goes wrong.

I1  at most one remote token of an object is outside {Secret, current, previous}; none at rest
I2  while the object lives, its Secret never holds a value that an operator made dead
I3  a value that was ever in the Secret works for its whole overlap
I4  nothing without the object's tag is ever deleted or reset
C1  a token that pods still use is not deleted before the hard limit; workloads are restarted once for each new value
I5  after the finalizer is gone no token of the object is left (policy Delete)
GitOps  kstatus and Argo CD judge every status that an operator writes as `tests.status_conformance.design` says
ESR once spec and faults stop changing, the object is Ready, or gone, and stays so
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailtrap_operator.core.ownership import parse_tag
from mailtrap_simulator.tokens import Token
from tests.oracle import unaccounted, unrest
from tests.simulation.log_capture import one_of
from tests.simulation.virtual_time import server_time
from tests.simulation.world import MAX_OVERLAP, OVERLAP, Body, World, as_text, texts_in, value_in
from tests.status_conformance.design import violations


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Invariants:
    """Watches one world; `on_change` is to run after every change.

    `violations` are those noted so far. `overlap` is that of all objects. `tolerance` is by how much the operators' clocks differ: no promise can be more
    exact than they are.
    """

    world: World
    overlap: timedelta = OVERLAP
    tolerance: timedelta = timedelta()
    violations: list[str] = field(default_factory=list)
    _remote: dict[int, Token] = field(default_factory=dict)
    _left_secret: dict[int, datetime] = field(default_factory=dict)
    _in_secret: dict[str, int] = field(default_factory=dict)
    _ids: dict[str, int] = field(default_factory=dict)
    _objects: dict[str, Body] = field(default_factory=dict)
    _gone: list[tuple[Body, datetime]] = field(default_factory=list)
    _forgiven: set[int] = field(default_factory=set)
    _lost_nonces: set[str] = field(default_factory=set)

    def forgive(self) -> None:
        """Take the world as it is: what a user has just done is no operator's doing."""
        self._remote = self.world.remote_tokens()
        objects = {body["metadata"]["uid"]: body for body in self.world.api_tokens()}
        self._note_secrets(objects, self._remote)
        for uid, body in objects.items():
            self._note_lost_claim(self._objects.get(uid, body), body)
        self._objects.update(objects)
        self._forgiven.update(token.id for body in objects.values() for token in self._unaccounted(body))

    def on_change(self) -> None:
        """Let everyone hear of a change, and note what it violates."""
        self.world.note_change()
        self.note(self.check)
        self.note(self._check_statuses)

    def note(self, check: Callable[[], None]) -> None:
        """Note what a check finds violated."""
        try:
            check()
        except ViolationError as violation:
            self.violations.append(str(violation))

    def note_words(self, logged: Iterable[str]) -> None:
        """Note it when a token value was logged."""
        if one_of(self._ids, logged):
            self.violations.append("a token value was logged")

    async def end(self) -> None:
        """End all operators, and note what they wrote in vain."""
        await self.world.stop_operators()
        self.violations += [f"cost: {what} changed nothing" for what in self.world.network.wasted]

    def check(self) -> None:
        """Check I1 to I5; raises `ViolationError`."""
        tokens, objects = (
            self.world.remote_tokens(),
            {o["metadata"]["uid"]: o for o in self.world.api_tokens()},
        )
        self._note_secrets(objects, tokens)
        self._check_foreign(tokens)
        for body in objects.values():
            self._check_object(body, tokens)
        restarts = self.world.consumer.restarted_for
        if len(set(restarts)) < len(restarts):
            raise ViolationError(f"C1: a workload was restarted twice for one token: {restarts}")
        now = self.world.remote_time()
        self._gone += [
            (body, now)
            for uid, body in self._objects.items()
            if uid not in objects and body["spec"].get("deletionPolicy") != "Retain"
        ]
        for body, at in self._gone:
            late = {token.id for token in tokens.values() if token.created_at >= at and self._is_lost(token)}
            if left := [token.id for token in self.world.owned(body) if token.id not in late]:
                raise ViolationError(f"I5: the object is gone, its tokens are not: {left}")
        self._remote, self._objects = tokens, objects

    def _check_statuses(self) -> None:
        statuses, self.world.network.statuses = self.world.network.statuses, []
        for body in statuses:
            for wrong in violations(body):
                raise ViolationError(f"GitOps: {wrong}: {body['status']}")

    def _note_lost_claim(self, before: Body, after: Body) -> None:
        """What a claim leads to that a user has wiped, no one can know."""
        claim = before.get("status", {}).get("operation")
        if claim and "operation" not in after.get("status", {}):
            base = self._remote.get(claim.get("base", 0))
            tag = parse_tag(base.name) if base else None
            self._lost_nonces.add(tag.nonce if tag else claim["nonce"])

    def _is_lost(self, token: Token) -> bool:
        tag = parse_tag(token.name)
        return tag is not None and tag.nonce in self._lost_nonces

    def _note_secrets(self, objects: dict[str, Body], tokens: dict[int, Token]) -> None:
        self._ids.update((token.value, token.id) for token in tokens.values())
        for uid, body in objects.items():
            texts, before = texts_in(self.world.secret_of(body)), self._in_secret.get(uid)
            # The value counts, not what the Secret says of it: a user may have edited either.
            # A former value may be kept beside the present one.
            held = self._ids.get(value_in(self.world.secret_of(body)) or "") or next(
                (id_ for value, id_ in self._ids.items() if any(value in text for text in texts)), None
            )
            if before is not None and before != held:
                # One that was retired already, and that a user has put back, is promised no more than before.
                if before not in {previous["id"] for previous in body.get("status", {}).get("previous", ())}:
                    self._left_secret[before] = server_time()
                del self._in_secret[uid]
            if held is not None:
                self._in_secret[uid] = held

    def _check_foreign(self, tokens: dict[int, Token]) -> None:
        for token_id in self.world.foreign & self._remote.keys():
            if tokens.get(token_id) != self._remote[token_id]:
                raise ViolationError(f"I4: foreign token {token_id} was touched")

    def _check_object(self, body: Body, tokens: dict[int, Token]) -> None:
        if "deletionTimestamp" in body["metadata"]:
            return
        held = self._in_secret.get(body["metadata"]["uid"])
        unknown = [
            t.id for t in self._unaccounted(body) if t.id not in self._forgiven and not self._is_lost(t)
        ]
        if len(unknown) > 1:
            raise ViolationError(f"I1: {len(unknown)} tokens on no record: {unknown}")
        now = self.world.remote_time()
        deleted = {id_: token for id_, token in self._remote.items() if id_ not in tokens}
        for token in self.world.owned(body, deleted) if deleted else ():
            if token.is_live(now):
                self._check_deleted(body, token, held)
        holds = tokens.get(held or 0)
        if holds is not None and holds.was_reset and not holds.is_live(now):
            raise ViolationError(f"I2: the Secret holds token {held}, which a reset made dead")

    def _check_deleted(self, body: Body, token: Token, held: int | None) -> None:
        if token.id == held:
            raise ViolationError(f"I2: token {token.id} was deleted while the Secret holds it")
        left = self._left_secret.get(token.id)
        kept = None if left is None else server_time() - left
        has_limit = "maxOverlap" in body["spec"].get("rotation", {})
        is_past_limit = has_limit and kept is not None and kept >= MAX_OVERLAP - self.tolerance
        if token.value == self.world.consumer.value and not is_past_limit:
            raise ViolationError(f"C1: token {token.id} was deleted while a pod uses it")
        if kept is not None and kept < self.overlap - self.tolerance:
            raise ViolationError(f"I3: token {token.id} was deleted {kept} after it left the Secret")

    def _unaccounted(self, body: Body) -> list[Token]:
        owned = {token.id: token for token in self.world.owned(body)}
        held = self._in_secret.get(body["metadata"]["uid"])
        return [owned[id_] for id_ in unaccounted(body, held, owned)]

    def check_at_rest(self, due: datetime | None = None) -> None:
        """Check I1 and ESR, and that no value went astray; `due` is that of `unrest`. Raises `ViolationError`."""
        for body in self.world.api_tokens():
            if wrong := what_is_missing(self.world, body, due):
                raise ViolationError(f"ESR: {wrong}: {body.get('status')}")
        self.check_strays()

    def check_strays(self) -> None:
        """Check that no value went astray; raises `ViolationError`."""
        self.check()
        texts = [as_text(body) for body in [*self.world.api_tokens(), *self._events()]]
        texts += [operator.operator.metrics.exposition().decode() for operator in self.world.operators]
        if one_of(self._ids, texts):
            raise ViolationError("a token value stands outside of its Secret")

    @property
    def values(self) -> frozenset[str]:
        """All token values that there have been."""
        return frozenset(self._ids)

    def _events(self) -> list[Any]:
        listed = self.world.read("/api/v1/namespaces/team/events")
        return listed["items"] if listed else []


def what_is_missing(world: World, body: Body, due: datetime | None = None) -> str | None:
    """Return what keeps an object from being served to the end, or None; `due` is that of `unrest`."""
    owned, value, now = world.owned(body), value_in(world.secret_of(body)), world.remote_time()
    held = next((token.id for token in owned if token.value == value), None)
    return next(unrest(body, held, {token.id: token.is_live(now) for token in owned}, due), None)
