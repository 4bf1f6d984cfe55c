"""What must be so before anything is done for an object: what it asks for and whose it is must be known.

A step that finds it otherwise ends the reconcile: nothing is written, issued or revoked before that is put right.
"""

from mailtrap_operator.core.actions import DeleteSecret, Finding, Plan, State
from mailtrap_operator.core.deletion import unreadable_message
from mailtrap_operator.core.installations import mismatch
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_unused
from mailtrap_operator.core.secret_owner import describe_owner
from mailtrap_operator.core.step import SECRET_RECHECK, of_another, plan_of, stalled, step_plan, waiting


def another_installations_object_stalls(s: ObservedState) -> Plan | None:
    """What another installation serves, or a Secret that it made, may be in use there, or its operator lives here."""
    found = None if is_unused(s.seen) else mismatch(s.seen)
    if found is None:
        return None
    return of_another(s, plan_of(s, stalled(found.reason, found.message)))


def unreadable_spec_stalls(s: ObservedState) -> Plan | None:
    """The desired state is not known: nothing is issued, rotated or rewritten."""
    if not s.api_token.unreadable:
        return None
    return plan_of(s, stalled(Reason.SPEC_INVALID, unreadable_message(s)))


def unreadable_secret_blocks(s: ObservedState) -> Plan | None:
    """Without knowing the Secret nothing can be decided."""
    for secret in (s.seen.secret, s.seen.former_secret):
        if isinstance(secret, Unknown):
            return plan_of(s, waiting(secret))
    return None


def former_objects_secret_is_removed(s: ObservedState) -> Plan | None:
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


def another_installations_token_stalls(s: ObservedState) -> Plan | None:
    """A token on record may be in use where its tag says; no time and no event changes that, only a user does."""
    found = s.blind
    if found is None or found.reason is not Reason.INSTALLATION_MISMATCH:
        return None
    return of_another(s, plan_of(s, stalled(found.reason, found.message)))


def foreign_secret_stalls(s: ObservedState) -> Plan | None:
    """A Secret of that name which is not this object's is never touched, and costs no remote token."""
    if not isinstance(s.seen.secret, Found) or s.secret is not None or s.overwritable_secret is not None:
        return None
    message = (
        f"Secret {s.secret_name} exists and does not belong to this ApiToken: it is left as it is. "
        f"{describe_owner(s, s.seen.secret.value)}"
    )
    return plan_of(s, stalled(Reason.SECRET_NOT_OWNED, message, SECRET_RECHECK))
