"""What a status must look like, and how kstatus and Argo CD must judge it: the design's word, in one place.

Helm and Flux wait by kstatus, Argo CD by the Lua in deploy/argocd; both are asked here, and both must say what the table
says. It holds for every status that an operator writes, in the simulation and on a real API server alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.status_conformance import argo, kstatus
from tests.status_conformance.kstatus import Status

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an object stands: all that a judge may go by."""

    kind: str
    is_terminating: bool
    is_observed: bool
    is_suspended: bool
    has_secret: bool
    conditions: tuple[tuple[str, str, bool], ...]
    """Type, status, and whether it speaks of the generation that the whole status speaks of."""

    def says(self, type_: str) -> bool:
        """Whether a condition is true."""
        return any((type_, "True") == condition[:2] for condition in self.conditions)

    @property
    def is_under_way(self) -> bool:
        """Whether it says that something is still to be done, by the operator or by someone."""
        return self.says("Reconciling") or self.says("Stalled")

    @property
    def is_account(self) -> bool:
        """Whether it is an account of either kind."""
        return self.kind != "ApiToken"


class Row(NamedTuple):
    """What is to be said of objects of which something is so."""

    what: str
    is_so: Callable[[Standing], bool]
    kstatus: Status
    argo: str


STATUS_WATCH = (
    Row("it is being deleted", lambda it: it.is_terminating, Status.TERMINATING, "Progressing"),
    Row(
        "its spec is still to be looked at", lambda it: not it.is_observed, Status.IN_PROGRESS, "Progressing"
    ),
    Row("someone must do something", lambda it: it.says("Stalled"), Status.FAILED, "Degraded"),
    Row("it continues by itself", lambda it: it.says("Reconciling"), Status.IN_PROGRESS, "Progressing"),
    Row(
        "it works and is suspended",
        lambda it: it.is_suspended and it.says("Ready"),
        Status.CURRENT,
        "Suspended",
    ),
    Row("it is suspended", lambda it: it.is_suspended, Status.IN_PROGRESS, "Suspended"),
    Row("it works", lambda it: it.says("Ready"), Status.CURRENT, "Healthy"),
    Row("the account cannot be used", lambda it: it.is_account, Status.IN_PROGRESS, "Degraded"),
)
"""The first row that fits counts; where none does, the status says too little."""

_Wrong = tuple[str, Callable[[Standing], bool]]

VIOLATIONS: tuple[_Wrong, ...] = (
    ("Ready is missing", lambda it: it.is_observed and not any("Ready" == c[0] for c in it.conditions)),
    ("Reconciling and Stalled at once", lambda it: it.says("Reconciling") and it.says("Stalled")),
    (
        "a condition other than Ready is there without being true",
        lambda it: any(type_ != "Ready" and status != "True" for type_, status, _ in it.conditions),
    ),
    (
        "a condition speaks of another generation than the status",
        lambda it: not all(is_of_it for *_, is_of_it in it.conditions),
    ),
    (
        "Ready with nothing in progress, and without a Secret on record",
        lambda it: it.says("Ready") and not (it.is_under_way or it.has_secret or it.is_account),
    ),
)
"""What no status of ours may look like."""

_told: dict[Standing, tuple[str, ...]] = {}


def violations(body: Body) -> Iterator[str]:
    """Yield what is wrong with the status of an object as an operator has left it."""
    standing = _standing(body)
    if standing not in _told:
        # Few standings come again and again; the judges need not be asked each time.
        _told[standing] = (
            *(words for words, is_so in VIOLATIONS if is_so(standing)),
            *_misjudged(standing, body),
        )
    yield from _told[standing]


def _misjudged(standing: Standing, body: Body) -> Iterator[str]:
    by_kstatus, (by_argo, _) = kstatus.compute(body).status, argo.health(body)
    row = next((row for row in STATUS_WATCH if row.is_so(standing)), None)
    if row is None:
        yield "it is not Ready, and neither Reconciling, Stalled nor a suspension says why"
    elif (row.kstatus, row.argo) != (by_kstatus, by_argo):
        yield f"{row.what}: kstatus says {by_kstatus} and Argo CD {by_argo}, not {row.kstatus} and {row.argo}"


def _standing(body: Body) -> Standing:
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    observed = status.get("observedGeneration")
    return Standing(
        kind=body["kind"],
        is_terminating="deletionTimestamp" in meta,
        is_observed=observed == meta["generation"],
        is_suspended=spec.get("suspend", False),
        has_secret="secretName" in status,
        conditions=tuple(
            (condition["type"], condition["status"], condition["observedGeneration"] == observed)
            for condition in status.get("conditions", ())
        ),
    )
