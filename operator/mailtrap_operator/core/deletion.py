"""The decision for an object that is being deleted: no token of ours may outlive its finalizer.

The claim `Delete` comes first; no create can succeed after it. Then every token is deleted that has our tag or is on
record: the answer to its DELETE proves it gone, not a LIST. When none is left, and no lost create can still take
effect, the finalizer is removed.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.api.names import ABANDON_ANNOTATION, FINALIZER
from mailtrap_operator.api.v1alpha1 import (
    AccountRef,
    CurrentToken,
    OperationStatus,
    PreviousToken,
    print_duration,
)
from mailtrap_operator.core.actions import (
    Finding,
    Plan,
    Record,
    RemoveFinalizer,
    Retention,
    RevokeToken,
    State,
)
from mailtrap_operator.core.adoption import why_it_is_kept
from mailtrap_operator.core.credential import is_in_use, why_it_stays
from mailtrap_operator.core.held_back import why_nothing_is_recorded
from mailtrap_operator.core.installations import (
    ANSWERED_WITHIN,
    is_left_alone,
    is_this_objects_elsewhere,
    mismatch,
    mismatch_of_status,
)
from mailtrap_operator.core.observation import RemoteToken, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.policy import violation
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_adopted
from mailtrap_operator.core.reverts import or_next_retry, reason_and_message
from mailtrap_operator.core.step import of_another

_DECISIVE = frozenset({"deletionPolicy", "accountRef"})
"""Fields of the spec that say what is to become of the tokens, and where they are."""


def plan(s: ObservedState) -> Plan:
    """Decide one reconcile of an object that is being deleted."""
    meta, spec = s.api_token.metadata, s.api_token.spec
    if FINALIZER not in meta.finalizers:
        # Anyone who served it may say the same.
        return replace(
            _plan(s, State.READY, Reason.DELETING, "No token of this operator is left."), installation=None
        )
    is_retained = spec.deletion_policy == "Retain"
    is_abandoned = meta.annotations.get(ABANDON_ANNOTATION) == "true"
    strict, found = _demands_deletion(s), _mismatch(s)
    may_be_released = (is_retained or is_abandoned) and strict is None and is_left_alone(s)
    if found is not None and not may_be_released:
        waits = of_another(s, _blocked(s, found))
        return replace(waits, requeue_after=ANSWERED_WITHIN) if is_retained or is_abandoned else waits
    if strict is not None and (is_retained or is_abandoned):
        decided, asked = (
            _delete(s),
            "deletionPolicy Retain" if is_retained else f"annotation {ABANDON_ANNOTATION}",
        )
        message = (
            f"{decided.finding.message} The {asked} does not count: deletionPolicies of {strict.kind} {strict.name} is "
            "Delete alone."
        )
        return replace(decided, finding=replace(decided.finding, message=message))
    if is_retained:
        return _release(s, Reason.RETAINED, "deletionPolicy is Retain", _retention(s))
    if is_abandoned:
        return _release(s, Reason.ABANDONED, f"the annotation {ABANDON_ANNOTATION} asks for it")
    return _delete(s)


def _demands_deletion(s: ObservedState) -> AccountRef | None:
    """Return an account whose policy lets no token be left behind: the desired one, or one that has tokens on record."""
    refs = (view.ref for view in s.seen.accounts)
    return next((ref for ref in refs if {*s.policy_of(ref).deletion_policies} == {"Delete"}), None)


def _retention(s: ObservedState) -> Retention | None:
    """Return where tokens stay on purpose; an account that does not answer may have some, unless it refuses the object."""
    record = s.record
    places = {token.account for token in (*record.previous, record.current, s.held_unconfirmed) if token}
    places |= {token.account for token in s.owned.values()}
    places |= {record.operation.account} if record.operation else set()
    if not violation(s):
        places |= {view.ref for view in s.seen.accounts if isinstance(view.tokens, Unknown)}
    refs = tuple(view.ref for view in s.seen.accounts if view.ref in places and not view.is_closed)
    return Retention(s.owner, refs) if refs else None


def _delete(s: ObservedState) -> Plan:
    if _DECISIVE & set(s.api_token.unreadable):
        return _blocked(s, Unknown(Reason.SPEC_INVALID, unreadable_message(s)))
    operation = s.record.operation
    if operation is None or operation.type != "Delete":
        return _claim(s, operation)
    return _revoke(s, operation)


def _mismatch(s: ObservedState) -> Unknown | None:
    """Return what to say of an object whose tokens are another installation's, if they are.

    That operator may be about to delete them: the object is released only once no one has answered that for a while.
    """
    if s.secret is not None:
        return None
    return mismatch(s.seen) if is_this_objects_elsewhere(s.seen) else mismatch_of_status(s.seen)


def _release(s: ObservedState, reason: Reason, why: str, retention: Retention | None = None) -> Plan:
    names = ", ".join(map(str, sorted(_on_record(s)))) or "none known"
    message = f"Tokens left in Mailtrap ({names}), because {why}."
    return _plan(s, State.PROGRESSING, reason, message, action=RemoveFinalizer(reason, retention))


def _on_record(s: ObservedState) -> set[int]:
    ids = {previous.id for previous in s.record.previous} | set(s.owned)
    if s.record.current:
        ids.add(s.record.current.id)
    return ids


def _claim(s: ObservedState, pending: OperationStatus | None) -> Plan:
    # An empty nonce says that no create was in progress: nothing has to settle. A status that was never written, beside
    # our finalizer, was lost: then no one can say.
    is_lost = s.api_token.status.observed_generation == -1
    unsettled = s.pending is not None or is_lost
    claim = OperationStatus(
        type="Delete",
        nonce=(pending.nonce if pending else s.seen.fresh_nonce) if unsettled else "",
        started_at=s.now,
        holder=s.seen.identity.holder,
        account=pending.account if pending else s.seen.account.ref,
    )
    record = replace(s.record, operation=claim)
    return _plan(s, State.PROGRESSING, Reason.DELETING, "The tokens are about to be deleted.", record=record)


def _revoke(s: ObservedState, operation: OperationStatus) -> Plan:
    if (unknown := unseen(s)) is not None:
        return _blocked(s, unknown)
    tokens = tuple(left_to_revoke(s, operation))
    reasons = [why for token in tokens if (why := why_left(s, token))]
    if tokens and len(reasons) == len(tokens):
        return _blocked(s, reasons[0])
    token = next((token for token in tokens if not why_left(s, token)), None)
    if token is not None and token.id not in s.owned and (reverted := why_nothing_is_recorded(s)):
        return _blocked(s, Unknown(*reason_and_message([reverted])))
    if token is not None:
        current, held = s.record.current, s.secret and s.secret.token_id
        record = replace(
            s.record,
            # The Secret still names its token: the claim keeps in mind that this one is gone.
            operation=operation.model_copy(update={"base": token.id}) if token.id == held else operation,
            current=None if current and current.id == token.id else current,
            previous=tuple(p for p in s.record.previous if p.id != token.id),
        )
        message = f"Token {token.id} is deleted."
        seen = None if token.id in s.owned else s.seen
        action = RevokeToken(token, Priority.URGENT, seen, may_be_left=_demands_deletion(s) is None)
        return _plan(s, State.PROGRESSING, Reason.DELETING, message, action=action, record=record)
    left = s.settles_in if operation.nonce else timedelta()
    if left > timedelta():
        message = f"A create was in progress; its effect is visible within {print_duration(s.seen.identity.settle_time)}."
        return _plan(s, State.PROGRESSING, Reason.ANSWER_LOST, message, requeue_after=left)
    return _plan(
        s, State.PROGRESSING, Reason.REVOKED, "No token is left.", action=RemoveFinalizer(Reason.REVOKED)
    )


def unseen(s: ObservedState) -> Unknown | None:
    """Return why it is not known what one of the accounts holds, if so.

    One that must not be asked on behalf of this object holds what its last LIST shows: whatever else the object says of it
    is a claim.
    """
    views = (view for view in s.seen.accounts if not view.shows_none)
    return next((view.tokens for view in views if isinstance(view.tokens, Unknown)), None)


def left_to_revoke(s: ObservedState, operation: OperationStatus) -> Iterator[RemoteToken]:
    """Yield the tokens that are listed, or on record without being listed: a credential with fewer rights sees less.

    Only an answer to its DELETE proves that a token is gone. Those on record come last: an account is looked at as
    long as the record names it.
    """
    yield from s.untracked
    for _, token in sorted(s.owned.items()):
        yield token
    tokens = (*s.record.previous, s.record.current, s.held_unconfirmed)
    recorded_here = (t for t in tokens if t and not _is_in_a_closed_account(s, t))
    unconfirmed = {t.id: t for t in recorded_here if t.id != operation.base and not s.is_foreign(t)}
    # What is adopted may turn out to be refused, and holds up no other.
    for _, recorded in sorted(
        unconfirmed.items(), key=lambda each: (is_adopted(s.api_token, each[0]), each[0])
    ):
        yield s.as_remote(recorded)


def _is_in_a_closed_account(s: ObservedState, token: CurrentToken | PreviousToken) -> bool:
    view = s.view(token.account)
    return view is not None and view.is_closed


def why_left(s: ObservedState, token: RemoteToken) -> Unknown | None:
    """Return why a token is left where it is, and its object waits, if so."""
    if is_in_use(s, token):
        return Unknown(Reason.CREDENTIAL_IN_USE, why_it_stays(s, token))
    kept = why_it_is_kept(s, token.id, token.account)
    return Unknown(kept.reason, kept.message) if kept else None


def unreadable_message(s: ObservedState) -> str:
    """Return what is wrong with a spec that cannot be read, and the way out."""
    wrong = "; ".join(s.api_token.unreadable.values())
    return f"The spec is invalid: {wrong}. Correct it; `kubectl explain apitoken.spec` describes each field."


def held_up(cause: Unknown, *, may_be_left: bool) -> Unknown:
    """Return why a deletion waits, with the way out for who cannot wait, where there is one."""
    way_out = f' To give them up, set the annotation {ABANDON_ANNOTATION}: "true".' if may_be_left else ""
    message = f"Deletion waits, tokens may be left in Mailtrap: {cause.message}{way_out}"
    return replace(cause, message=message)


def _blocked(s: ObservedState, unknown: Unknown) -> Plan:
    cause = held_up(unknown, may_be_left=_demands_deletion(s) is None)
    return _plan(s, State.BLOCKED, cause.reason, cause.message, requeue_after=cause.retry_after)


def _plan(
    s: ObservedState,
    state: State,
    reason: Reason,
    message: str,
    *,
    action: RevokeToken | RemoveFinalizer | None = None,
    record: Record | None = None,
    requeue_after: timedelta | None = None,
) -> Plan:
    # A token of an object retired is not promised to anyone any more.
    return Plan(
        s.now,
        action,
        record or s.record,
        Finding(state, reason, message),
        works=False,
        requeue_after=or_next_retry(s.seen.reverted, s.now, requeue_after),
        installation=s.seen.identity.installation,
    )
