"""The decision: from one Observation and the time to one Plan.

A ladder of steps, each a sentence; the first that has something to say is the Plan. The order is the protocol:
first what is already under way is finished or put on record, then a token is issued if one is needed, then the
Secret's form is mended, then old tokens go.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import print_time
from mailtrap_operator.core import deletion, wishes
from mailtrap_operator.core.actions import WORKING, Finding, Plan, State
from mailtrap_operator.core.causes import BY_REASON, Cause, cause_of, renewal_of
from mailtrap_operator.core.consumers import ROLLOUT_CHECK, moving_to, targets_recheck
from mailtrap_operator.core.digests import ROTATE_ANNOTATION
from mailtrap_operator.core.held_back import why_none_is_issued
from mailtrap_operator.core.history import MOST_REPAIRS, storm_ends
from mailtrap_operator.core.installations import is_anothers_by_status
from mailtrap_operator.core.limits import excessive_form
from mailtrap_operator.core.observation import Absent, Found, Observation, Unknown
from mailtrap_operator.core.overlap import kept_until, waits_for_consumers
from mailtrap_operator.core.policy import Violation, crowding, unknown_standing, violation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.recovery import (
    another_installations_object_stalls,
    another_installations_token_stalls,
    first_token_waits_for_the_adoption,
    foreign_secret_stalls,
    former_objects_secret_is_removed,
    is_unused,
    lost_answer_settles,
    missing_finalizer_is_put_back,
    published_token_is_recorded,
    unreadable_secret_blocks,
    unreadable_spec_stalls,
    untracked_tokens_are_retired,
    value_in_memory_is_published,
)
from mailtrap_operator.core.references import adoptee_id
from mailtrap_operator.core.reverts import reason_and_message
from mailtrap_operator.core.rotation import postponed
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.core.step import (
    ADOPTION_RECHECK,
    MOST_ON_RECORD,
    RECHECK,
    overdue_in_use,
    overdue_kept,
    step_plan,
    unresolved,
    waiting,
)
from mailtrap_operator.core.upkeep import (
    confirmed_token_is_adopted,
    consumers_are_restarted,
    ended_records_are_dropped,
    former_secret_is_removed,
    former_tokens_end,
    outdated_secret_is_rewritten,
    overdue_token_is_revoked,
    refusal_keeps_no_overdue_token,
    upkeep,
    value_moves_to_the_renamed_secret,
)

_PASSING = frozenset(
    {Reason.ACCOUNT_NOT_LISTED, Reason.RATE_LIMITED, Reason.REMOTE_UNAVAILABLE, Reason.REMOTE_ANSWER_UNUSABLE}
)
"""Troubles of the account that pass by themselves; an object that needs nothing does not speak of them."""


def plan(observation: Observation, now: datetime) -> Plan:
    """Decide what one pass does. Never raises for anything that an observation may hold."""
    situation = Situation(observation, now)
    if observation.api_token.metadata.deletion_timestamp is not None:
        return deletion.plan(situation)
    decided = next(plan for step in LADDER if (plan := step(situation)) is not None)
    return replace(decided, is_silent=True) if _is_told_by_another(situation, decided) else decided


def _is_told_by_another(s: Situation, decided: Plan) -> bool:
    """Whether another installation's operator has told already what stands in the way of a first token; two would take turns."""
    if decided.action is not None or not is_anothers_by_status(s.seen) or not is_unused(s.seen):
        return False
    return s.api_token.status.observed_generation == s.api_token.metadata.generation


def excessive_form_stalls(s: Situation) -> Plan | None:
    """What the settings do not let a spec ask for is not carried out; the Secret and the token that there are stay."""
    message = excessive_form(s)
    if message is None:
        return None
    under_way = (
        lost_answer_settles(s)
        or untracked_tokens_are_retired(s)
        or missing_finalizer_is_put_back(s)
        or suspension_stops_the_rest(s)
        or former_tokens_end(s)
    )
    finding = Finding(State.STALLED, Reason.SPEC_INVALID, message)
    return under_way or step_plan(s, finding, requeue_after=_time_to_next_event(s))


