"""Which tokens are orphans, since when, which of them may go, and what the account says of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import pytest

from mailtrap_operator.api.v1alpha1 import (
    Account,
    AccountSpec,
    AccountStatus,
    Metadata,
    OrphanToken,
    RetainedOwner,
    SecretKeyRef,
)
from mailtrap_operator.core.observation import RemoteToken, Unknown
from mailtrap_operator.core.orphans import (
    MOST_AT_ONCE,
    MOST_ON_RECORD,
    MOST_RETAINED,
    MOST_RETAINED_OF_ONE,
    Swept,
    belongs_to,
    condition_of,
    due,
    is_held,
    orphans_among,
    recorded,
    retained_owners,
    with_retained,
)
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    FOREIGN_TAG,
    HOUR,
    INSTALLATION,
    NAMESPACE,
    NONCE,
    NOW,
    SECOND,
    a_remote_token,
)

LOST_OWNER = "lostaaaaaa"
LOST = Tag(INSTALLATION, LOST_OWNER, NONCE)


def lost(id_: int, tag: Tag | None = LOST) -> RemoteToken:
    """Return a token whose owner is no one's."""
    return a_remote_token(id_, tag=tag)


def an_orphan(id_: int, seen_at: datetime = NOW - HOUR) -> OrphanToken:
    """Return the record of an orphan."""
    return OrphanToken(id=id_, last_four=f"{id_:04}", name=lost(id_).name, seen_at=seen_at)


NOBODY: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("token", "retained", "owners", "is_orphan"),
    [
        pytest.param(lost(7), (), NOBODY, True, id="No one lays claim to a token with our tag."),
        pytest.param(lost(7, None), (), NOBODY, False, id="A token without a tag is a person's."),
        pytest.param(lost(7, FOREIGN_TAG), (), NOBODY, False, id="It has another installation's tag."),
        pytest.param(lost(7), (), (LOST_OWNER,), False, id="Its owner lives."),
        pytest.param(lost(7), (), ("another",), True, id="Only others live."),
        pytest.param(lost(7), (LOST_OWNER,), NOBODY, False, id="Its owner left it on purpose."),
        pytest.param(lost(7), ("another",), NOBODY, True, id="Another owner left tokens on purpose."),
    ],
)
def test_an_orphan_has_our_tag_and_belongs_to_no_one(
    token: RemoteToken, retained: tuple[str, ...], owners: tuple[str, ...], *, is_orphan: bool
) -> None:
    found = orphans_among((token,), INSTALLATION, retained, lambda each: belongs_to(each, owners))

    assert (token,) * is_orphan == found


def test_orphans_come_by_their_ids() -> None:
    assert (lost(3), lost(7)) == orphans_among((lost(7), lost(3)), INSTALLATION, (), lambda _: False)


def test_a_secret_holds_a_token_by_its_id_and_the_owner_in_its_tag() -> None:
    token = lost(7)
    assert token.tag is not None

    assert is_held(token, {(token.tag.owner, 7)})
    assert not is_held(token, {(token.tag.owner, 8), ("siblingaaa", 7)})
    assert not is_held(lost(7, None), {(token.tag.owner, 7)})


def test_a_token_without_a_tag_belongs_to_no_one() -> None:
    assert not belongs_to(lost(7, None), (LOST_OWNER,))


@pytest.mark.parametrize(
    ("found", "before", "record"),
    [
        pytest.param((), (), (), id="There are none."),
        pytest.param((lost(7),), (), (an_orphan(7, NOW),), id="A new one is seen from now on."),
        pytest.param((lost(7),), (an_orphan(7),), (an_orphan(7),), id="A known one keeps its date."),
        pytest.param((), (an_orphan(7),), (), id="One that is no orphan any more leaves the record."),
        pytest.param(
            (lost(3), lost(7)),
            (an_orphan(7),),
            (an_orphan(7), an_orphan(3, NOW)),
            id="The first seen comes first.",
        ),
    ],
)
def test_it_is_on_record_since_when_a_token_has_been_an_orphan(
    found: tuple[RemoteToken, ...], before: tuple[OrphanToken, ...], record: tuple[OrphanToken, ...]
) -> None:
    assert record == recorded(found, before, NOW)


def test_the_record_is_bounded_and_keeps_those_that_were_there() -> None:
    many = tuple(lost(id_) for id_ in range(1, MOST_ON_RECORD + 2))

    assert MOST_ON_RECORD == len(recorded(many, (), NOW))
    assert an_orphan(101) == recorded(many, (an_orphan(101),), NOW)[0]


def test_what_goes_into_the_record_fits_it() -> None:
    nameless, long = replace(lost(7), name=""), replace(lost(8), name="n" * 300)

    assert [None, "n" * 255] == [orphan.name for orphan in recorded((nameless, long), (), NOW)]
    assert (
        NOW == recorded((lost(7),), (), NOW + timedelta(milliseconds=500))[0].seen_at
    )  # as it is read again


@pytest.mark.parametrize(
    ("age", "is_due"),
    [
        (HOUR, False),
        (DAY - SECOND, False),
        (DAY, False),
        (DAY + SECOND, True),
        (90 * DAY, True),
        (-90 * DAY, False),
    ],
    ids=str,
)
def test_an_orphan_is_due_when_it_has_been_one_for_longer_than_a_day(age: timedelta, *, is_due: bool) -> None:
    assert (7,) * is_due == due((an_orphan(7, NOW - age),), NOW)


