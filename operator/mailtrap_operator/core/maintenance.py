"""What is done while no token is to be issued, or none can be: the Secret is repaired, workloads move, old tokens go."""

from dataclasses import replace

from mailtrap_operator.core import desired_state
from mailtrap_operator.core.actions import (
    WORKING,
    DeleteSecret,
    Finding,
    Plan,
    RevokeToken,
    RewriteSecret,
    State,
)
from mailtrap_operator.core.adoption import to_adopt, why_it_is_kept
from mailtrap_operator.core.consumers import Progress, moving_to, progress_after, restart_of
from mailtrap_operator.core.credential import is_in_use
from mailtrap_operator.core.digests import targets_digest
from mailtrap_operator.core.held_back import is_rewrite_held_back, why_nothing_is_recorded
from mailtrap_operator.core.limits import excessive_form
from mailtrap_operator.core.observation import Found, RemoteToken
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.overlap import is_over
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import adoption_requested, is_taken_back
from mailtrap_operator.core.step import (
    MOST_ON_RECORD,
    Parked,
    overdue,
    step_plan,
    time_to_next_event,
    unresolved,
    waiting,
)

_PASSING = frozenset(
    {Reason.ACCOUNT_NOT_LISTED, Reason.RATE_LIMITED, Reason.REMOTE_UNAVAILABLE, Reason.REMOTE_ANSWER_UNUSABLE}
)
"""Troubles of the account that pass by themselves; an object that needs nothing does not speak of them."""


def outdated_secret_is_rewritten(s: ObservedState) -> Plan | None:
    """The template, a label or the owner reference changed, or someone edited them: the same value, repaired."""
    secret, held = s.secret, s.held
    if secret is None or held is None or not s.is_known(held) or excessive_form(s):
        return None
    desired = desired_state.desired_secret(s, held.model_copy(update={"expires_at": s.expires_at(held)}))
    if desired_state.fulfils(secret, desired) or is_rewrite_held_back(s, secret, desired):
        return None
    finding = Finding(
        State.PROGRESSING, Reason.SECRET_OUTDATED, f"Secret {secret.name} is brought up to date."
    )
    return step_plan(s, finding, action=RewriteSecret(secret, desired))


def former_secret_is_removed(s: ObservedState) -> Plan | None:
    """The value has moved; the former Secret is deleted."""
    record = s.record
    if s.held is None or record.secret_name == s.secret_name:
        return None
    recorded = replace(record, secret_name=s.secret_name)
    if s.former_secret is None:
        finding = Finding(
            State.PROGRESSING, Reason.SECRET_OUTDATED, f"Secret {s.secret_name} holds the value."
        )
        return step_plan(s, finding, record=recorded)
    message = f"The former Secret {s.former_secret.name} is removed."
    finding = Finding(State.PROGRESSING, Reason.SECRET_OUTDATED, message)
    namespace = s.api_token.metadata.namespace or ""
    return step_plan(s, finding, action=DeleteSecret(namespace, s.former_secret), record=recorded)


def consumers_are_restarted(s: ObservedState) -> Plan | None:
    """Workloads that use the value are restarted, once; old tokens go when the last has finished."""
    token = moving_to(s)
    # Past the hard limit old tokens go first, whatever stands in the way of a restart.
    is_allowed = s.seen.identity.limits.rollout_restarts
    if (
        token is None
        or not is_allowed
        or not isinstance(s.seen.workloads, Found)
        or _is_one_past_its_limit(s)
    ):
        return None
    action, after = restart_of(s, token), progress_after(s, token)
    if action is None and after == Progress(token.rollout, token.pods_end_at):
        return None
    done = {**after._asdict(), "restarted_digest": targets_digest(s.api_token)}
    recorded = replace(s.record, current=token.model_copy(update=done))
    words = (
        f"Workloads are restarted for the value of token {token.id}."
        if action or after.rollout
        else "All workloads use the new value."
    )
    return step_plan(s, Finding(State.PROGRESSING, Reason.RESTARTING, words), action=action, record=recorded)


def confirmed_token_is_adopted(s: ObservedState) -> Plan | None:
    """Its place in the Secret is taken: the adopted token is recorded, its overlap counted from now."""
    if s.held is None or not adoption_requested(s.api_token) or len(s.record.previous) >= MOST_ON_RECORD:
        return None
    token = to_adopt(s)
    if not isinstance(token, RemoteToken):
        return None
    previous = s.record.previous
    if all(token.id != p.id for p in previous):
        # It is there where a part of the status was lost.
        previous += (s.retired(token, Reason.ADOPTED),)
    finding = Finding(State.PROGRESSING, Reason.ADOPTED, f"Token {token.id} is adopted and retired.")
    return step_plan(s, finding, record=replace(s.record, previous=previous, adopted=token.id))


def _is_one_past_its_limit(s: ObservedState) -> bool:
    return any(previous.waits_for == "Consumers" and is_over(s, previous) for previous in s.record.previous)


def ended_records_are_dropped(s: ObservedState) -> Plan | None:
    """A token that is another object's, or an operation that came to nothing, leaves the record."""
    operation = s.record.operation
    # One whose account does not answer may have been published and not be recorded yet.
    is_open = operation is not None and not s.is_listed(operation.account)
    recorded = replace(
        s.record,
        operation=operation if is_open else None,
        previous=tuple(p for p in s.record.previous if not s.is_foreign(p)),
        # It may be adopted once more.
        adopted=None if any(is_taken_back(s.api_token, p) for p in s.record.previous) else s.record.adopted,
    )
    if recorded == s.record:
        return None
    finding = Finding(State.PROGRESSING, Reason.REVOKED, "A finished operation is removed from the status.")
    return step_plan(s, finding, record=recorded)


def overdue_token_is_revoked(s: ObservedState) -> Plan | None:
    """After its overlap a retired token is deleted, unless the Secret holds it; also one that the list lacks.

    Only the answer to its DELETE proves that it is gone: a credential with fewer rights sees less.
    """
    free = (p for p in overdue(s) if not is_in_use(s, s.as_remote(p)))
    # What no list shows is gone, as far as is known: it is not asked for again and again.
    worth_it = (p for p in free if p.id in s.owned or why_nothing_is_recorded(s) is None)
    ready = [p for p in worth_it if why_it_is_kept(s, p.id, p.account) is None]
    if not ready:
        return None
    # What no list shows as ours may turn out to be refused, and holds up no other.
    previous = min(ready, key=lambda p: p.id not in s.owned)
    others = tuple(p for p in s.record.previous if p.id != previous.id)
    finding = Finding(
        State.PROGRESSING, Reason.REVOKING, f"Token {previous.id} is deleted: {previous.reason}."
    )
    action = RevokeToken(s.as_remote(previous), Priority.ROUTINE, None if previous.id in s.owned else s.seen)
    return step_plan(s, finding, action=action, record=replace(s.record, previous=others))


def nothing_is_left_to_do(s: ObservedState) -> Parked:
    """The Secret holds a living token that is what the spec asks for."""
    unknown = s.unknown
    if unknown is not None and unknown.reason not in _PASSING:
        return waiting(unknown)
    if s.resolution.trouble is not None:
        return unresolved(s.resolution.trouble)
    return Parked(Finding(State.READY, Reason.TOKEN_PUBLISHED, WORKING), time_to_next_event(s))