def unused_object_gets_its_first_token(s: Situation) -> Plan | None:
    """An object that never had a finalizer has an owner tag that was never used: no LIST is needed."""
    if not is_unused(s.seen) or s.api_token.spec.suspend or violation(s):
        return None
    if _hindrance(s.seen) or crowding(s) or unknown_standing(s) or s.seen.account.is_going:
        return None
    return _issue(s, BY_REASON[Reason.FIRST_TOKEN])


def _hindrance(seen: Observation) -> Unknown | None:
    """Return why the account cannot be asked for a first token, if so."""
    tokens = seen.account.tokens
    if isinstance(tokens, Found) or tokens.reason is Reason.ACCOUNT_NOT_LISTED:
        return None
    return tokens


def suspension_stops_the_rest(s: Situation) -> Plan | None:
    """A suspended object is neither rotated nor repaired."""
    if not s.api_token.spec.suspend:
        return None
    message = f"{_in_words_while_suspended(s)} Set spec.suspend to false to go on."
    return step_plan(s, Finding(State.READY, Reason.SUSPENDED, message))


def _in_words_while_suspended(s: Situation) -> str:
    """Return what consumers have of an object that is neither rotated nor repaired."""
    name, former = s.secret_name, s.former_secret
    if s.held:
        return "Suspended: nothing is rotated or repaired."
    if s.secret is None and former is not None and former.is_intact:
        return f"Suspended: the value stays in Secret {former.name}, and Secret {name} is not made."
    if s.secret is None and s.record.current is None:
        return f"Suspended before a token was issued: consumers have none, and Secret {name} is not made."
    if s.secret is None:
        return f"Suspended, and Secret {name} is gone: consumers have no token, and it is not made anew."
    if s.held_on_paper:
        dead = f"the token in Secret {name} is dead: it was deleted or has expired in Mailtrap"
        return f"Suspended, and {dead}. Consumers have none that works, and no other one is issued."
    return f"Suspended, and Secret {name} does not hold the value of the token any more: it is not put back."


def violated_policy_stops_issuing(s: Situation) -> Plan | None:
    """What the account's policy does not allow is not issued; what there is works on, and old tokens go."""
    found = violation(s)
    return _violated(s, found) if found else None


def _violated(s: Situation, found: Violation) -> Plan:
    dates = (_time_to_next_event(s), RECHECK if found.may_pass else None)
    stalled = step_plan(
        s,
        Finding(State.STALLED, Reason.POLICY_VIOLATED, found.message),
        requeue_after=min((date for date in dates if date is not None), default=None),
    )
    return upkeep(s) or stalled


def needed_token_is_issued(s: Situation) -> Plan | None:
    """There is a cause for another token."""
    cause = cause_of(s)
    if cause is None or postponed(s, cause):
        return None
    if refused := _another_token_is_refused(s):
        return refused
    if unknown := s.unknown or unknown_standing(s):
        return upkeep(s) or waiting(s, unknown)
    if len(s.record.previous) >= MOST_ON_RECORD:
        message = f"{MOST_ON_RECORD} tokens wait for the end of their overlap; another one follows when some are deleted."
        storm = step_plan(s, Finding(State.STALLED, Reason.ROTATION_STORM, message), requeue_after=RECHECK)
        return upkeep(s) or storm
    ends = storm_ends(s, cause)
    if ends is not None:
        message = (
            f"A token is needed: {wishes.why(s, cause)}. After {MOST_REPAIRS} repairs within an hour the next one waits "
            f"until {print_time(ends)}. Find out who interferes; a new value of the annotation {ROTATE_ANNOTATION} "
            "has it made at once."
        )
        storm = step_plan(
            s, Finding(State.STALLED, Reason.ROTATION_STORM, message), requeue_after=ends - s.now
        )
        return upkeep(s) or storm
    return _issue(s, cause)


def _another_token_is_refused(s: Situation) -> Plan | None:
    if s.seen.account.is_going and (s.base is None or s.base.account != s.seen.account.ref):
        return upkeep(s) or _refused_by_account(s)
    found = crowding(s)
    return _violated(s, found) if found else None


