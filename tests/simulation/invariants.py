"""What must hold at every instant of every run, whatever goes wrong.

I1  at most one remote token of an object is outside {Secret, current, previous}; none at rest
I2  while the object lives, its Secret never holds a value that an operator made dead
I3  a value that was ever in the Secret works for its whole overlap
I4  nothing without the object's tag is ever deleted or reset
I5  after the finalizer is gone no token of the object is left (policy Delete)
ESR once spec and faults stop changing, the object is Ready, or gone, and stays so
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailtrap_simulator.tokens import Token
from tests.simulation.time import server_time
from tests.simulation.world import OVERLAP, Body, World, as_text, token_id_in, value_in


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Invariants:
    """Watches one world; `check` runs after every change."""

    world: World
    _remote: dict[int, Token] = field(default_factory=dict)
    _left_secret: dict[int, datetime] = field(default_factory=dict)
    _in_secret: dict[str, int] = field(default_factory=dict)
    _values: set[str] = field(default_factory=set)
    _objects: dict[str, Body] = field(default_factory=dict)

    def forgive(self) -> None:
        """Take the world as it is: what a user has just done is no operator's doing."""
        self._remote = self.world.remote_tokens()
        self._note_secrets({body["metadata"]["uid"]: body for body in self.world.api_tokens()})

    def check(self) -> None:
        """Check I1 to I5; raises `ViolationError`."""
        tokens, objects = (
            self.world.remote_tokens(),
            {o["metadata"]["uid"]: o for o in self.world.api_tokens()},
        )
        self._values.update(token.value for token in tokens.values())
        self._note_secrets(objects)
        self._check_foreign(tokens)
        for body in objects.values():
            self._check_object(body, tokens)
        for uid, body in self._objects.items():
            if (
                uid not in objects
                and body["spec"].get("deletionPolicy") != "Retain"
                and self.world.owned(body)
            ):
                raise ViolationError(
                    f"I5: the object is gone, its tokens are not: {_ids(self.world.owned(body))}"
                )
        self._remote, self._objects = tokens, objects

    def _note_secrets(self, objects: dict[str, Body]) -> None:
        for uid, body in objects.items():
            held, before = token_id_in(self.world.secret_of(body)), self._in_secret.get(uid)
            if before is not None and before != held:
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
        secret = self.world.secret_of(body)
        held, known = token_id_in(secret), ids_on_record(body)
        unaccounted = [token.id for token in self.world.owned(body) if token.id not in known | {held}]
        if len(unaccounted) > 1:
            raise ViolationError(f"I1: {len(unaccounted)} tokens on no record: {unaccounted}")
        now = server_time()
        for token_id in self._remote.keys() - tokens.keys():
            if not self._remote[token_id].is_live(now):
                continue
            if token_id == held:
                raise ViolationError(f"I2: token {token_id} was deleted while the Secret holds it")
            left = self._left_secret.get(token_id)
            if left is not None and now - left < OVERLAP:
                raise ViolationError(
                    f"I3: token {token_id} was deleted {now - left} after it left the Secret"
                )
        token = tokens.get(held or 0)
        if token is not None and token.was_reset and not token.is_live(now):
            raise ViolationError(f"I2: the Secret holds token {token_id}, which a reset made dead")

    def check_at_rest(self) -> None:
        """Check I1 and ESR, and that no value went astray; raises `ViolationError`."""
        self.check()
        for body in self.world.api_tokens():
            if wrong := what_is_missing(self.world, body):
                raise ViolationError(f"ESR: {wrong}: {body.get('status')}")
        texts = [as_text(body) for body in [*self.world.api_tokens(), *self._events()]]
        for value in self._values:
            if any(value in text for text in texts):
                raise ViolationError("a token value stands outside of its Secret")

    def _events(self) -> list[Any]:
        listed = self.world.read("/api/v1/namespaces/team/events")
        return listed["items"] if listed else []


def ids_on_record(body: Body) -> set[int]:
    """Return the ids in an ApiToken's status."""
    status = body.get("status", {})
    ids = {previous["id"] for previous in status.get("previous", [])}
    return ids | ({status["current"]["id"]} if "current" in status else set())


def what_is_missing(world: World, body: Body) -> str | None:
    """Return what keeps an object from being served to the end, or None."""
    status, owned = body.get("status", {}), world.owned(body)
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    ready = conditions.get("Ready", {})
    value = value_in(world.secret_of(body))
    held = next((token for token in owned if token.value == value and token.is_live(server_time())), None)
    known = ids_on_record(body) | ({held.id} if held else set())
    wrongs = {
        "it is still being deleted": "deletionTimestamp" in body["metadata"],
        "it is not Ready": ready.get("status") != "True" or conditions.keys() & {"Reconciling", "Stalled"},
        "its status is old": ready.get("observedGeneration") != body["metadata"]["generation"],
        "an operation is still open": "operation" in status,
        "the Secret holds no living token": held is None,
        "the status names another token": held and status.get("current", {}).get("id") != held.id,
        "tokens are left over": any(token.id not in known for token in owned),
    }
    return next((wrong for wrong, is_so in wrongs.items() if is_so), None)


def _ids(tokens: list[Token]) -> list[int]:
    return [token.id for token in tokens]
