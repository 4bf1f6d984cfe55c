"""What the simulation, the end-to-end tests and chaos all judge of one object, from plain values: what is on record, and rest.

`held` is the id of the token whose value the object's Secret holds, None where it holds none.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from mailtrap_operator.api.names import ROTATE_ANNOTATION

Body = dict[str, Any]


def unaccounted(body: Body, held: int | None, ids: Iterable[int]) -> list[int]:
    """I1: return those of the object's tokens that are outside {Secret, current, previous}: one at most may be."""
    current = body.get("status", {}).get("current", {}).get("id")
    return [id_ for id_ in left_over(body, held, ids) if id_ != current]


def left_over(body: Body, held: int | None, ids: Iterable[int]) -> list[int]:
    """I1 at rest: return those of the object's tokens that are neither in the Secret nor retired: none may be."""
    retired = {previous["id"] for previous in body.get("status", {}).get("previous", ())}
    return [id_ for id_ in ids if id_ not in retired | {held}]


def unrest(
    body: Body, held: int | None, tokens: Mapping[int, bool], due: datetime | None = None
) -> Iterator[str]:
    """ESR: yield what keeps an object from being served to the end; `tokens` says of each of its tokens whether it lives.

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
        "the Secret holds no living token": held is None or not tokens.get(held),
        "the status names another token": status.get("current", {}).get("id") != held,
        f"tokens {left} are left over": left,
        f"tokens {overdue} are still to be deleted": overdue,
    }
    yield from (wrong for wrong, is_so in violations.items() if is_so)
