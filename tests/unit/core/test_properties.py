"""What holds for every plan in every world, however unlikely: safety first."""

from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from mailtrap_operator.api.names import ABANDON_ANNOTATION, FINALIZER
from mailtrap_operator.api.v1alpha1 import AccountPolicy
from mailtrap_operator.core.actions import (
    Action,
    DeleteSecret,
    Done,
    IssueToken,
    PublishToken,
    RemoveFinalizer,
    RevokeToken,
    RewriteSecret,
    State,
)
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.dry_run import steps_of
from mailtrap_operator.core.observation import Absent, Found, Observation, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_unused
from mailtrap_operator.core.step import MOST_ON_RECORD
from mailtrap_operator.core.token_count import are_too_many
from tests.unit.core.builders import DOMAIN, HOUR, NOW, OWNER, OWNER_MARK, SECOND, SETTLE
from tests.unit.core.named import BOUND, TREE
from tests.unit.core.plan_invariants import ended, forgotten, ids, listed, lists, secret_of_ours, unconfirmed
from tests.unit.core.rows import summary
from tests.unit.core.worlds import BOUNDED, GRANTED, LABELLED, STRICT, tidied_worlds, worlds

LAST_RECORD = 256
"""How many retired tokens the API server takes."""

thoroughly = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


anything = worlds | tidied_worlds


def lives(world: Observation) -> bool:
    return world.api_token.metadata.deletion_timestamp is None


@thoroughly
@given(anything)
def test_every_world_has_a_plan_of_one_action_at_most_and_always_the_same(world: Observation) -> None:
    planned = plan(world, NOW)
    event(summary(planned).split()[0])

    assert planned == plan(world, NOW)
    assert planned.action is None or isinstance(planned.action, Action)
    assert planned.requeue_after is None or planned.requeue_after >= 0 * SECOND


@thoroughly
@given(anything)
def test_a_token_is_revoked_only_when_it_is_ours_overdue_and_in_no_secret(world: Observation) -> None:
    action = plan(world, NOW).action
    if not isinstance(action, RevokeToken):
        return
    token, secret = action.token, secret_of_ours(world)

    if token.id not in listed(world):
        # The credential may see less: what is on record is deleted by its id, and the answer tells.
        assert token.account in lists(world)
        assert token.id in unconfirmed(world)
        assert not any(token.id in view.foreign_ids for view in world.accounts)
        assert not lives(world) or ended(world, token.id, NOW)
        assert world == action.seen, "it is looked at right before"
        return
    assert token.tag is not None
    assert (world.identity.installation, OWNER) == (token.tag.installation, token.tag.owner)
    assert token == listed(world)[token.id]
    if lives(world):
        assert ended(world, token.id, NOW)
        assert secret is None or not secret.is_intact or secret.token_id != token.id


@thoroughly
@given(anything)
def test_a_token_is_issued_only_from_knowledge(world: Observation) -> None:
    action = plan(world, NOW).action
    if not isinstance(action, IssueToken):
        return
    desired, secret = world.account.tokens, secret_of_ours(world)

    assert lives(world)
    assert not world.api_token.spec.suspend
    assert isinstance(world.secret, Absent) or secret is not None, "a Secret that is known, and not foreign"
    assert not isinstance(world.former_secret, Unknown)
    assert isinstance(desired, Found) or (is_unused(world) and desired.reason is Reason.ACCOUNT_NOT_LISTED)
    assert world.account.ref == action.operation.account == action.issuance.account
    if action.operation.type == "Reset":
        base = lists(world)[world.account.ref][action.operation.base or 0]
        assert base.tag is not None
        assert (world.identity.installation, OWNER) == (base.tag.installation, base.tag.owner)
    else:
        assert action.operation.base is None


@thoroughly
@given(anything)
def test_no_token_is_issued_that_the_policy_does_not_allow(world: Observation) -> None:
    tenancy, desired = world.account.tenancy, world.api_token.spec.expiration
    if not isinstance(plan(world, NOW).action, IssueToken):
        return

    assert tenancy is not None
    assert tenancy.policy != AccountPolicy()
    if tenancy.policy == LABELLED:
        assert Found({"mail": "yes"}) == tenancy.labels
    if tenancy.policy == STRICT:
        assert (desired.at or NOW + (desired.after or 2001 * HOUR)) <= NOW + 2000 * HOUR
        assert isinstance(tenancy.tokens, Found)
        assert not are_too_many(2, tenancy.tokens.value)
    if tenancy.policy == BOUNDED:
        assert "Delete" == world.api_token.spec.deletion_policy


