"""Holds a simulated world against `tests.oracle` after every change; what a status looks like, against `tests.status_conformance`.

GitOps  kstatus and Argo CD judge every status that an operator writes as `tests.status_conformance.design` says
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mailtrap_simulator.tokens import Token as RemoteToken
from tests.oracle import Judge, Look, Token, unrest
from tests.simulation.log_capture import one_of
from tests.simulation.operator_instance import INSTALLATION
from tests.simulation.virtual_time import server_time
from tests.simulation.world import MAX_OVERLAP, OVERLAP, Body, World, as_text, texts_in, value_in
from tests.status_conformance.design import violations


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Invariants:
    """Watches one world; `on_change` is to run after every change.

    `violations` are those noted so far. `overlap` and `tolerance` are those of the `Judge`.
    """

    world: World
    overlap: timedelta = OVERLAP
    tolerance: timedelta = timedelta()
    violations: list[str] = field(default_factory=list)
    _judge: Judge = field(init=False)
    _ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._judge = Judge(INSTALLATION, self.overlap, self.tolerance, MAX_OVERLAP)

    def forgive(self) -> None:
        """Take the world as it is: what a user has just done is no operator's doing."""
        self._judge.forgive(self._look())

    def on_change(self) -> None:
        """Let everyone hear of a change, and note what it violates."""
        self.world.note_change()
        self.violations += self._judge.judge(self._look())
        statuses, self.world.network.statuses = self.world.network.statuses, []
        self.violations += [
            f"GitOps: {wrong}: {body['status']}" for body in statuses for wrong in violations(body)
        ]

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

    def check_at_rest(self, due: datetime | None = None) -> None:
        """Check ESR, and that no value went astray; `due` is that of `unrest`. Raises `ViolationError`."""
        for body in self.world.api_tokens():
            if wrong := what_is_missing(self.world, body, due):
                raise ViolationError(f"ESR: {wrong}: {body.get('status')}")
        self.check_strays()

    def check_strays(self) -> None:
        """Check I1 to I5, and that no value went astray; raises `ViolationError`."""
        for violation in self._judge.judge(self._look()):
            raise ViolationError(violation)
        texts = [as_text(body) for body in [*self.world.api_tokens(), *self._events()]]
        texts += [operator.operator.metrics.exposition().decode() for operator in self.world.operators]
        if one_of(self._ids, texts):
            raise ViolationError("a token value stands outside of its Secret")

    @property
    def values(self) -> frozenset[str]:
        """All token values that there have been."""
        return frozenset(self._ids)

    def _look(self) -> Look:
        """Return the world as it is: nothing happens between two reads, nor between two changes."""
        remote, now = self.world.remote_tokens(), server_time()
        self._ids.update((token.value, token.id) for token in remote.values())
        objects = {body["metadata"]["uid"]: body for body in self.world.api_tokens()}
        held = {uid: id_ for uid, body in objects.items() if (id_ := self._held(body)) is not None}
        tokens = {id_: _token(self.world, token) for id_, token in remote.items()}
        foreign = {id_: token for id_, token in remote.items() if id_ in self.world.foreign}
        in_use = frozenset(id_ for value, id_ in self._ids.items() if value == self.world.consumer.value)
        restarts = self.world.consumer.restarted_for
        return Look(now, now, objects, held, tokens, tokens, foreign, in_use, restarts)

    def _held(self, body: Body) -> int | None:
        # The value counts, not what the Secret says of it: a user may have edited either.
        # A former value may be kept beside the present one.
        secret = self.world.secret_of(body)
        texts = texts_in(secret)
        return self._ids.get(value_in(secret) or "") or next(
            (id_ for value, id_ in self._ids.items() if any(value in text for text in texts)), None
        )

    def _events(self) -> list[Any]:
        listed = self.world.read("/api/v1/namespaces/team/events")
        return listed["items"] if listed else []


def what_is_missing(world: World, body: Body, due: datetime | None = None) -> str | None:
    """Return what keeps an object from being served to the end, or None."""
    owned, value = world.owned(body) if body else [], value_in(world.secret_of(body)) if body else None
    held = next((token.id for token in owned if token.value == value), None)
    return next(unrest(body, held, {token.id: _token(world, token) for token in owned}, due), None)


def _token(world: World, token: RemoteToken) -> Token:
    # A token that a reset ends is not made dead by the operator, unless the Secret holds it.
    ends = token.expires_at and token.expires_at - world.remote.skew
    return Token(token.id, token.name, token.is_live(world.remote_time()), token.was_reset, ends)