def test_a_reconcile_deletes_a_few_and_tries_those_last_that_were_refused() -> None:
    record = tuple(an_orphan(id_, NOW - 2 * DAY) for id_ in range(1, MOST_AT_ONCE + 3))

    assert tuple(range(1, MOST_AT_ONCE + 1)) == due(record, NOW)
    assert (*range(3, MOST_AT_ONCE + 3),) == due(record, NOW, refused={1, 2})
    assert (2, 1) == due(record[:2], NOW, refused={1})


def left(*owners: str, namespace: str = NAMESPACE) -> tuple[RetainedOwner, ...]:
    """Return the record of ApiTokens that have left their tokens on purpose."""
    return tuple(RetainedOwner(owner=owner, namespace=namespace) for owner in owners)


def some(namespace: str, count: int) -> tuple[RetainedOwner, ...]:
    """Return so many of a namespace."""
    return left(*(f"{namespace}-{number}" for number in range(count)), namespace=namespace)


FULL = some(NAMESPACE, MOST_RETAINED_OF_ONE)
FULL_OF_OTHERS = tuple(
    each
    for number in range(MOST_RETAINED // MOST_RETAINED_OF_ONE)
    for each in some(f"n{number}", MOST_RETAINED_OF_ONE)
)


@pytest.mark.parametrize(
    ("before", "living", "after"),
    [
        pytest.param((), set(), left("new"), id="It is the first."),
        pytest.param(left("new"), set(), left("new"), id="It is on record already."),
        pytest.param(
            left("old"),
            set(),
            left("old", "new"),
            id="A list that lacks the others' tokens may be a short one.",
        ),
        pytest.param(
            FULL, {"shop-7"}, left("shop-7", "new"), id="Those without tokens go when room is needed."
        ),
        pytest.param(FULL, {each.owner for each in FULL}, None, id="All have tokens: there is no room."),
        pytest.param(FULL, None, None, id="Who has tokens is not known: there is no room."),
        pytest.param(
            some("other", MOST_RETAINED_OF_ONE),
            None,
            (*some("other", MOST_RETAINED_OF_ONE), *left("new")),
            id="Another namespace that has filled its share blocks itself alone.",
        ),
        pytest.param(FULL_OF_OTHERS, None, None, id="The whole record is full."),
        pytest.param(
            FULL_OF_OTHERS, {"n3-3"}, (*left("n3-3", namespace="n3"), *left("new")), id="Most of it is dead."
        ),
    ],
)
def test_owners_whose_tokens_stay_on_purpose_are_kept_as_long_as_there_is_room(
    before: tuple[RetainedOwner, ...], living: set[str] | None, after: tuple[RetainedOwner, ...] | None
) -> None:
    (new,) = left("new")

    assert after == with_retained(before, new, living)


def test_the_record_of_earlier_versions_still_counts() -> None:
    status = AccountStatus(retained_owners=("old",), retained=left("new"))

    assert {"old", "new"} == retained_owners(status)


def an_account(policy: Literal["Report", "Delete"] = "Report") -> Account:
    """Return an account object."""
    meta = Metadata(
        name="default", uid="u", resource_version="1", generation=1, creation_timestamp=NOW - 90 * DAY
    )
    ref = SecretKeyRef(name="credentials")
    spec = AccountSpec(account_id=3229, credentials_secret_ref=ref, orphan_policy=policy)
    return Account(kind="ClusterMailtrapAccount", metadata=meta, spec=spec, status=AccountStatus())


TWO = Swept((lost(3), lost(7)), ())
CAUSE = "2 of the tokens with the tag of this installation (aaaaaa) belong to no ApiToken: 3, 7. "
REFUSED = Unknown(Reason.DELETION_REFUSED, "Token 3 may not be deleted.")


@pytest.mark.parametrize(
    ("swept", "policy", "may_delete", "reason", "advice"),
    [
        pytest.param(
            TWO,
            "Report",
            True,
            Reason.ORPHANED,
            "Delete them in Mailtrap if no one uses them, or set spec.orphanPolicy to Delete.",
            id="They are only reported.",
        ),
        pytest.param(
            TWO,
            "Delete",
            True,
            Reason.ORPHANED,
            "Each is deleted after it has been an orphan for 1d (status.orphans).",
            id="They will be deleted.",
        ),
        pytest.param(
            TWO,
            "Delete",
            False,
            Reason.ORPHANED,
            "The operator only plans (DRY_RUN): it deletes none of them.",
            id="They would be deleted.",
        ),
        pytest.param(
            replace(TWO, failure=REFUSED),
            "Delete",
            True,
            Reason.DELETION_REFUSED,
            "Not all that are due could be deleted: Token 3 may not be deleted. The next reconcile retries.",
            id="They could not be deleted.",
        ),
    ],
)
def test_the_condition_names_the_orphans_and_says_what_to_do(
    swept: Swept, policy: Literal["Report", "Delete"], reason: Reason, advice: str, *, may_delete: bool
) -> None:
    told = condition_of(swept, an_account(policy), INSTALLATION, may_delete=may_delete)

    assert ("OrphansFound", "True", reason, CAUSE + advice) == told


def test_there_is_no_condition_without_orphans() -> None:
    assert None is condition_of(Swept((), ()), an_account(), INSTALLATION, may_delete=True)


def test_the_condition_names_a_few_of_many() -> None:
    many = Swept(tuple(lost(id_) for id_ in range(1, 24)), ())

    told = condition_of(many, an_account(), INSTALLATION, may_delete=True)
    assert told is not None
    assert "23 of the tokens" in told[3]
    assert "19, 20 and 3 more." in told[3]
