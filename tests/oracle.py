"""The oracle: what no state of the world may break, judged over plain values.

I1  at most one remote token of an object is outside {Secret, current, previous}; none at rest
I2  while the object lives, its Secret never holds a value that an operator made dead
I3  a value that was ever in the Secret works for its whole overlap
I4  nothing without the object's tag is ever deleted or reset
I5  after the finalizer is gone no token of the object is left (policy Delete)
C1  a token that pods still use is not deleted before the hard limit; workloads are restarted once for each new value
ESR once spec and faults stop changing, the object is Ready, or gone, and stays so

Nothing is read here. `tests/simulation/invariants.py` reads the simulation after every change, `tests/e2e/witness.py` a
real API server and the simulator again and again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.core.ownership import Tag, owner_of, parse_tag

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """A remote token that is listed; `ends` is when it dies although no one makes it dead, None for never."""

    id: int
    name: str
    is_live: bool = True
    was_reset: bool = False
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The world as one look finds it.

    Whoever cannot see all at one instant reads the tokens `before`, then the Secrets, the objects, and the tokens `after`.
    `since` is until when the former look certainly held, `time` when this one ended. `held` are the tokens whose values the
    objects' Secrets hold. `objects` and `held` are by uid, tokens by id; `foreign` are those of others, as they are.
    """

    since: datetime
    time: datetime
    objects: Mapping[str, Body]
    held: Mapping[str, int]
    before: Mapping[int, Token]
    after: Mapping[int, Token]
    foreign: Mapping[int, object] = field(default_factory=dict)
    in_use: frozenset[int] = frozenset()
    """The tokens that pods of a restarted workload use."""
    restarts: Sequence[str] = ()
    """The issuances for which workloads were restarted."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)
_tag = lru_cache(4096)(parse_tag)


def _owner(installation: str, body: Body) -> tuple[str, str]:
    meta = body["metadata"]
    return installation, owner_of(installation, meta["namespace"], meta["name"], meta["uid"])


def _owner_in(tag: Tag | None) -> tuple[str, str] | None:
    return (tag.installation, tag.owner) if tag else None


def owned(installation: str, body: Body, tokens: Mapping[int, _T]) -> dict[int, _T]:
    """Return the tokens that have an object's tag."""
    owner = _owner(installation, body)
    return {id_: token for id_, token in tokens.items() if _owner_in(_tag(token.name)) == owner}


def orphans(installation: str, look: Look) -> list[int]:
    """Return the tokens of an installation that no object of a look owns."""
    owners = {_owner(installation, body) for body in look.objects.values()}
    tags = ((id_, _tag(token.name)) for id_, token in look.after.items())
    return [
        id_ for id_, tag in tags if tag and tag.installation == installation and _owner_in(tag) not in owners
    ]


def retired(body: Body) -> set[int]:
    """Return the tokens that an object's status calls retired."""
    return {previous["id"] for previous in body.get("status", {}).get("previous", ())}


def left_over(body: Body, held: int | None, tokens: Mapping[int, object]) -> list[int]:
    """Return the object's tokens that may not be there at rest: neither the Secret's nor retired."""
    return [id_ for id_ in tokens if id_ not in retired(body) | {held}]


def unrest(
    body: Body, held: int | None, tokens: Mapping[int, Token], due: datetime | None = None
) -> Iterator[str]:
    """ESR: yield what keeps an object from being served to the end; `tokens` are its own.

    A retired token whose date is before `due` must be gone; None where overlaps are still running.
    """
    meta, spec, status = body.get("metadata", {}), body.get("spec", {}), body.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    ready = conditions.get("Ready", {})
    is_ready = ready.get("status") == "True" and not conditions.keys() & {"Reconciling", "Stalled"}
    request = not spec.get("suspend") and meta.get("annotations", {}).get(ROTATE_ANNOTATION)
    left = left_over(body, held, tokens)
    dates = {
        token["id"]: datetime.fromisoformat(token["deleteAfter"]) for token in status.get("previous", ())
    }
    overdue = [id_ for id_, date in dates.items() if due and date < due]
    violations = {
        "it does not exist": not body,
        "it is still being deleted": "deletionTimestamp" in meta,
        f"it is not Ready: {ready.get('reason')}": not is_ready,
        "its status is old": ready.get("observedGeneration") != meta.get("generation"),
        "a requested rotation was not made": request and status.get("lastHandledRotateRequest") != request,
        "an operation is still open": "operation" in status,
        "the Secret holds no living token": not any(
            token.is_live for id_, token in tokens.items() if id_ == held
        ),
        "the status names another token": status.get("current", {}).get("id") != held,
        f"tokens {left} are left over": left,
        f"tokens {overdue} are still to be deleted": overdue,
    }
    yield from (wrong for wrong, is_so in violations.items() if is_so)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOTHING = Look(_LONG_AGO, _LONG_AGO, {}, {}, {}, {})