def _refused_by_account(s: Situation) -> Plan:
    """An account that is being deleted takes nobody in; those whose tokens live there are served to the end."""
    message = (
        f"{s.api_token.spec.account_ref.kind} {s.api_token.spec.account_ref.name} is being deleted: no ApiToken gets a "
        "token there that has none. Name another account in spec.accountRef."
    )
    return step_plan(s, Finding(State.STALLED, Reason.ACCOUNT_DELETING, message))


def _issue(s: Situation, cause: Cause) -> Plan:
    if reverted := why_none_is_issued(s):
        told = Finding(State.STALLED, *reason_and_message([reverted]))
        return upkeep(s) or step_plan(s, told)
    trouble = s.resolution.trouble
    if trouble is not None and not wishes.can_reset(s, cause):
        return upkeep(s) or unresolved(s, trouble)
    action = wishes.issue(s, cause)
    finding = Finding(State.PROGRESSING, cause.reason, f"A token is being issued: {action.why}.")
    return step_plan(s, finding, action=action, record=s.superseded_by(action.operation))


def nothing_is_left_to_do(s: Situation) -> Plan | None:
    """The Secret holds a living token that is what the spec asks for."""
    unknown = s.unknown
    if unknown is not None and unknown.reason not in _PASSING:
        return waiting(s, unknown)
    if s.resolution.trouble is not None:
        return unresolved(s, s.resolution.trouble)
    finding = Finding(State.READY, Reason.TOKEN_PUBLISHED, WORKING)
    return step_plan(s, finding, requeue_after=_time_to_next_event(s))


def _time_to_next_event(s: Situation) -> timedelta | None:
    """Return how long until time alone changes the decision, or until a blind look is repeated."""
    end = s.expires_at(s.held) if s.held else None
    dates = [previous.delete_after for previous in s.record.previous]
    dates += [date for date in (renewal_of(s, s.held), end) if date is not None]
    if s.held and s.is_listed(s.held.account) and s.held.id not in s.owned:
        # So new that the list need not show it yet; soon it must.
        dates.append(s.now + s.seen.identity.settle_time)
    if (wait := postponed(s, cause_of(s))) and wait.until:
        dates.append(wait.until)
    dates += [kept_until(s, previous) for previous in s.record.previous if waits_for_consumers(s, previous)]
    if token := moving_to(s):
        dates += [s.now + ROLLOUT_CHECK, token.pods_end_at or s.now]
    elif again := targets_recheck(s):
        dates.append(again)
    if adoptee_id(s.api_token) is not None and not isinstance(s.seen.adoptee, Found):
        dates.append(s.now + (ADOPTION_RECHECK if isinstance(s.seen.adoptee, Absent) else RECHECK))
    if overdue_in_use(s) is not None or overdue_kept(s) is not None:
        dates.append(s.now + RECHECK)
    if s.blind is not None:
        # What the account hides may need something, and nothing else may tell when it answers again.
        dates.append(s.now + RECHECK)
    return min((date - s.now for date in dates if s.now < date), default=None)


LADDER: tuple[Callable[[Situation], Plan | None], ...] = (
    another_installations_object_stalls,
    unreadable_spec_stalls,
    unreadable_secret_blocks,
    former_objects_secret_is_removed,
    another_installations_token_stalls,
    foreign_secret_stalls,
    value_in_memory_is_published,
    published_token_is_recorded,
    excessive_form_stalls,
    first_token_waits_for_the_adoption,
    unused_object_gets_its_first_token,
    lost_answer_settles,
    untracked_tokens_are_retired,
    missing_finalizer_is_put_back,
    suspension_stops_the_rest,
    refusal_keeps_no_overdue_token,
    value_moves_to_the_renamed_secret,
    violated_policy_stops_issuing,
    needed_token_is_issued,
    outdated_secret_is_rewritten,
    former_secret_is_removed,
    confirmed_token_is_adopted,
    consumers_are_restarted,
    ended_records_are_dropped,
    overdue_token_is_revoked,
    nothing_is_left_to_do,
)
