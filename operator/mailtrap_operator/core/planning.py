"""The decision: from one Observation and the time to one Plan.

A ladder of steps, each a sentence; the first that has something to say is the Plan. The order is the protocol:
first what is already under way is finished or put on record, then a token is issued if one is needed, then the
Secret's form is mended, then old tokens go.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import OperationStatus, print_time
from mailtrap_operator.core import checks, deletion, wishes
from mailtrap_operator.core.actions import (
    WORKING,
    Action,
    AddFinalizer,
    DeleteSecret,
    Finding,
    Plan,
    PublishToken,
    Record,
    RevokeToken,
    RewriteSecret,
    State,
)
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import Found, Observation, Unknown
from mailtrap_operator.core.reasons import WHY, Reason
from mailtrap_operator.core.situation import Situation

REDATED = "A claim bore a date in the future; its time is counted from now."

MOST_ON_RECORD = 250
"""How many tokens may be on their way out at once; the status holds a few more."""

RECHECK = timedelta(minutes=1)
"""How soon a state is looked at again whose end no event announces."""

_PASSING = frozenset(
    {Reason.ACCOUNT_NOT_LISTED, Reason.RATE_LIMITED, Reason.REMOTE_UNAVAILABLE, Reason.REMOTE_ANSWER_UNUSABLE}
)
"""Troubles of the account that pass by themselves; an object that needs nothing does not speak of them."""


def plan(observation: Observation, now: datetime) -> Plan:
    """Decide what one pass does. Never raises for anything that an observation may hold."""
    situation = Situation(observation, now)
    if observation.api_token.metadata.deletion_timestamp is not None:
        return deletion.plan(situation)
    return next(plan for step in LADDER if (plan := step(situation)) is not None)


def unreadable_secret_blocks(s: Situation) -> Plan | None:
    """Without knowing the Secret nothing can be decided."""
    for secret in (s.seen.secret, s.seen.former_secret):
        if isinstance(secret, Unknown):
            return _waiting(s, secret)
    return None


def foreign_secret_stalls(s: Situation) -> Plan | None:
    """A Secret of that name which is not this object's is never touched, and costs no remote token."""
    if not isinstance(s.seen.secret, Found) or s.secret is not None:
        return None
    message = (
        f"Secret {s.secret_name} exists and does not belong to this ApiToken: it is left as it is. "
        "Choose another spec.secretName, or delete that Secret."
    )
    return _plan(s, Finding(State.STALLED, Reason.SECRET_NOT_OWNED, message), requeue_after=RECHECK)


def value_in_memory_is_published(s: Situation) -> Plan | None:
    """A value that this process could not publish yet is published before anything else is asked of the remote side."""
    unpublished, pending = s.seen.unpublished, s.pending
    if unpublished is None or pending is None or pending.nonce != unpublished.nonce:
        return None
    if pending.holder != s.seen.identity.holder or pending.type == "Delete":
        return None
    finding = Finding(State.PROGRESSING, Reason.PUBLISHING, "A token was issued; its value is being written.")
    action = PublishToken(unpublished, wishes.desired_secret(s))
    return _plan(s, finding, action=action, record=_superseded(s, pending))


def published_token_is_recorded(s: Situation) -> Plan | None:
    """The Secret is the commit record: what it holds becomes current, what was current is retired."""
    held, record = s.held, s.record
    if held is None or held.id not in s.owned or held == record.current:
        return None
    operation = record.operation
    by_reset = operation is not None and operation.type == "Reset" and s.secret_shows(operation)
    former = record.current if record.current and not s.is_gone(record.current) else None
    previous = tuple(p for p in record.previous if p.id not in {held.id, former and former.id})
    if former is not None:
        previous += (s.retired(former, Reason.SUPERSEDED, by_reset=by_reset),)
    recorded = Record(s.pending, held, previous, record.secret_name or s.secret_name)
    finding = Finding(
        State.PROGRESSING, Reason.PUBLISHING, f"The Secret holds token {held.id}; it is being recorded."
    )
    return _plan(s, finding, record=recorded)


def unused_object_gets_its_first_token(s: Situation) -> Plan | None:
    """An object that never had a finalizer has an owner tag that was never used: no LIST is needed."""
    if not is_unused(s.seen) or _hindrance(s.seen) or s.api_token.spec.suspend:
        return None
    return _issue(s, Reason.FIRST_TOKEN)


def is_unused(seen: Observation) -> bool:
    """Whether no token can exist with this object's tag."""
    api_token = seen.api_token
    status = api_token.status
    on_record = status.operation or status.current or status.previous
    return not (api_token.metadata.finalizers or on_record or isinstance(seen.secret, Found))


