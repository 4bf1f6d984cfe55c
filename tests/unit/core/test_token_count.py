"""How many living tokens a namespace has, and who may have another: what is bound to come counts as if it were there."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailtrap_operator.api.v1alpha1 import OperationStatus
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import RemoteToken, TokenCount
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.token_count import Member, are_too_many, count_tokens
from tests.unit.core.builders import (
    ACCOUNT,
    DAY,
    INSTALLATION,
    LOST_NONCE,
    NONCE,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    a_remote_token,
    an_operation,
)

HERE = AccountKey(ACCOUNT.kind, None, ACCOUNT.name)
ELSEWHERE = AccountKey(OTHER_ACCOUNT.kind, None, OTHER_ACCOUNT.name)


def member(
    name: str,
    age: timedelta = DAY,
    *,
    account: AccountKey = HERE,
    is_terminating: bool = False,
    claim: OperationStatus | None = None,
) -> Member:
    return Member(name, f"owner-{name}", NOW - age, account, is_terminating, claim)


def token(
    id_: int, owner: str, *, nonce: str = NONCE, ends: datetime | None = None, name: str | None = None
) -> RemoteToken:
    tag = Tag(INSTALLATION, f"owner-{owner}", nonce)
    return a_remote_token(id_, tag=tag, expires_at=ends, name=name or f"token of {owner}")


ME = member("me")


def counted(
    *others: Member,
    tokens: tuple[RemoteToken, ...] = (),
    retained: tuple[str, ...] = (),
    issuing: tuple[str, ...] = (),
    me: Member = ME,
) -> TokenCount:
    listed: Mapping[str, tuple[RemoteToken, ...]] = {
        owner: tuple(each for each in tokens if each.tag and each.tag.owner == owner)
        for owner in {each.tag.owner for each in tokens if each.tag}
    }
    return count_tokens(
        me,
        (*others, me),
        lambda owner: listed.get(owner, ()),
        retained=retained,
        issuing=issuing,
        now=NOW,
    )


@pytest.mark.parametrize(
    ("others", "tokens", "retained", "expected"),
    [
        pytest.param((), (), (), TokenCount(0, 0, 0), id="There is none."),
        pytest.param((), (token(1, "me"), token(2, "me")), (), TokenCount(0, 2, 0), id="All are its own."),
        pytest.param(
            (member("a"),),
            (token(1, "a"), token(2, "a", ends=NOW + SECOND), token(3, "a", ends=NOW)),
            (),
            TokenCount(2, 0, 0),
            id="Another has one, and one in its overlap; a third has expired.",
        ),
        pytest.param(
            (member("a", account=ELSEWHERE),),
            (token(1, "a"),),
            (),
            TokenCount(1, 0, 0),
            id="Another has one here, whatever account it names now.",
        ),
        pytest.param(
            (member("a", is_terminating=True),),
            (token(1, "a"),),
            (),
            TokenCount(1, 0, 0),
            id="One is retired.",
        ),
        pytest.param(
            (),
            (token(1, "gone"), token(2, "stranger")),
            ("owner-gone",),
            TokenCount(1, 0, 0),
            id="One was left.",
        ),
        pytest.param(
            (member("a"),),
            (token(1, "a"), token(2, "me")),
            ("owner-a", "owner-me"),
            TokenCount(1, 1, 0),
            id="What is left by those who are still there counts once.",
        ),
    ],
)
def test_living_tokens_count_by_their_tags(
    others: tuple[Member, ...],
    tokens: tuple[RemoteToken, ...],
    retained: tuple[str, ...],
    expected: TokenCount,
) -> None:
    assert expected == counted(*others, tokens=tokens, retained=retained)


@pytest.mark.parametrize(
    ("other", "tokens", "reserved"),
    [
        pytest.param(member("a", DAY + SECOND), (), 1, id="An older one that has none yet."),
        pytest.param(member("a"), (), 1, id="One as old, whose name comes first."),
        pytest.param(member("z"), (), 0, id="One as old, whose name comes later."),
        pytest.param(member("a", DAY - SECOND), (), 0, id="A younger one."),
        pytest.param(member("a", 2 * DAY), (token(1, "a"),), 0, id="An older one that has one."),
        pytest.param(member("a", 2 * DAY), (token(1, "a", ends=NOW),), 1, id="Its one has expired."),
        pytest.param(member("a", 2 * DAY, account=ELSEWHERE), (), 0, id="It names another account."),
        pytest.param(member("a", 2 * DAY, is_terminating=True), (), 0, id="It is retired."),
    ],
)
def test_older_ones_without_a_token_have_a_place_kept(
    other: Member, tokens: tuple[RemoteToken, ...], reserved: int
) -> None:
    assert reserved == counted(other, tokens=tokens).reserved


CREATE, RESET = an_operation(nonce=LOST_NONCE), an_operation("Reset", base=1)


@pytest.mark.parametrize(
    ("claim", "tokens", "issuing", "others"),
    [
        pytest.param(CREATE, (), (), 1, id="A create whose answer may still come."),
        pytest.param(CREATE, (token(1, "a"),), (), 2, id="One beside a token that is there."),
        pytest.param(CREATE, (token(1, "a", nonce=LOST_NONCE),), (), 1, id="Its answer is there."),
        pytest.param(an_operation(account=OTHER_ACCOUNT), (), (), 0, id="One in another account."),
        pytest.param(RESET, (token(1, "a"),), (), 2, id="A reset whose answer may still come."),
        pytest.param(
            RESET, (token(1, "a"), token(2, "a", name="token of a 2")), (), 2, id="Its answer is there, too."
        ),
        pytest.param(RESET, (), (), 1, id="A reset of a token that is gone."),
        pytest.param(None, (), ("a",), 1, id="A token is being issued, before that is on record."),
        pytest.param(None, (), ("b",), 0, id="A token is being issued for another."),
        pytest.param(CREATE, (), ("a",), 1, id="It counts once when it is on record."),
    ],
)
def test_token_being_issued_counts(
    claim: OperationStatus | None, tokens: tuple[RemoteToken, ...], issuing: tuple[str, ...], others: int
) -> None:
    younger = member("a", DAY - SECOND, claim=claim)

    assert others == counted(younger, tokens=tokens, issuing=issuing).others


@pytest.mark.parametrize(
    ("own", "others", "reserved", "refused"),
    [
        pytest.param(0, 2, 0, False, id="A first one takes the last place."),
        pytest.param(0, 3, 0, True, id="There is no place for a first one."),
        pytest.param(0, 2, 1, True, id="The last place is kept for an older one."),
        pytest.param(1, 2, 0, False, id="A rotation may exceed it by one."),
        pytest.param(1, 9, 9, False, id="A rotation may exceed it, whatever others have."),
        pytest.param(2, 0, 9, False, id="A second rotation takes a free place."),
        pytest.param(2, 1, 0, True, id="A second rotation waits for the end of an overlap."),
        pytest.param(3, 0, 0, True, id="So does a third."),
    ],
)
def test_limit_of_three_decides_which_object_gets_another_token(
    own: int, others: int, reserved: int, *, refused: bool
) -> None:
    assert refused == are_too_many(3, TokenCount(others, own, reserved))


def test_of_several_new_ones_at_once_just_as_many_are_served_as_there_are_places() -> None:
    new = [member(name, age * DAY) for name, age in (("c", 3), ("a", 1), ("b", 2), ("d", 1))]
    served = [me.name for me in new if not are_too_many(2, counted(*new, me=me))]

    assert ["c", "b"] == served


def test_one_that_is_being_served_holds_its_place_against_an_older_one_that_comes_later() -> None:
    younger, older = member("younger", DAY, claim=CREATE), member("older", 2 * DAY)

    assert are_too_many(1, counted(younger, me=older))
    assert are_too_many(1, counted(replace(younger, claim=None), me=older, issuing=("younger",)))