@thoroughly
@given(anything)
def test_no_token_is_renewed_that_may_do_more_than_the_policy_allows(world: Observation) -> None:
    action = plan(world, NOW).action
    if not isinstance(action, IssueToken) or action.operation.base is None:
        return

    assert GRANTED == listed(world)[action.operation.base].permissions


@thoroughly
@given(anything)
def test_the_token_that_the_operator_works_with_is_neither_reset_nor_deleted(world: Observation) -> None:
    in_use = {view.ref: {each.last_four for each in view.credentials} for view in world.accounts}
    match plan(world, NOW).action:
        case RevokeToken(token):
            assert token.last_four not in in_use[token.account]
        case IssueToken(operation=operation) if operation.base is not None:
            assert listed(world)[operation.base].last_four not in in_use[operation.account]
        case _:
            pass


@thoroughly
@given(anything)
def test_a_token_is_created_only_for_resources_that_are_known(world: Observation) -> None:
    action, answer = plan(world, NOW).action, world.catalogue
    if not isinstance(action, IssueToken) or action.operation.type == "Reset":
        return
    known = {(DOMAIN.type, DOMAIN.id)}

    assert {(each.type, each.id) for each in action.resources} == known
    if world.api_token.spec.resources != (DOMAIN,):
        assert [(BOUND.name, BOUND.id)] == [(each.name, each.id) for each in action.bound]
        is_bound = {BOUND} & set(world.api_token.status.resources)
        is_found = isinstance(answer, Found) and TREE.value.entries == answer.value.entries
        assert is_bound or is_found


@thoroughly
@given(anything)
def test_no_token_is_issued_while_the_answer_to_an_earlier_attempt_may_still_come(world: Observation) -> None:
    planned, secret = plan(world, NOW), secret_of_ours(world)
    operation = world.api_token.status.operation
    if operation is None or not isinstance(planned.action, IssueToken):
        return

    is_published = secret is not None and secret.is_intact and secret.nonce == operation.nonce
    is_settled = SETTLE <= NOW - operation.started_at
    assert is_published or (is_settled and operation.account in lists(world))


@thoroughly
@given(anything)
def test_no_token_is_issued_while_one_of_ours_is_on_no_record(world: Observation) -> None:
    planned, secret = plan(world, NOW), secret_of_ours(world)
    if not isinstance(planned.action, IssueToken) or is_unused(world):
        return

    held = {secret.token_id} if secret and secret.is_intact else set()
    assert set(listed(world)) <= ids(planned.record) | held


@thoroughly
@given(anything)
def test_a_ready_object_has_no_token_of_ours_that_is_on_no_record(world: Observation) -> None:
    planned, secret = plan(world, NOW), secret_of_ours(world)
    is_full = len(planned.record.previous) >= MOST_ON_RECORD
    if not lives(world) or planned.finding.state is not State.READY or is_full:
        return

    held = {secret.token_id} if secret and secret.is_intact else set()
    assert set(listed(world)) <= ids(planned.record) | held


@thoroughly
@given(anything)
def test_no_token_on_record_is_forgotten_while_it_may_live(world: Observation) -> None:
    assert set() == forgotten(world, plan(world, NOW))


@thoroughly
@given(anything)
def test_a_superseded_token_keeps_its_overlap(world: Observation) -> None:
    """What is new retired has at least the overlap that the spec promises, unless the policy ends it earlier."""
    planned, tenancy = plan(world, NOW), world.account.tenancy
    before = {previous.id for previous in world.api_token.status.previous}
    overlap = world.api_token.spec.rotation.overlap

    for previous in planned.record.previous:
        is_bounded = previous.account == world.account.ref and tenancy and tenancy.policy == BOUNDED
        promised = min(overlap, HOUR / 2) if is_bounded else overlap
        assert previous.id in before or NOW + promised <= previous.delete_after
        assert previous.id in before or not is_bounded or previous.delete_after <= NOW + HOUR / 2