def _hindrance(seen: Observation) -> Unknown | None:
    """Return why the account cannot be asked for a first token, if so."""
    tokens = seen.account.tokens
    if isinstance(tokens, Found) or tokens.reason is Reason.ACCOUNT_NOT_LISTED:
        return None
    return tokens


def lost_answer_settles(s: Situation) -> Plan | None:
    """A claimed operation without a published value: wait until no late answer can take effect any more."""
    pending = s.pending
    if pending is None:
        return None
    view = s.view(pending.account)
    if view is not None and isinstance(view.tokens, Unknown):
        return _waiting(s, view.tokens)
    if s.is_from_the_future(pending):
        return _plan(s, Finding(State.PROGRESSING, Reason.ANSWER_LOST, REDATED), record=s.redated(pending))
    left = s.settles_in(pending)
    own_answer_is_lost = pending.holder == s.seen.identity.holder and s.answers(pending)
    if left <= timedelta() or own_answer_is_lost:
        return None
    message = (
        f"The answer to a {pending.type.lower()} is missing. What it did shows by {print_time(s.now + left)}; "
        "then the work goes on by itself."
    )
    return _plan(s, Finding(State.PROGRESSING, Reason.ANSWER_LOST, message), requeue_after=left)


def untracked_tokens_are_retired(s: Situation) -> Plan | None:
    """Tokens with our tag that nobody knows go on record, with a date; their value is lost."""
    tokens = s.untracked[: max(MOST_ON_RECORD - len(s.record.previous), 0)]
    if not tokens:
        return None
    previous = s.record.previous + tuple(s.retired(token, Reason.UNTRACKED) for token in tokens)
    ids = ", ".join(str(token.id) for token in tokens)
    finding = Finding(
        State.PROGRESSING, Reason.UNTRACKED, f"The value of token {ids} is lost; it is retired."
    )
    # This step is reached with a pending operation only when its answer can no longer come; one that the Secret
    # shows still has to be recorded.
    operation = None if s.pending else s.record.operation
    return _plan(s, finding, record=replace(s.record, operation=operation, previous=previous))


def missing_finalizer_is_put_back(s: Situation) -> Plan | None:
    """An object that has had tokens must not go before they do, whoever removed its finalizer."""
    if deletion.FINALIZER in s.api_token.metadata.finalizers or is_unused(s.seen):
        return None
    finding = Finding(State.PROGRESSING, Reason.FINALIZER_MISSING, "The finalizer is put back.")
    return _plan(s, finding, action=AddFinalizer())


def suspension_stops_the_rest(s: Situation) -> Plan | None:
    """A suspended object is neither rotated nor repaired."""
    if not s.api_token.spec.suspend:
        return None
    message = "Suspended: nothing is rotated or repaired. Set spec.suspend to false to go on."
    return _plan(s, Finding(State.READY, Reason.SUSPENDED, message))


def value_moves_to_the_renamed_secret(s: Situation) -> Plan | None:
    """A changed `secretName` takes the same value along."""
    former = s.former_secret
    if s.secret is not None or former is None or not former.is_intact:
        return None
    message = f"The value moves from Secret {former.name} to {s.secret_name}."
    finding = Finding(State.PROGRESSING, Reason.SECRET_OUTDATED, message)
    return _plan(s, finding, action=RewriteSecret(former, wishes.desired_secret(s)))


def needed_token_is_issued(s: Situation) -> Plan | None:
    """The checks found a reason for another token."""
    reason = checks.why_a_token_is_needed(s)
    if reason is None:
        return None
    if s.unknown is not None:
        return _waiting(s, s.unknown)
    if len(s.record.previous) >= MOST_ON_RECORD:
        message = f"{MOST_ON_RECORD} tokens wait for the end of their overlap; another one follows when some are deleted."
        storm = _plan(s, Finding(State.STALLED, Reason.ROTATION_STORM, message), requeue_after=RECHECK)
        return ended_records_are_dropped(s) or overdue_token_is_revoked(s) or storm
    return _issue(s, reason)


def _issue(s: Situation, reason: Reason) -> Plan:
    action = wishes.issue(s, reason)
    finding = Finding(State.PROGRESSING, reason, f"A token is being issued: {WHY[reason]}.")
    return _plan(s, finding, action=action, record=_superseded(s, action.operation))


def _superseded(s: Situation, operation: OperationStatus) -> Record:
    """Return the record in which every token that lived so far is on its way out, its overlap counted from now."""
    living = {token.id: token for token in (s.record.current, s.held) if token and not s.is_gone(token)}
    retired = tuple(
        s.retired(token, Reason.SUPERSEDED, by_reset=operation.type == "Reset" and token.id == operation.base)
        for token in living.values()
    )
    others = tuple(previous for previous in s.record.previous if previous.id not in living)
    return Record(None, None, others + retired, s.record.secret_name or s.secret_name)


