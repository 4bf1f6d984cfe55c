"""Which calls a scripted fault meets, and how often. Decides only; `effects` says what a fault does."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .calls import OPERATIONS, Call
from .effects import NO_EFFECT, Effect, read_effect
from .messages import Request
from .payload import Payload, PayloadError

MOST_FAULTS = 1_000
FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Match:
    """Which calls are meant; what is None meets every call. `credential` is the last four characters."""

    method: str | None = None
    path: str | None = None
    operation: str | None = None
    token_id: int | None = None
    credential: str | None = None

    def meets(self, request: Request, call: Call) -> bool:
        """Whether the call is meant; `path` is a pattern with `*` and `?`."""
        return (
            self.method in (None, request.method)
            and (self.path is None or fnmatchcase(request.path, self.path))
            and self.operation in (None, call.operation)
            and self.token_id in (None, call.token_id)
            and self.credential in (None, call.last_four)
        )


@dataclass(slots=True)
class Fault:
    """An effect for matching calls: not for the first `skip`, then for `times` of them (None: for ever)."""

    match: Match
    effect: Effect
    times: int | None = 1
    skip: int = 0
    met: int = 0

    @property
    def used(self) -> int:
        """How many calls it has spoilt."""
        return max(0, self.met - self.skip)

    def is_spent(self) -> bool:
        """Whether it has spoilt as many as it should."""
        return self.times is not None and self.used >= self.times

    def as_json(self, fault_id: int) -> Mapping[str, Any]:
        """As the control API shows it."""
        times = FOREVER if self.times is None else self.times
        return {
            "id": fault_id,
            "kind": self.effect.kind,
            "times": times,
            "skip": self.skip,
            "used": self.used,
            "spent": self.is_spent(),
        }


class FaultScript:
    """The scripted faults in order; the first that matches and is not spent wins."""

    def __init__(self) -> None:
        self.faults: dict[int, Fault] = {}
        self._last_id = 0

    def add(self, fault: Fault) -> int:
        """Put a fault at the end of the script.

        Raises:
            PayloadError: the script is full.
        """
        if len(self.faults) >= MOST_FAULTS:
            raise PayloadError(f"there are {MOST_FAULTS} faults already; DELETE /_simulator/faults first")
        self._last_id += 1
        self.faults[self._last_id] = fault
        return self._last_id

    def take(self, request: Request, call: Call) -> Effect:
        """The effect on this call; a call that is still skipped may meet a later fault."""
        for fault in self.faults.values():
            if fault.is_spent() or not fault.match.meets(request, call):
                continue
            fault.met += 1
            if fault.used:
                return fault.effect
        return NO_EFFECT


def read_fault(value: Any) -> Fault:
    """The fault in a control payload, `{"match": …, "effect": …, "times": …, "skip": …}`.

    Raises:
        PayloadError: with what is wrong.
    """
    payload = Payload(value, "fault")
    times = payload.any("times", 1)
    if times != FOREVER and (type(times) is not int or times < 1):
        raise payload.wrong("times", f'a whole number above zero, or "{FOREVER}"')
    fault = Fault(
        _read_match(payload.any("match", {})),
        read_effect(payload.any("effect")),
        None if times == FOREVER else times,
        payload.integer("skip", 0) or 0,
    )
    payload.finish()
    return fault


def _read_match(value: Any) -> Match:
    payload = Payload(value, "match")
    match = Match(
        method=payload.text("method"),
        path=payload.text("path"),
        operation=payload.text("operation"),
        token_id=payload.integer("token_id"),
        credential=payload.text("credential"),
    )
    payload.finish()
    if match.operation is not None and match.operation not in OPERATIONS:
        raise payload.wrong("operation", "one of " + ", ".join(OPERATIONS))
    return match
