"""What an observation means: which tokens are held, on record, owned but untracked, gone."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import OperationStatus
from mailtrap_operator.core.observation import AccountView, Found, Observation
from mailtrap_operator.core.observed_state import ObservedState, once
from tests.unit.core.builders import (
    ACCOUNT,
    DAY,
    FOREIGN_TAG,
    HOUR,
    LOST_NONCE,
    NONCE,
    NOW,
    OLD_NONCE,
    OTHER_ACCOUNT,
    SECOND,
    SIBLINGS_TAG,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_foreign_secret,
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


def at(world: Observation) -> ObservedState:
    return ObservedState(world, NOW)


@pytest.mark.parametrize(
    ("world", "held"),
    [
        pytest.param(seen(), 1, id="the Secret holds it and the LIST confirms it"),
        pytest.param(seen(listed=TIMEOUT), 1, id="the account does not answer: no one says that it is dead"),
        pytest.param(seen(an_api_token(status=WIPED)), 1, id="the status does not know it: the Secret does"),
        pytest.param(seen(an_api_token(status=WIPED), listed=TIMEOUT), 1, id="only the Secret knows it"),
        pytest.param(
            seen(listed=(a_remote_token(expires_at=NOW + SECOND),)), 1, id="it lives for another second"
        ),
        pytest.param(seen(listed=(a_remote_token(expires_at=NOW),)), None, id="it ends now"),
        pytest.param(
            seen(an_api_token(status=a_status(current=a_current(expires_at=NOW))), listed=TIMEOUT),
            None,
            id="by the record it ends now",
        ),
        pytest.param(seen(listed=()), None, id="the LIST lacks it"),
        pytest.param(seen(listed=(a_remote_token(tag=FOREIGN_TAG),)), None, id="it has a foreign tag"),
        pytest.param(seen(secret=None), None, id="no Secret"),
        pytest.param(seen(secret=TIMEOUT), None, id="a Secret that cannot be read"),
        pytest.param(seen(secret=a_foreign_secret()), None, id="a foreign Secret"),
        pytest.param(seen(secret=a_secret(owner="aaaaaa-siblingaaa")), None, id="another object's Secret"),
        pytest.param(seen(secret=an_edited_secret()), None, id="a Secret without its value"),
        pytest.param(seen(secret=a_secret(None)), None, id="a Secret without the token's id"),
        pytest.param(seen(secret=a_secret(issuance=None)), None, id="a Secret without the issuance"),
    ],
)
def test_the_held_token_is_the_one_that_the_secret_holds_unless_it_is_positively_dead(
    world: Observation, held: int | None
) -> None:
    found = at(world).held

    assert held == (found.id if found else None)


def test_a_held_token_that_no_one_else_knows_is_described_by_the_secret_alone() -> None:
    world = seen(an_api_token(status=WIPED), listed=TIMEOUT)

    assert a_current().model_copy(update={"last_four": ""}) == at(world).held


@pytest.mark.parametrize(
    ("world", "base"),
    [
        pytest.param(seen(), 1, id="the held one"),
        pytest.param(seen(secret=None), 1, id="the one on record, when the Secret is lost"),
        pytest.param(
            seen(secret=a_secret(2, nonce=OLD_NONCE), listed=(TOKEN_1, a_remote_token(2))),
            2,
            id="the held one before the one on record",
        ),
        pytest.param(seen(secret=a_secret(2)), 1, id="the one on record, when the held one is dead"),
        pytest.param(seen(an_api_token(status=WIPED), secret=None), None, id="none is known"),
        pytest.param(seen(listed=()), None, id="all are dead"),
    ],
)
def test_a_successor_follows_the_living_token(world: Observation, base: int | None) -> None:
    found = at(world).base

    assert base == (found.id if found else None)


def test_owned_are_the_tokens_with_our_tag_in_every_account_that_answers() -> None:
    world = seen(
        listed=(
            TOKEN_1,
            a_remote_token(7, tag=None),
            a_remote_token(8, tag=FOREIGN_TAG),
            a_remote_token(9, tag=SIBLINGS_TAG),
        ),
        listed_elsewhere=(a_remote_token(2, account=OTHER_ACCOUNT),),
    )

    assert {1, 2} == set(at(world).owned)
    assert {1} == set(at(seen(listed_elsewhere=TIMEOUT)).owned)


@pytest.mark.parametrize(
    ("world", "untracked"),
    [
        pytest.param(seen(), (), id="the current one is known"),
        pytest.param(seen(an_api_token(status=WIPED)), (), id="the Secret's is known"),
        pytest.param(
            seen(
                an_api_token(status=a_status(previous=(a_previous(2),))), listed=(TOKEN_1, a_remote_token(2))
            ),
            (),
            id="one retired is known",
        ),
        pytest.param(seen(an_api_token(status=WIPED), secret=None), (1,), id="no one knows it"),
        pytest.param(
            seen(an_api_token(status=WIPED), secret=an_edited_secret()),
            (1,),
            id="an edited Secret does not count",
        ),
        pytest.param(
            seen(an_api_token(status=WIPED), secret=a_foreign_secret()),
            (1,),
            id="a foreign Secret does not count",
        ),
        pytest.param(
            seen(listed=(a_remote_token(5), TOKEN_1, a_remote_token(3))),
            (3, 5),
            id="in the order of their ids",
        ),
    ],
)
def test_untracked_are_the_owned_tokens_that_neither_secret_nor_status_knows(
    world: Observation, untracked: tuple[int, ...]
) -> None:
    assert untracked == tuple(token.id for token in at(world).untracked)


@pytest.mark.parametrize(
    ("operation", "world", "is_pending"),
    [
        pytest.param(None, {}, False, id="nothing was begun"),
        pytest.param(an_operation(), {}, True, id="the Secret shows another attempt"),
        pytest.param(an_operation(nonce=NONCE), {}, False, id="the Secret shows this attempt"),
        pytest.param(an_operation(nonce=NONCE), {"secret": None}, True, id="there is no Secret"),
        pytest.param(an_operation(nonce=NONCE), {"secret": TIMEOUT}, True, id="the Secret cannot be read"),
        pytest.param(
            an_operation(nonce=NONCE), {"secret": a_secret(owner="x")}, True, id="the Secret is foreign"
        ),
        pytest.param(
            an_operation(nonce=NONCE), {"secret": an_edited_secret()}, True, id="the Secret lost the value"
        ),
        pytest.param(an_operation(nonce=NONCE), {"listed": TIMEOUT}, False, id="the account does not matter"),
    ],
)
def test_an_operation_is_pending_until_the_secret_shows_it(
    operation: OperationStatus | None,
    world: dict[str, Any],
    is_pending: bool,  # noqa: FBT001 - a column of the table
) -> None:
    pending = at(seen(an_api_token(status=a_status(operation=operation)), **world)).pending

    assert (operation if is_pending else None) == pending


@pytest.mark.parametrize(
    ("operation", "listed", "expected"),
    [
        pytest.param(
            an_operation(),
            (TOKEN_1, a_remote_token(2, nonce=LOST_NONCE)),
            True,
            id="a create shows by its nonce",
        ),
        pytest.param(
            an_operation(), (TOKEN_1, a_remote_token(2, nonce=OLD_NONCE)), False, id="another nonce"
        ),
        pytest.param(
            an_operation(),
            (TOKEN_1, a_remote_token(2, nonce=LOST_NONCE, tag=FOREIGN_TAG)),
            False,
            id="a foreign tag",
        ),
        pytest.param(
            an_operation(nonce=NONCE), (TOKEN_1,), False, id="a token that is known answers nothing"
        ),
        pytest.param(
            an_operation("Reset", base=1),
            (TOKEN_1, a_remote_token(2)),
            True,
            id="a reset shows by the nonce of its base",
        ),
        pytest.param(
            an_operation("Reset", base=1),
            (TOKEN_1, a_remote_token(2, nonce=LOST_NONCE)),
            False,
            id="not by its own",
        ),
        pytest.param(
            an_operation("Reset", base=9), (TOKEN_1, a_remote_token(2)), False, id="the base is gone"
        ),
        pytest.param(an_operation("Reset"), (TOKEN_1, a_remote_token(2)), False, id="no base on record"),
    ],
)
def test_whether_a_listed_token_is_what_an_operation_made(
    operation: OperationStatus,
    listed: Any,
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    world = seen(an_api_token(status=a_status(operation=operation)), secret=None, listed=listed)

    assert expected == bool(at(world).made_by(operation))


def test_a_token_is_gone_only_when_its_own_account_says_so() -> None:
    here, there = a_current(2), a_current(3, account=OTHER_ACCOUNT)

    assert at(seen()).is_gone(here)
    assert not at(seen(listed=(TOKEN_1, a_remote_token(2)))).is_gone(here)
    assert not at(seen(listed=TIMEOUT)).is_gone(here)
    assert not at(seen(listed_elsewhere=TIMEOUT)).is_gone(there)
    assert at(seen(listed_elsewhere=())).is_gone(there)
    assert not at(seen()).is_gone(there), "an account that was not looked at proves nothing"


def test_the_end_of_a_token_is_what_the_list_names_else_what_is_on_record() -> None:
    current = a_current(expires_at=NOW + 80 * DAY)

    assert NOW + 80 * DAY == at(seen(listed=TIMEOUT)).expires_at(current)
    assert NOW + HOUR == at(seen(listed=(a_remote_token(expires_at=NOW + HOUR),))).expires_at(current)
    assert at(seen()).expires_at(current) is None


@pytest.mark.parametrize(("seen_for", "left"), [(0, 60), (60, 0), (90, -30)])
def test_a_lost_answer_settles_in_the_settle_time(seen_for: int, left: int) -> None:
    observed = at(replace(seen(), claim_age=seen_for * SECOND))

    assert left * SECOND == observed.settles_in


def test_an_account_view_can_lose_its_answer() -> None:
    view = AccountView(ACCOUNT, 3229, Found((TOKEN_1,)))

    assert AccountView(ACCOUNT, 3229, TIMEOUT) == view.without_answer(TIMEOUT)


def test_a_token_lives_until_its_end() -> None:
    assert a_remote_token().is_live(NOW)
    assert a_remote_token(expires_at=NOW + SECOND).is_live(NOW)
    assert not a_remote_token(expires_at=NOW).is_live(NOW)


def test_an_observation_names_what_waits_in_memory_without_its_value() -> None:
    assert "value" not in repr(a_value_in_memory()).lower()


def test_a_token_that_two_account_objects_list_is_in_the_desired_one() -> None:
    there = replace(TOKEN_1, account=OTHER_ACCOUNT)
    moved = an_api_token(account_ref=OTHER_ACCOUNT)

    observed = at(seen(moved, listed=(there,), listed_elsewhere=(TOKEN_1,)))

    assert {1: there} == observed.owned
    assert observed.record.current is not None
    assert OTHER_ACCOUNT == observed.record.current.account


def test_a_question_is_asked_once_for_each_situation_whatever_the_answer() -> None:
    asked = list[datetime]()

    @once
    def question(s: ObservedState) -> None:
        asked.append(s.now)

    first, second = ObservedState(seen(), NOW), ObservedState(seen(), NOW + HOUR)
    for observed in (first, first, second, first):
        question(observed)

    assert [NOW, NOW + HOUR] == asked