def outdated_secret_is_rewritten(s: Situation) -> Plan | None:
    """The template, a label or the owner reference changed, or somebody edited them: the same value, mended."""
    secret = s.secret
    if secret is None or not secret.is_intact:
        return None
    desired = wishes.desired_secret(s)
    if wishes.fulfils(secret, desired):
        return None
    finding = Finding(
        State.PROGRESSING, Reason.SECRET_OUTDATED, f"Secret {secret.name} is brought up to date."
    )
    return _plan(s, finding, action=RewriteSecret(secret, desired))


def former_secret_is_removed(s: Situation) -> Plan | None:
    """The value has moved; its former place goes."""
    record = s.record
    if record.secret_name == s.secret_name:
        return None
    recorded = replace(record, secret_name=s.secret_name)
    if s.former_secret is None:
        finding = Finding(
            State.PROGRESSING, Reason.SECRET_OUTDATED, f"Secret {s.secret_name} holds the value."
        )
        return _plan(s, finding, record=recorded)
    message = f"The former Secret {s.former_secret.name} is removed."
    finding = Finding(State.PROGRESSING, Reason.SECRET_OUTDATED, message)
    namespace = s.api_token.metadata.namespace or ""
    return _plan(s, finding, action=DeleteSecret(namespace, s.former_secret), record=recorded)


def ended_records_are_dropped(s: Situation) -> Plan | None:
    """A retired token that is gone, or an operation that came to nothing, leaves the record."""
    operation = s.record.operation
    # One whose account does not answer may have been published and not be recorded yet.
    is_open = operation is not None and not s.is_listed(operation.account)
    recorded = replace(
        s.record,
        operation=operation if is_open else None,
        previous=tuple(p for p in s.record.previous if not s.is_gone(p)),
    )
    if recorded == s.record:
        return None
    finding = Finding(State.PROGRESSING, Reason.REVOKED, "Tokens that are gone leave the record.")
    return _plan(s, finding, record=recorded)


def overdue_token_is_revoked(s: Situation) -> Plan | None:
    """After its overlap a retired token is deleted, unless the Secret holds it."""
    for previous in s.record.previous:
        is_held = s.held is not None and s.held.id == previous.id
        if s.now < previous.delete_after or previous.id not in s.owned or is_held:
            continue
        others = tuple(p for p in s.record.previous if p.id != previous.id)
        finding = Finding(
            State.PROGRESSING, Reason.REVOKING, f"Token {previous.id} is deleted: {previous.reason}."
        )
        action = RevokeToken(s.owned[previous.id], Lane.ROUTINE)
        return _plan(s, finding, action=action, record=replace(s.record, previous=others))
    return None


def nothing_is_left_to_do(s: Situation) -> Plan | None:
    """The Secret holds a living token that is what the spec asks for."""
    unknown = s.unknown
    if unknown is not None and unknown.reason not in _PASSING:
        return _waiting(s, unknown)
    finding = Finding(State.READY, Reason.TOKEN_PUBLISHED, WORKING)
    return _plan(s, finding, requeue_after=_time_to_next_event(s))


def _time_to_next_event(s: Situation) -> timedelta | None:
    """Return how long until time alone changes the decision."""
    dates = [previous.delete_after for previous in s.record.previous]
    if s.held is not None:
        dates += [date for date in (checks.renewal_of(s, s.held), s.expires_at(s.held)) if date is not None]
    ahead = [date for date in dates if s.now < date]
    return min(ahead) - s.now if ahead else None


LADDER: tuple[Callable[[Situation], Plan | None], ...] = (
    unreadable_secret_blocks,
    foreign_secret_stalls,
    value_in_memory_is_published,
    published_token_is_recorded,
    unused_object_gets_its_first_token,
    lost_answer_settles,
    untracked_tokens_are_retired,
    missing_finalizer_is_put_back,
    suspension_stops_the_rest,
    value_moves_to_the_renamed_secret,
    needed_token_is_issued,
    outdated_secret_is_rewritten,
    former_secret_is_removed,
    ended_records_are_dropped,
    overdue_token_is_revoked,
    nothing_is_left_to_do,
)


def _waiting(s: Situation, unknown: Unknown) -> Plan:
    """From Unknown nothing is issued or revoked."""
    return _plan(
        s, Finding(State.BLOCKED, unknown.reason, unknown.message), requeue_after=unknown.retry_after
    )


def _plan(
    s: Situation,
    finding: Finding,
    *,
    action: Action | None = None,
    record: Record | None = None,
    requeue_after: timedelta | None = None,
) -> Plan:
    works = s.held is not None
    return Plan(
        s.now, action, record or s.record, finding, works, requeue_after, checks.renewal_of(s, s.held)
    )
