"""What is already in progress is finished or put on record: nothing new is begun before.

These steps handle what went wrong: a value that waits in memory, a publication that was not recorded, an answer that
was lost, a token that no one knows, a finalizer that someone removed. For a suspended object nothing else is done.
"""

from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import print_duration
from mailtrap_operator.core import desired_state
from mailtrap_operator.core.actions import (
    AddFinalizer,
    Finding,
    Plan,
    PublishToken,
    State,
)
from mailtrap_operator.core.held_back import is_held_back
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import FINALIZER_TARGET
from mailtrap_operator.core.step import (
    MOST_ON_RECORD,
    plan_of,
    step_plan,
    waiting,
)


def value_in_memory_is_published(s: ObservedState) -> Plan | None:
    """A value that this process could not publish yet is published before anything else is asked of the remote side."""
    unpublished, pending = s.seen.unpublished, s.pending
    if unpublished is None or pending is None or pending.nonce != unpublished.nonce:
        return None
    if pending.holder != s.seen.identity.holder or pending.type == "Delete":
        return None
    finding = Finding(State.PROGRESSING, Reason.PUBLISHING, "A token was issued; its value is being written.")
    action = PublishToken(unpublished, desired_state.desired_secret(s))
    return step_plan(s, finding, action=action, record=s.superseded_by(pending))


def published_token_is_recorded(s: ObservedState) -> Plan | None:
    """The Secret is the commit record: what it holds becomes current, what was current is retired."""
    held, record = s.held, s.record
    if held is None or held.id not in s.owned or held == record.current:
        return None
    operation = record.operation
    by_reset = operation is not None and operation.type == "Reset" and s.secret_shows(operation)
    current = record.current
    former = current if current and current.id != held.id and not s.is_foreign(current) else None
    previous = tuple(p for p in record.previous if p.id not in {held.id, former and former.id})
    if former is not None:
        previous += (s.retired(former, Reason.SUPERSEDED, by_reset=by_reset),)
    if current is None and operation is None:
        # The status was lost: any of the others may have been in the Secret before.
        others = s.untracked[: max(MOST_ON_RECORD - len(previous), 0)]
        previous += tuple(s.retired(token, Reason.SUPERSEDED) for token in others)
    name = record.secret_name or s.secret_name
    recorded = replace(record, operation=s.pending, current=held, previous=previous, secret_name=name)
    finding = Finding(
        State.PROGRESSING, Reason.PUBLISHING, f"The Secret holds token {held.id}; it is being recorded."
    )
    return step_plan(s, finding, record=recorded)


def lost_answer_settles(s: ObservedState) -> Plan | None:
    """A claimed operation without a published value: wait until no late answer can take effect any more."""
    pending = s.pending
    if pending is None:
        return None
    view = s.view(pending.account)
    if view is not None and isinstance(view.tokens, Unknown):
        return plan_of(s, waiting(view.tokens))
    left = s.settles_in
    own_answer_is_lost = pending.holder == s.seen.identity.holder and s.made_by(pending)
    if left <= timedelta() or own_answer_is_lost:
        return None
    message = (
        f"The answer to a {pending.type.lower()} is missing. Its effect is visible within "
        f"{print_duration(s.seen.identity.settle_time)}; then the operator continues by itself."
    )
    return step_plan(s, Finding(State.PROGRESSING, Reason.ANSWER_LOST, message), requeue_after=left)


def untracked_tokens_are_retired(s: ObservedState) -> Plan | None:
    """Tokens with our tag that no one knows are recorded, with a date.

    What an operation made without an answer was never in the Secret; any other may have been, and be in use.
    """
    tokens = s.untracked[: max(MOST_ON_RECORD - len(s.record.previous), 0)]
    if not tokens:
        return None
    lost = s.made_by(s.record.operation) if s.record.operation else ()
    previous = s.record.previous + tuple(
        s.retired(token, Reason.UNTRACKED if token in lost else Reason.SUPERSEDED) for token in tokens
    )
    ids = ", ".join(str(token.id) for token in tokens)
    what = f"The value of token {ids} is lost" if lost else f"Token {ids} was on no record"
    finding = Finding(State.PROGRESSING, Reason.UNTRACKED, f"{what}; it is retired.")
    # This step is reached with a pending operation only when its answer can no longer come; one that the Secret
    # shows still has to be recorded.
    operation = None if s.pending else s.record.operation
    return step_plan(s, finding, record=replace(s.record, operation=operation, previous=previous))


def missing_finalizer_is_put_back(s: ObservedState) -> Plan | None:
    """An object that has had tokens must not be deleted before them; a removed finalizer is added again."""
    # A Secret that was handed over has no owner yet, and need not have held a token of ours.
    is_marked = s.secret is not None and s.secret.owner is not None
    has_had_tokens = s.record.operation or s.record.current or s.record.previous or is_marked
    if (
        FINALIZER in s.api_token.metadata.finalizers
        or not has_had_tokens
        or is_held_back(s, FINALIZER_TARGET)
    ):
        return None
    finding = Finding(State.PROGRESSING, Reason.FINALIZER_MISSING, "The finalizer is added again.")
    return step_plan(s, finding, action=AddFinalizer())


def suspension_stops_the_rest(s: ObservedState) -> Plan | None:
    """A suspended object is neither rotated nor repaired."""
    if not s.api_token.spec.suspend:
        return None
    message = f"{_in_words_while_suspended(s)} Set spec.suspend to false to continue."
    return step_plan(s, Finding(State.READY, Reason.SUSPENDED, message))


def _in_words_while_suspended(s: ObservedState) -> str:
    """Return what consumers have of an object that is neither rotated nor repaired."""
    name, former = s.secret_name, s.former_secret
    if s.held:
        return "Suspended: nothing is rotated or repaired."
    if s.secret is None and former is not None and former.is_intact:
        return f"Suspended: the value stays in Secret {former.name}, and Secret {name} is not made."
    if s.secret is None and s.record.current is None:
        return f"Suspended before a token was issued: consumers have none, and Secret {name} is not made."
    if s.secret is None:
        return f"Suspended, and Secret {name} is gone: consumers have no token, and it is not created again."
    if s.held_unconfirmed:
        dead = f"the token in Secret {name} is dead: it was deleted or has expired in Mailtrap"
        return f"Suspended, and {dead}. Consumers have none that works, and no other one is issued."
    return f"Suspended, and Secret {name} does not hold the value of the token any more: it is not put back."
