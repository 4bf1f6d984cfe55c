"""Faults that wait for their moment: which call they hit shows when it comes."""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random

from tests.simulation.network import Call
from tests.simulation.outcomes import ALL, DISTINCT, OK, SHORT, Kind, Outcome, Seen

_REACH = {
    Kind.REMOTE_MUTATION: 2,
    Kind.KUBERNETES_WRITE: 7,
    Kind.REMOTE_READ: 4,
    Kind.KUBERNETES_READ: 9,
    Kind.DRY_RUN: 2,
    Kind.EVENT: 2,
}
"""About so many calls of a kind follow from one deed."""

_WEIGHTS = (16, 10, 8, 8, 1, 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """The call of a kind that comes `after` others of it ends otherwise.

    What the same operator calls of that kind for so many seconds from there ends the same; a credential that is refused
    is refused for reads and writes.
    """

    kind: Kind
    after: int
    outcome: Outcome
    lasts: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind.value} {self.after}: {self.outcome}" + (
            f" for {self.lasts:.0f} s" if self.lasts else ""
        )

    def goes_on_for(self, kind: Kind) -> bool:
        """Whether calls of a kind are hit as long as this lasts."""
        remote = {Kind.REMOTE_MUTATION, Kind.REMOTE_READ}
        return kind is self.kind or (
            self.outcome.status == HTTPStatus.UNAUTHORIZED and {kind, self.kind} == remote
        )


def random_fault(random: Random) -> Fault:
    """Return some fault."""
    kind = random.choices(list(_REACH), _WEIGHTS)[0]
    outcomes = (ALL if random.random() < 0.5 else DISTINCT)[kind]
    outcome = random.choice([it for it in outcomes if not _is_beyond_notice(kind, it)])
    can_last = outcome.seen is not Seen.CRASH and random.random() < 0.2
    lasts = 10 ** random.uniform(0, 2.3) if can_last else 0.0
    return Fault(kind, random.randrange(_REACH[kind]), outcome, lasts)


def _is_beyond_notice(kind: Kind, outcome: Outcome) -> bool:
    """Whether no one can tell a lie, given the deeds that there are.

    A short list is that of a credential with fewer rights; taking those away is a deed. While it has them not, a 404 to
    the deletion of a token that is there confirms what the list says.
    """
    return outcome is SHORT or (kind is Kind.REMOTE_MUTATION and outcome.status == HTTPStatus.NOT_FOUND)


@dataclass(slots=True)
class Faults:
    """Faults that wait or last; `outcomes` are those of the calls that were hit, by number."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    _waiting: list[tuple[Fault, int]] = field(default_factory=list)
    _lasting: list[tuple[Fault, str, float]] = field(default_factory=list)
    _told: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))

    def add(self, faults: tuple[Fault, ...]) -> None:
        """Have faults wait, counting calls from now."""
        self._waiting += [(fault, self._told[fault.kind] + fault.after) for fault in faults]

    def end(self) -> None:
        """Have no fault any more."""
        self._waiting.clear()
        self._lasting.clear()

    def outcome(self, call: Call) -> Outcome:
        """Return how a call ends: a network's script."""
        index = self._told[call.kind]
        self._told[call.kind] += 1
        if (outcome := self._hit(call, index)) is None:
            return OK
        self.outcomes[call.number] = outcome
        return outcome

    def _hit(self, call: Call, index: int) -> Outcome | None:
        now = asyncio.get_running_loop().time()
        for fault, at in self._waiting:
            if fault.kind is call.kind and at == index:
                self._lasting.append((fault, call.operator, now + fault.lasts))
                return fault.outcome
        for fault, operator, until in self._lasting:
            if fault.goes_on_for(call.kind) and operator == call.operator and now < until:
                return fault.outcome
        return None
