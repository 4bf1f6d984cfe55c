"""The exhaustive layer: every single fault and every ordered pair of faults.

Each generator yields its cases one after the other: how to name the case, and what it violated, if anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tests.simulation.cases import WHOLE, Case
from tests.simulation.flows import Flow
from tests.simulation.network import Call
from tests.simulation.outcomes import ALL, DISTINCT, SHORT, Kind, Outcome
from tests.simulation.runs import run, without_faults

_BLIND = {"create", "create with a named resource", "deleted while created", "Secret and status lost"}
"""No token is on record there: that a list is short can be seen by nothing."""

_BELIEVED = {
    "all deleted: 23 GET secrets: 404",
    "all deleted: 24 PATCH secrets: 404",
    "clone: 1 GET secrets: 404",
    "Secret of the credential changed: 2 GET secrets: 404",
    "Secret of the credential changed: 3 PATCH secrets: 404",
    "workload slower than the hard limit: 161 DELETE {id}/api_tokens/{id}: 404",
    "workload slower than the hard limit: 169 GET deployments: 404",
}
"""Where a server says that something does not exist, it is believed: another end, and a right one.

Of a Secret nothing is let go, or named; a token or a Deployment that is gone has no one wait for it any more, and a token that is
listed again is deleted again.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One call of a flow ends otherwise."""

    call: Call
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.call.number} {self.call.what}: {self.outcome}"


def single_faults(flow: Flow, part: slice = WHOLE) -> Iterator[Case]:
    """Run a flow with every single fault, or with a part of them."""
    faults = _faults(flow, without_faults(flow).calls, ALL)
    cases = (_case(flow, fault) for fault in islice(faults, part.start, part.stop, part.step))
    yield from (case for case in cases if case[0] not in _BELIEVED)


def first_faults(flow: Flow) -> Iterator[Fault]:
    """Yield what pairs can begin with."""
    return _faults(flow, without_faults(flow).calls, DISTINCT)


def pairs(flow: Flow, first: Fault, part: slice = WHOLE) -> Iterator[Case]:
    """Run a flow with a first fault and each of a part of those that can come after it."""
    calls = run(flow, {first.call.number: first.outcome}).calls[first.call.number + 1 :]
    for second in islice(_faults(flow, calls, DISTINCT), part.start, part.stop, part.step):
        yield _case(flow, first, second)


def _faults(
    flow: Flow, calls: tuple[Call, ...], outcomes: dict[Kind, tuple[Outcome, ...]]
) -> Iterator[Fault]:
    for call in calls:
        for outcome in outcomes[call.kind]:
            if outcome is not SHORT or flow.name not in _BLIND:
                yield Fault(call, outcome)


def _case(flow: Flow, *faults: Fault) -> Case:
    violation = run(flow, {fault.call.number: fault.outcome for fault in faults}).violation
    return f"{flow}: {', then '.join(map(str, faults))}", violation