@dataclass(slots=True)
class Judge:
    """Holds each look against those before it.

    `overlap` is that of all objects, `hard_limit` the `maxOverlap` of those that have one. `tolerance` is by how much the
    operators' clocks differ: no promise can be more exact than they are.
    """

    installation: str
    overlap: timedelta
    tolerance: timedelta = timedelta()
    hard_limit: timedelta = timedelta.max
    _former: Look = _NOTHING
    _promised: dict[str, int] = field(default_factory=dict)
    """The tokens held by Secrets, by their objects' uid, except those that were retired already when they got there."""
    _left: dict[int, datetime] = field(default_factory=dict)
    """Until when a promised token was in its Secret."""
    _dead: set[int] = field(default_factory=set)
    _gone: list[tuple[Body, frozenset[int]]] = field(default_factory=list)
    """Objects that are gone, and the tokens that there were then."""
    _forgiven: set[int] = field(default_factory=set)
    _lost_nonces: set[str] = field(default_factory=set)

    def forgive(self, look: Look) -> None:
        """Take the world as it is: what a user has just done is no operator's doing."""
        for uid, body in look.objects.items():
            self._note_lost_claim(self._former.objects.get(uid, body), body)
            if self._promised.get(uid) in retired(body):
                del self._promised[uid]
        self._follow(look)
        self._dead -= {*look.held.values()}
        self._forgiven.update(id_ for uid in look.objects for id_ in self._unaccounted(look, uid))
        self._former = replace(look, objects={**self._former.objects, **look.objects})

    def judge(self, look: Look) -> list[str]:
        """Return what a look shows to be broken."""
        self._follow(look)
        violations = [*self._violations(look)]
        self._former = look
        return violations

    def _follow(self, look: Look) -> None:
        for uid, body in look.objects.items():
            held = look.held.get(uid)
            if held != self._former.held.get(uid):
                if uid in self._promised:
                    self._left[self._promised.pop(uid)] = look.since
                if held is not None and held not in retired(body):
                    self._promised[uid] = held

    def _note_lost_claim(self, before: Body, after: Body) -> None:
        """What a claim leads to that a user has wiped, no one can know."""
        claim = before.get("status", {}).get("operation")
        if claim and "operation" not in after.get("status", {}):
            base = self._former.after.get(claim.get("base", 0))
            tag = base and _tag(base.name)
            self._lost_nonces.add(tag.nonce if tag else claim["nonce"])

    def _is_lost(self, token: Token) -> bool:
        tag = _tag(token.name)
        return tag is not None and tag.nonce in self._lost_nonces

    def _violations(self, look: Look) -> Iterator[str]:
        for id_, token in self._former.foreign.items():
            if look.foreign.get(id_) != token:
                yield f"I4: foreign token {id_} was touched"
        killed = {
            id_: token
            for id_, token in self._former.before.items()
            if token.is_live and not _is_live(look, id_) and not (token.ends and token.ends <= look.time)
        }
        self._dead |= killed.keys()
        for uid, body in look.objects.items():
            if "deletionTimestamp" not in body["metadata"]:
                yield from self._of_object(look, uid, killed)
        if twice := [issuance for issuance, times in Counter(look.restarts).items() if times > 1]:
            yield f"C1: a workload was restarted twice for one token: {twice}"
        for uid, body in self._former.objects.items():
            if uid not in look.objects and body["spec"].get("deletionPolicy") != "Retain":
                self._gone.append((body, frozenset(look.after)))
        for body, there in self._gone:
            tokens = owned(self.installation, body, look.after).values()
            if left := [token.id for token in tokens if token.id in there or not self._is_lost(token)]:
                yield f"I5: the object is gone, its tokens are not: {left}"

    def _of_object(self, look: Look, uid: str, killed: Mapping[int, Token]) -> Iterator[str]:
        body, held = look.objects[uid], look.held.get(uid)
        unaccounted = [id_ for id_ in self._unaccounted(look, uid) if id_ not in self._forgiven]
        if len(unaccounted) > 1:
            yield f"I1: {len(unaccounted)} tokens on no record: {unaccounted}"
        holds = look.before.get(held or 0)
        if held in self._dead or (holds and holds.was_reset and not holds.is_live):
            yield f"I2: the Secret holds token {held}, which was made dead"
        for id_ in owned(self.installation, body, killed).keys() - {held}:
            yield from self._of_killed(look, body, id_)

    def _of_killed(self, look: Look, body: Body, id_: int) -> Iterator[str]:
        kept = look.time - self._left[id_] if id_ in self._left else None
        has_limit = "maxOverlap" in body["spec"].get("rotation", {})
        is_past_limit = has_limit and kept is not None and kept >= self.hard_limit - self.tolerance
        if id_ in look.in_use and not is_past_limit:
            yield f"C1: token {id_} was deleted while a pod uses it"
        if kept is not None and kept < self.overlap - self.tolerance:
            yield f"I3: token {id_} was deleted {kept} after it left the Secret"

    def _unaccounted(self, look: Look, uid: str) -> list[int]:
        """Return the object's tokens that were there all the while, and that neither its Secret nor its status knew."""
        body = look.objects[uid]
        current = body.get("status", {}).get("current", {}).get("id")
        tokens = owned(self.installation, body, look.before)
        return [
            id_
            for id_ in left_over(body, look.held.get(uid), tokens)
            if id_ in look.after and id_ != current and not self._is_lost(tokens[id_])
        ]


def _is_live(look: Look, id_: int) -> bool:
    return id_ in look.before and look.before[id_].is_live
