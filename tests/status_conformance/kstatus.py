"""What kstatus says of a custom resource: the judge behind `helm --wait`, Flux's `wait` and `kubectl`-like tools.

A port of `Compute` in sigs.k8s.io/cli-utils/pkg/kstatus/status v0.37.2, in the same order: deletion, generation,
Reconciling and Stalled as they come in the list, Ready. It must stay as blunt as the original: nothing here knows this API.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Body = dict[str, Any]


class Status(StrEnum):
    """What an object can be."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


@dataclass(frozen=True, slots=True)
class Result:
    """A status, with the message that tools show beside it."""

    status: Status
    message: str


def compute(body: Body) -> Result:
    """Judge an object as it stands in the API server, status included."""
    return _generic(body) or _ready(body) or Result(Status.CURRENT, "Resource is current")


def _generic(body: Body) -> Result | None:
    meta, status = body["metadata"], body.get("status", {})
    if meta.get("deletionTimestamp"):
        return Result(Status.TERMINATING, "Resource scheduled for deletion")
    generation, observed = meta.get("generation"), status.get("observedGeneration")
    if generation is not None and observed is not None and generation != observed:
        words = f"{body['kind']} generation is {generation}, but latest observed generation is {observed}"
        return Result(Status.IN_PROGRESS, words)
    for condition in status.get("conditions", ()):
        match condition["type"], condition["status"]:
            case "Reconciling", "True":
                return Result(Status.IN_PROGRESS, condition.get("message", ""))
            case "Stalled", "True":
                return Result(Status.FAILED, condition.get("message", ""))
    return None


def _ready(body: Body) -> Result | None:
    for condition in body.get("status", {}).get("conditions", ()):
        match condition["type"], condition["status"]:
            case "Ready", "True":
                return Result(Status.CURRENT, "Resource is Ready")
            case "Ready", "False" | "Unknown":
                return Result(Status.IN_PROGRESS, condition.get("message", ""))
    return None
