"""Whether the workloads that use the value have moved to it: they are restarted once for each new value.

A token that was replaced stays alive until they have, up to a hard limit. Nothing remote happens here.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from mailtrap_operator.api.names import restart_annotation
from mailtrap_operator.api.v1alpha1 import CurrentToken, PreviousToken, print_time
from mailtrap_operator.core.actions import Notice, RestartWorkloads
from mailtrap_operator.core.expiry import whole_second_after
from mailtrap_operator.core.held_back import is_held_back
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.overlap import kept_until
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import may_have_consumers
from mailtrap_operator.core.workloads import MissingTarget, Workload

ROLLOUT_CHECK = timedelta(seconds=30)
"""How soon running rollouts are looked at again; no event reports their end."""

_LAST_MOMENTS = timedelta(seconds=5)
"""What a kubelet may take beyond a pod's grace period, and give it after its preStop hook."""

_FIRST_TARGETS_CHECK, _LAST_TARGETS_CHECK = timedelta(minutes=1), timedelta(minutes=10)
_MOST_NAMED = 5
_ADVICE = "Create what is missing, or correct spec.rolloutRestartTargets"


class Progress(NamedTuple):
    """How far the restarts are, as the status records it of the present token."""

    rollout: Literal["Due", "Running"] | None
    pods_end_at: datetime | None


def moving_to(s: ObservedState) -> CurrentToken | None:
    """Return the token to whose value workloads are to move, or are moving."""
    current = s.record.current
    is_held = current is not None and s.held is not None and s.held.id == current.id
    return current if current and is_held and current.rollout else None


def restart_of(s: ObservedState, token: CurrentToken) -> RestartWorkloads | None:
    """Return the restart of the workloads that may use a former value, unless they were restarted once already."""
    present = [target for target in _targets(s) if isinstance(target, Workload)]
    behind = tuple(
        w
        for w in present
        if token.rollout == "Due" and _is_behind(s, w, token) and not _is_held_back(s, w, token)
    )
    namespace = s.api_token.metadata.namespace or ""
    return RestartWorkloads(namespace, behind, restart_annotation(s.owner), token.id) if behind else None


def progress_after(s: ObservedState, token: CurrentToken) -> Progress:
    """Return how far the restarts are once all workloads that are there were restarted."""
    if next(_unfinished(s, token), None) is None:
        ends = _last_pod_ends_at(s, token)
        return Progress("Running", ends) if ends and s.now < ends else Progress(None, None)
    # One that is missing may be back at the next look, with pods that use a former value that works.
    is_one_left = any(
        isinstance(target, MissingTarget) or _is_held_back(s, target, token) for target in _targets(s)
    )
    return Progress("Due" if token.rollout == "Due" and is_one_left else "Running", None)


def _last_pod_ends_at(s: ObservedState, token: CurrentToken) -> datetime | None:
    """Return until when pods that no count contains may use a former value, once all rollouts have finished.

    It is calculated from the first look that found them finished. What the status says of that is the namespace's own
    claim: it brings the end nearer at most, of nothing but this object's own tokens.
    """
    graces = [w.uncounted for w in _targets(s) if isinstance(w, Workload) and w.uncounted is not None]
    if not graces or not _former(s):
        return None
    latest = whole_second_after(s.now + max(graces) + _LAST_MOMENTS)
    return min(token.pods_end_at or latest, latest)


def rollout_notice(s: ObservedState, token: CurrentToken) -> Notice:
    """Return what the condition `RolloutRestart` says while workloads have not moved."""
    if isinstance(s.seen.workloads, Unknown):
        return _unread(s.seen.workloads)
    waits = _listed(list(_unfinished(s, token))) or "all have finished"
    if ends := progress_after(s, token).pods_end_at:
        waits = f"{waits}, and pods that are ending may use the old one until {print_time(ends)}"
    words = f"Workloads are restarted for the value of token {token.id}: {waits}."
    until = max((kept_until(s, previous) for previous in _former(s)), default=None)
    if until is None or not any(isinstance(target, MissingTarget) for target in _targets(s)):
        return Notice("RolloutRestart", Reason.RESTARTING, words)
    message = f"{words} {_ADVICE}; the old token is kept for it until {print_time(until)} at most."
    return Notice("RolloutRestart", Reason.TARGET_MISSING, message)


def targets_notice(s: ObservedState) -> Notice | None:
    """Return what stands in the way of the next restart, as far as the targets were looked at before it."""
    if isinstance(s.seen.workloads, Unknown):
        return _unread(s.seen.workloads)
    missing = [
        target.message.removesuffix(".") for target in _targets(s) if isinstance(target, MissingTarget)
    ]
    if not missing:
        return None
    message = f"{_listed(missing)}. {_ADVICE}: a token that is replaced is kept for it until rotation.maxOverlap ends."
    return Notice("RolloutRestart", Reason.TARGET_MISSING, message)


def targets_recheck(s: ObservedState) -> datetime | None:
    """Return when targets in trouble are looked at again: soon at first, for they may be made together with the object."""
    if targets_notice(s) is None:
        return None
    conditions = s.api_token.status.conditions
    since = next((c.last_transition_time for c in conditions if c.type == "RolloutRestart"), s.now)
    return s.now + min(max(s.now - since, _FIRST_TARGETS_CHECK), _LAST_TARGETS_CHECK)


def _unread(seen: Unknown) -> Notice:
    return Notice("RolloutRestart", seen.reason, f"The workloads to restart cannot be read: {seen.message}")


def _listed(words: list[str]) -> str:
    more = f"; {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    return f"{'; '.join(words[:_MOST_NAMED])}{more}"


def _targets(s: ObservedState) -> tuple[Workload | MissingTarget, ...]:
    return s.seen.workloads.value if isinstance(s.seen.workloads, Found) else ()


def _former(s: ObservedState) -> list[PreviousToken]:
    return [previous for previous in s.record.previous if may_have_consumers(previous)]


def _is_behind(s: ObservedState, workload: Workload, token: CurrentToken) -> bool:
    """Whether a workload's pods may have started with a former value."""
    published = [p.retired_at for p in _former(s) if p.retired_at]
    is_younger = bool(published) and workload.created_at > max(published)
    return workload.restarted_for != token.id and not is_younger


def _is_held_back(s: ObservedState, workload: Workload, token: CurrentToken) -> bool:
    """Whether a restart waits, as its mark did not last."""
    return is_held_back(s, str(workload), str(token.id))


def _unfinished(s: ObservedState, token: CurrentToken) -> Iterator[str]:
    """Yield what each workload still waits for."""
    for target in _targets(s):
        if isinstance(target, MissingTarget):
            # Once no former value works any more, one that comes back can only use the present one.
            if _former(s):
                yield target.message.removesuffix(".")
        elif _is_behind(s, target, token):
            yield f"{target} " + (
                "is to be restarted" if token.rollout == "Due" else "lacks the annotation of its restart"
            )
        elif target.rollout is not None:
            yield f"{target}: {target.rollout}"