@thoroughly
@given(anything)
def test_the_record_is_one_that_the_api_server_takes(world: Observation) -> None:
    previous = [token.id for token in plan(world, NOW).record.previous]

    assert len(previous) == len(set(previous))
    assert len(previous) <= LAST_RECORD


@thoroughly
@given(anything)
def test_the_value_in_the_secret_is_never_overwritten_by_what_is_not_its_successor(
    world: Observation,
) -> None:
    planned, status = plan(world, NOW), world.api_token.status
    match planned.action:
        case PublishToken(unpublished):
            assert status.operation is not None
            assert unpublished.nonce == status.operation.nonce
            assert world.identity.holder == status.operation.holder
        case RewriteSecret(source, secret):
            assert source.owner == OWNER_MARK
            assert source.is_intact
            assert (source.name == secret.name) == (secret.resource_version is not None)
        case DeleteSecret(_, secret_state):
            assert secret_state.owner == OWNER_MARK
            assert secret_state.name == status.secret_name
            assert planned.works
        case _:
            pass


@thoroughly
@given(anything)
def test_a_foreign_secret_is_never_written(world: Observation) -> None:
    action = plan(world, NOW).action
    is_foreign = isinstance(world.secret, Found) and secret_of_ours(world) is None

    assert not is_foreign or not isinstance(action, IssueToken | PublishToken | RewriteSecret)


@thoroughly
@given(anything)
def test_a_deleted_object_gets_nothing_new_and_without_our_finalizer_nothing_at_all(
    world: Observation,
) -> None:
    action, finalizers = plan(world, NOW).action, world.api_token.metadata.finalizers
    if lives(world):
        return

    assert action is None or isinstance(action, RevokeToken | RemoveFinalizer)
    assert action is None or FINALIZER in finalizers


@thoroughly
@given(anything)
def test_the_finalizer_goes_last(world: Observation) -> None:
    planned, api_token = plan(world, NOW), world.api_token
    if not isinstance(planned.action, RemoveFinalizer):
        return
    operation, tenancy = api_token.status.operation, world.account.tenancy

    if tenancy and tenancy.policy == BOUNDED:
        assert planned.action.reason is Reason.REVOKED
    match planned.action.reason:
        case Reason.RETAINED:
            assert "Retain" == api_token.spec.deletion_policy
        case Reason.ABANDONED:
            assert "true" == api_token.metadata.annotations[ABANDON_ANNOTATION]
        case _:
            assert not listed(world)
            assert {view.ref for view in world.accounts} == set(lists(world))
            assert operation is not None
            assert "Delete" == operation.type
            assert unconfirmed(world) <= {operation.base}
            assert not operation.nonce or SETTLE <= NOW - operation.started_at


@thoroughly
@given(anything)
def test_an_object_with_something_to_lose_gets_its_finalizer_before_another_token(world: Observation) -> None:
    action, finalizers = plan(world, NOW).action, world.api_token.metadata.finalizers
    status, secret = world.api_token.status, secret_of_ours(world)
    has_had_tokens = status.operation or status.current or status.previous or secret

    assert not isinstance(action, IssueToken) or FINALIZER in finalizers or not has_had_tokens


@thoroughly
@given(anything)
def test_book_keeping_comes_to_rest(world: Observation) -> None:
    """Reconciles that only write the status end soon, and then nothing is written any more, whatever time it is."""
    for _ in range(6):
        planned = plan(world, NOW)
        if planned.action is not None:
            return
        status = status_after(world.api_token, planned, Done(), NOW)
        if status == world.api_token.status:
            break
        world = replace(world, api_token=world.api_token.model_copy(update={"status": status}))
    planned = plan(world, NOW)
    assert not planned.changes(world.api_token.status)
    assert world.api_token.status == status_after(world.api_token, planned, Done(), NOW + SECOND / 2)


@thoroughly
@given(anything)
def test_dry_run_describes_every_observation(world: Observation) -> None:
    s = ObservedState(world, NOW)
    steps = steps_of(plan(world, NOW), s)

    assert len(set(steps)) == len(steps)
    assert steps or not plan(world, NOW).changes(world.api_token.status)


@thoroughly
@given(anything, st.integers(0, 10**9))
def test_time_alone_breaks_nothing(world: Observation, seconds: int) -> None:
    planned = plan(world, NOW + seconds * SECOND)

    assert set() == forgotten(world, planned)
