"""From Unknown nothing is issued or revoked, whatever the situation, wherever the answer is missing, for whatever reason."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from _pytest.mark.structures import ParameterSet

from mailtrap_operator.api.v1alpha1 import Expiration
from mailtrap_operator.core.actions import IssueToken, Plan, RevokeToken
from mailtrap_operator.core.observation import Observation, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    FRESH,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    SECRET_1,
    TOKEN_1,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_edited_secret,
    an_operation,
    seen,
)
from tests.unit.core.deleting import claimed
from tests.unit.core.plan_invariants import forgotten, listed

OVERDUE = a_previous(2, delete_after=NOW - DAY)
OVERDUE_THERE = a_previous(3, delete_after=NOW - DAY, account=OTHER_ACCOUNT)
THERE = (a_remote_token(3, account=OTHER_ACCOUNT),)


LIVING: dict[str, Observation] = {
    "all is well": seen(),
    "its Secret is lost": seen(secret=None),
    "its Secret is edited": seen(secret=an_edited_secret()),
    "its Secret holds a dead value": seen(secret=a_secret(7)),
    "its token is gone": seen(listed=()),
    "its token has expired": seen(listed=(a_remote_token(expires_at=NOW - HOUR),)),
    "its permissions changed": seen(an_api_token(display_name="other")),
    "its expiration changed": seen(an_api_token(expiration=Expiration(policy="Never"))),
    "its renewal is due": seen(listed=(a_remote_token(expires_at=NOW + HOUR),)),
    "it has an overdue token": seen(
        an_api_token(status=a_status(previous=(OVERDUE,))), listed=(TOKEN_1, a_remote_token(2))
    ),
    "it is renamed": seen(an_api_token(secret_name="renamed"), secret=None, former_secret=SECRET_1),
    "it is renamed and its former Secret is lost": seen(an_api_token(secret_name="renamed"), secret=None),
    "its status was wiped": seen(an_api_token(status=WIPED)),
    "its status was wiped and its Secret is lost": seen(an_api_token(status=WIPED), secret=None),
    "its status was wiped, its Secret is lost, its token is gone": seen(
        an_api_token(status=WIPED), secret=None, listed=()
    ),
    "a create was lost and settled": seen(
        an_api_token(status=a_status(operation=an_operation(ago=DAY))), secret=None
    ),
    "a reset was lost and settled": seen(
        an_api_token(status=a_status(operation=an_operation("Reset", base=1, ago=DAY))), secret=None
    ),
    "a token of it is untracked": seen(listed=(TOKEN_1, a_remote_token(9))),
    "a publication was not recorded": seen(
        an_api_token(status=a_status(operation=an_operation(nonce=FRESH))),
        secret=a_secret(2, nonce=FRESH),
        listed=(TOKEN_1, a_remote_token(2, nonce=FRESH)),
    ),
    "a value waits in memory": seen(
        an_api_token(status=a_status(operation=an_operation())),
        listed=(TOKEN_1, a_remote_token(2)),
        unpublished=a_value_in_memory(2),
    ),
    "its account changed": seen(
        an_api_token(account_ref=OTHER_ACCOUNT), listed=(), listed_elsewhere=(TOKEN_1,)
    ),
    "an overdue token is in the other account": seen(
        an_api_token(status=a_status(previous=(OVERDUE_THERE,))), listed_elsewhere=THERE
    ),
    "a create in the other account was lost": seen(
        an_api_token(status=a_status(operation=an_operation(ago=DAY, account=OTHER_ACCOUNT))),
        secret=None,
        listed_elsewhere=(),
    ),
}


Blinded = Callable[[Observation, Unknown], Observation]


def without_secret(world: Observation, unknown: Unknown) -> Observation:
    return replace(world, secret=unknown)


def without_former_secret(world: Observation, unknown: Unknown) -> Observation:
    return replace(world, former_secret=unknown)


def without_list(world: Observation, unknown: Unknown) -> Observation:
    desired, *others = world.accounts
    return replace(world, accounts=(desired.without_answer(unknown), *others))


def without_any_list(world: Observation, unknown: Unknown) -> Observation:
    return replace(world, accounts=tuple(view.without_answer(unknown) for view in world.accounts))


def without_other_lists(world: Observation, unknown: Unknown) -> Observation:
    desired, *others = world.accounts
    return replace(world, accounts=(desired, *(view.without_answer(unknown) for view in others)))


PLACES: dict[str, Blinded] = {
    "the Secret": without_secret,
    "the former Secret": without_former_secret,
    "the LIST of the desired account": without_list,
    "every LIST": without_any_list,
}


def product(situations: dict[str, Observation], places: dict[str, Blinded]) -> list[ParameterSet]:
    return [
        pytest.param(blinded, world, id=f"{observed}; unknown is {place}")
        for observed, world in situations.items()
        for place, blinded in places.items()
    ]


def plans(blinded: Blinded, world: Observation) -> Iterator[tuple[Observation, Plan]]:
    """Yield the blinded world and its plan, for every reason that an answer can be missing for."""
    for reason in Reason:
        blind = blinded(world, Unknown(reason, "no usable answer"))
        yield blind, plan(blind, NOW)


def is_revoked_blindly(blind: Observation, planned: Plan) -> bool:
    return isinstance(planned.action, RevokeToken) and planned.action.token.id not in listed(blind)


@pytest.mark.parametrize(("blinded", "world"), product(LIVING, PLACES))
def test_from_unknown_nothing_is_issued_or_revoked_and_nothing_is_forgotten(
    blinded: Blinded, world: Observation
) -> None:
    for blind, planned in plans(blinded, world):
        assert not isinstance(planned.action, IssueToken)
        assert not is_revoked_blindly(blind, planned)
        assert set() == forgotten(blind, planned)


@pytest.mark.parametrize(("blinded", "world"), product(LIVING, {"another account": without_other_lists}))
def test_an_account_that_holds_old_tokens_only_and_does_not_answer_delays_only_what_happens_there(
    blinded: Blinded, world: Observation
) -> None:
    for blind, planned in plans(blinded, world):
        assert not is_revoked_blindly(blind, planned)
        assert set() == forgotten(blind, planned)


def test_while_the_account_of_a_lost_create_does_not_answer_no_other_is_made() -> None:
    world = LIVING["a create in the other account was lost"]

    for _, planned in plans(without_other_lists, world):
        assert planned.action is None


DYING: dict[str, Observation] = {
    "a token is left": seen(claimed()),
    "no token is left": seen(claimed(), listed=()),
    "a create was in progress and has settled": seen(claimed(an_operation("Delete", ago=DAY)), listed=()),
    "a token is left in the other account": seen(
        claimed(account_ref=OTHER_ACCOUNT), listed=(), listed_elsewhere=(TOKEN_1,)
    ),
    "a token is left in each account": seen(
        claimed(account_ref=OTHER_ACCOUNT),
        listed=(a_remote_token(3, account=OTHER_ACCOUNT),),
        listed_elsewhere=(TOKEN_1,),
    ),
}
LISTS: dict[str, Blinded] = {
    "the LIST of the desired account": without_list,
    "every LIST": without_any_list,
}


@pytest.mark.parametrize(("blinded", "world"), product(DYING, LISTS))
def test_a_deletion_waits_for_every_list(blinded: Blinded, world: Observation) -> None:
    for blind, planned in plans(blinded, world):
        assert planned.action is None
        assert set() == forgotten(blind, planned)
