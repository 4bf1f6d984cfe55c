"""The decision: from one Observation and the time to one Plan.

It is a chain of steps, each a sentence, in four parts. Read them from top to bottom, they are the protocol:

    PRECONDITIONS   What the object asks for and whose it is must be known; else nothing is touched.
    BOOKKEEPING     What is already in progress is finished or put on record, and nothing new begins before.
    ISSUING         If there is a cause for another token, it is issued; `causes` has them all.
    MAINTENANCE     The Secret is repaired, workloads move to the value, and old tokens go.

A step answers in one of three ways. A `Plan` ends the reconcile: it is carried out or, where it does nothing, told. None
passes on to the next step. `Parked` says that no token is issued now, and why: the rest of ISSUING is left out, and
MAINTENANCE follows all the same. If that has nothing to do, what was parked is told. So an object that is blocked still
has its Secret repaired and its old tokens deleted, and no step has to see to that.

The order is the protocol. What is in progress comes before what is new: an answer that was lost may have made a token that
is on no record yet. A token is issued before old ones go, for these may be all that works. Of several obstacles the one
that is told is the first, and a user removes it first.

Rules for who changes it: no step calls another one, and no part imports another; what two of them need stands below them.
A step goes below everything that must be done before it, and no further.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import ApiToken, Condition
from mailtrap_operator.core import deletion
from mailtrap_operator.core.actions import Plan
from mailtrap_operator.core.bookkeeping import (
    lost_answer_settles,
    missing_finalizer_is_put_back,
    published_token_is_recorded,
    suspension_stops_the_rest,
    untracked_tokens_are_retired,
    value_in_memory_is_published,
)
from mailtrap_operator.core.installations import is_foreign_by_status
from mailtrap_operator.core.issuing import (
    excessive_form_stalls,
    first_token_waits_for_the_adoption,
    needed_token_is_issued,
    value_moves_to_the_renamed_secret,
    violated_policy_stops_issuing,
)
from mailtrap_operator.core.maintenance import (
    confirmed_token_is_adopted,
    consumers_are_restarted,
    ended_records_are_dropped,
    former_secret_is_removed,
    nothing_is_left_to_do,
    outdated_secret_is_rewritten,
    overdue_token_is_revoked,
)
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.preconditions import (
    another_installations_object_stalls,
    another_installations_token_stalls,
    foreign_secret_stalls,
    former_objects_secret_is_removed,
    unreadable_secret_blocks,
    unreadable_spec_stalls,
)
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_unused
from mailtrap_operator.core.step import Parked, Step, plan_of

PRECONDITIONS: tuple[Step, ...] = (
    another_installations_object_stalls,
    unreadable_spec_stalls,
    unreadable_secret_blocks,
    former_objects_secret_is_removed,
    another_installations_token_stalls,
    foreign_secret_stalls,
)
BOOKKEEPING: tuple[Step, ...] = (
    value_in_memory_is_published,
    published_token_is_recorded,
    lost_answer_settles,
    untracked_tokens_are_retired,
    missing_finalizer_is_put_back,
    suspension_stops_the_rest,
)
ISSUING: tuple[Step, ...] = (
    excessive_form_stalls,
    first_token_waits_for_the_adoption,
    value_moves_to_the_renamed_secret,
    violated_policy_stops_issuing,
    needed_token_is_issued,
)
MAINTENANCE: tuple[Step, ...] = (
    outdated_secret_is_rewritten,
    former_secret_is_removed,
    confirmed_token_is_adopted,
    consumers_are_restarted,
    ended_records_are_dropped,
    overdue_token_is_revoked,
)

REFUSALS_OF_DELETION = frozenset({Reason.DELETION_REFUSED, Reason.ADOPTION_REFUSED})
"""What a retired token is refused to be deleted for."""


def plan(observation: Observation, now: datetime) -> Plan:
    """Decide what one reconcile does. Never raises for anything that an observation may hold."""
    observed = ObservedState(observation, now)
    if observation.api_token.metadata.deletion_timestamp is not None:
        return deletion.plan(observed)
    decided = _decided(observed)
    return replace(decided, is_silent=True) if _is_told_by_another(observed, decided) else decided


def _decided(s: ObservedState) -> Plan:
    begun = _first_answer(s, (*PRECONDITIONS, *BOOKKEEPING, *_turn(s), *ISSUING))
    if isinstance(begun, Plan):
        return begun
    kept = _first_answer(s, MAINTENANCE)
    return kept if isinstance(kept, Plan) else plan_of(s, begun or nothing_is_left_to_do(s))


def _first_answer(s: ObservedState, steps: Iterable[Step]) -> Plan | Parked | None:
    return next((answer for step in steps if (answer := step(s)) is not None), None)


def _turn(s: ObservedState) -> tuple[Step, ...]:
    """Return the step that takes turns with an action that was refused for good, if one was.

    Such an action is tried again in each reconcile, is refused again, and would keep overdue tokens for ever.
    """
    refusal = refused_for_good(s.api_token)
    # Where it was the deletion itself that was refused, everything else comes first.
    is_due = refusal is not None and refusal.reason not in REFUSALS_OF_DELETION
    return (overdue_token_is_revoked,) if is_due else ()


def refused_for_good(api_token: ApiToken) -> Condition | None:
    """Return the condition that reports a refusal that lasts until someone changes something, if there is one."""
    return next((each for each in api_token.status.conditions if each.type == "Stalled"), None)


def _is_told_by_another(s: ObservedState, decided: Plan) -> bool:
    """Whether another installation's operator has reported already what blocks a first token; two would take turns."""
    if decided.action is not None or not is_foreign_by_status(s.seen) or not is_unused(s.seen):
        return False
    return s.api_token.status.observed_generation == s.api_token.metadata.generation
