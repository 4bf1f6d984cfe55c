"""The steps that finish, or put on record, what is already under way: nothing new is begun before.

Here the protocol meets its accidents: a Secret that is not ours, a value that waits in memory, a publication that was
not recorded, an answer that was lost, a token that nobody knows, a finalizer that somebody removed.
"""

from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import print_duration
from mailtrap_operator.core import wishes
from mailtrap_operator.core.actions import (
    AddFinalizer,
    DeleteSecret,
    Finding,
    Plan,
    PublishToken,
    State,
)
from mailtrap_operator.core.adoption import Hindrance, to_adopt
from mailtrap_operator.core.deletion import unreadable_message
from mailtrap_operator.core.held_back import is_held_back
from mailtrap_operator.core.installations import mismatch
from mailtrap_operator.core.observation import Found, Observation, Unknown
from mailtrap_operator.core.policy import crowding
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import FINALIZER, is_wished
from mailtrap_operator.core.reverts import FINALIZER_TARGET
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.core.step import (
    ADOPTION_RECHECK,
    MOST_ON_RECORD,
    RECHECK,
    SECRET_RECHECK,
    of_another,
    step_plan,
    waiting,
)
from mailtrap_operator.core.strangers import whose


def unreadable_spec_stalls(s: Situation) -> Plan | None:
    """What is wished is not known: nothing is issued, rotated or rewritten."""
    if not s.api_token.unreadable:
        return None
    return step_plan(s, Finding(State.STALLED, Reason.SPEC_INVALID, unreadable_message(s)))


def unreadable_secret_blocks(s: Situation) -> Plan | None:
    """Without knowing the Secret nothing can be decided."""
    for secret in (s.seen.secret, s.seen.former_secret):
        if isinstance(secret, Unknown):
            return waiting(s, secret)
    return None


def former_objects_secret_is_removed(s: Situation) -> Plan | None:
    """A Secret that a former object of this name left behind is garbage; the garbage collector may miss it."""
    if not isinstance(s.seen.secret, Found) or not s.is_former_objects(s.seen.secret.value):
        return None
    finding = Finding(
        State.PROGRESSING,
        Reason.SECRET_OUTDATED,
        f"Secret {s.secret_name} was left behind by a former ApiToken of this name; it is removed.",
    )
    return step_plan(
        s, finding, action=DeleteSecret(s.api_token.metadata.namespace or "", s.seen.secret.value)
    )


def another_installations_object_stalls(s: Situation) -> Plan | None:
    """What another installation serves, or a Secret that it made, may be in use there, or its operator lives here."""
    found = None if is_unused(s.seen) else mismatch(s.seen)
    if found is None:
        return None
    return of_another(s, step_plan(s, Finding(State.STALLED, found.reason, found.message)))


def another_installations_token_stalls(s: Situation) -> Plan | None:
    """A token on record may be in use where its tag says; no time and no event changes that, only a user does."""
    found = s.blind
    if found is None or found.reason is not Reason.INSTALLATION_MISMATCH:
        return None
    return of_another(s, step_plan(s, Finding(State.STALLED, found.reason, found.message)))


def foreign_secret_stalls(s: Situation) -> Plan | None:
    """A Secret of that name which is not this object's is never touched, and costs no remote token."""
    if not isinstance(s.seen.secret, Found) or s.secret is not None or s.free_secret is not None:
        return None
    message = (
        f"Secret {s.secret_name} exists and does not belong to this ApiToken: it is left as it is. "
        f"{whose(s, s.seen.secret.value)}"
    )
    stalled = Finding(State.STALLED, Reason.SECRET_NOT_OWNED, message)
    return step_plan(s, stalled, requeue_after=SECRET_RECHECK)


def value_in_memory_is_published(s: Situation) -> Plan | None:
    """A value that this process could not publish yet is published before anything else is asked of the remote side."""
    unpublished, pending = s.seen.unpublished, s.pending
    if unpublished is None or pending is None or pending.nonce != unpublished.nonce:
        return None
    if pending.holder != s.seen.identity.holder or pending.type == "Delete":
        return None
    finding = Finding(State.PROGRESSING, Reason.PUBLISHING, "A token was issued; its value is being written.")
    action = PublishToken(unpublished, wishes.desired_secret(s))
    return step_plan(s, finding, action=action, record=s.superseded_by(pending))


def published_token_is_recorded(s: Situation) -> Plan | None:
    """The Secret is the commit record: what it holds becomes current, what was current is retired."""
    held, record = s.held, s.record
    if held is None or held.id not in s.owned or held == record.current:
        return None
    operation = record.operation
    by_reset = operation is not None and operation.type == "Reset" and s.secret_shows(operation)
    current = record.current
    former = current if current and current.id != held.id and not s.is_anothers(current) else None
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


def first_token_waits_for_the_adoption(s: Situation) -> Plan | None:
    """An object that is to take a token over issues none before that is confirmed."""
    if not is_wished(s.api_token) or s.record.current or s.held_on_paper or crowding(s):
        return None
    match to_adopt(s):
        case Hindrance(reason, message):
            # Who may not use the account asks it for nothing, and may be allowed to at any time.
            after = RECHECK if reason is Reason.POLICY_VIOLATED else ADOPTION_RECHECK
            return step_plan(s, Finding(State.STALLED, reason, message), requeue_after=after)
        case Unknown() as unknown:
            return waiting(s, unknown)
        case _:
            return None


def lost_answer_settles(s: Situation) -> Plan | None:
    """A claimed operation without a published value: wait until no late answer can take effect any more."""
    pending = s.pending
    if pending is None:
        return None
    view = s.view(pending.account)
    if view is not None and isinstance(view.tokens, Unknown):
        return waiting(s, view.tokens)
    left = s.settles_in
    own_answer_is_lost = pending.holder == s.seen.identity.holder and s.made_by(pending)
    if left <= timedelta() or own_answer_is_lost:
        return None
    message = (
        f"The answer to a {pending.type.lower()} is missing. What it did shows within "
        f"{print_duration(s.seen.identity.settle_time)}; then the work goes on by itself."
    )
    return step_plan(s, Finding(State.PROGRESSING, Reason.ANSWER_LOST, message), requeue_after=left)


def untracked_tokens_are_retired(s: Situation) -> Plan | None:
    """Tokens with our tag that nobody knows go on record, with a date.

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


def missing_finalizer_is_put_back(s: Situation) -> Plan | None:
    """An object that has had tokens must not go before they do, whoever removed its finalizer."""
    # A Secret that was handed over has no owner yet, and need not have held a token of ours.
    is_marked = s.secret is not None and s.secret.owner is not None
    has_had_tokens = s.record.operation or s.record.current or s.record.previous or is_marked
    if (
        FINALIZER in s.api_token.metadata.finalizers
        or not has_had_tokens
        or is_held_back(s, FINALIZER_TARGET)
    ):
        return None
    finding = Finding(State.PROGRESSING, Reason.FINALIZER_MISSING, "The finalizer is put back.")
    return step_plan(s, finding, action=AddFinalizer())


def is_unused(seen: Observation) -> bool:
    """Whether no token can exist with this object's tag."""
    api_token = seen.api_token
    status = api_token.status
    on_record = status.operation or status.current or status.previous
    is_ours = FINALIZER in api_token.metadata.finalizers
    return not (is_ours or on_record or isinstance(seen.secret, Found))
