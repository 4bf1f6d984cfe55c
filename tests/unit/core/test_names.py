"""Keys, references and priorities: how objects, their Secrets and their accounts are named, and who goes first."""

import pytest

from mailtrap_operator.api.v1alpha1 import AccountRef
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, account_key
from mailtrap_operator.core.observation import Absent, Found, SecretState, Unknown
from mailtrap_operator.core.priorities import LastServed, Priority, aged
from mailtrap_operator.core.references import (
    account_refs,
    former_secret_name,
    ids_on_record,
    own_secret,
    secret_name,
)
from tests.unit.core.builders import (
    ACCOUNT,
    INSTALLATION,
    OTHER_ACCOUNT,
    TIMEOUT,
    WIPED,
    a_current,
    a_foreign_secret,
    a_previous,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    an_issuance,
    an_operation,
    seen,
)

LOCAL = AccountRef(kind="MailtrapAccount", name="team")


def test_keys_read_like_names() -> None:
    assert "shop/billing" == str(ApiTokenKey("shop", "billing"))
    assert "MailtrapAccount shop/team" == str(AccountKey("MailtrapAccount", "shop", "team"))
    assert "ClusterMailtrapAccount default" == str(AccountKey("ClusterMailtrapAccount", None, "default"))


def test_a_mailtrap_account_is_looked_up_in_the_objects_own_namespace() -> None:
    assert AccountKey("MailtrapAccount", "shop", "team") == account_key(LOCAL, "shop")
    assert AccountKey("ClusterMailtrapAccount", None, "default") == account_key(ACCOUNT, "shop")


def test_an_account_is_referred_to_as_its_users_do() -> None:
    assert LOCAL == account_key(LOCAL, "shop").ref
    assert ACCOUNT == account_key(ACCOUNT, "shop").ref


def test_deletions_and_ends_go_before_changes_and_changes_before_routine() -> None:
    assert [Priority.URGENT, Priority.CHANGE, Priority.ROUTINE] == sorted(Priority)


@pytest.mark.parametrize(
    ("waited", "priorities"),
    [(0.0, [0, 1, 2]), (29.9, [0, 1, 2]), (30.0, [0, 0, 1]), (60.0, [0, 0, 0]), (1e9, [0, 0, 0])],
)
def test_priorities_age(waited: float, priorities: list[int]) -> None:
    assert priorities == [aged(priority, waited) for priority in Priority]


def test_anyone_who_was_served_last_comes_last_and_a_bounded_number_is_kept_in_mind() -> None:
    served = LastServed()
    for who in (1, 2, 1):
        served.note(who)
    assert [3, 2, 1] == sorted([1, 2, 3], key=served.rank)

    for who in range(2, 1002):
        served.note(who)
    assert (0, True) == (served.rank(1), served.rank(2) > 0)


def test_the_secret_has_the_objects_name_unless_another_is_desired() -> None:
    assert "billing" == secret_name(an_api_token())
    assert "wished" == secret_name(an_api_token(secret_name="wished"))


def test_the_value_moves_from_the_secret_on_record_when_another_name_is_desired() -> None:
    assert former_secret_name(an_api_token()) is None
    assert former_secret_name(an_api_token(status=WIPED, secret_name="wished")) is None
    assert "billing" == former_secret_name(an_api_token(secret_name="wished"))


def ref(name: str) -> AccountRef:
    return AccountRef(name=name)


def test_every_account_is_looked_at_where_a_token_of_the_object_may_live() -> None:
    api_token = an_api_token(
        account_ref=ref("wished"),
        status=a_status(
            operation=an_operation(account=ref("begun")),
            current=a_current(),
            previous=(a_previous(2, account=ref("first")), a_previous(3, account=ref("second"))),
        ),
    )
    held = a_secret(issuance=an_issuance(account=OTHER_ACCOUNT))

    assert {ref("wished"), ref("begun"), ACCOUNT, ref("first"), ref("second"), OTHER_ACCOUNT} == set(
        account_refs(api_token, held)
    )


def test_the_desired_account_comes_first_and_none_comes_twice() -> None:
    api_token = an_api_token(
        account_ref=OTHER_ACCOUNT, status=a_status(previous=(a_previous(2), a_previous(3)))
    )

    assert (OTHER_ACCOUNT, ACCOUNT) == account_refs(api_token, a_secret())
    assert (OTHER_ACCOUNT, ACCOUNT) == account_refs(api_token)


def test_a_secret_that_tells_nothing_adds_no_account() -> None:
    new = an_api_token(status=WIPED)

    assert (ACCOUNT,) == account_refs(new, None)
    assert (ACCOUNT,) == account_refs(new, a_secret(issuance=None))


@pytest.mark.parametrize(
    ("secret", "is_own"),
    [
        pytest.param(Found(a_secret()), True, id="it has our mark"),
        pytest.param(Found(an_edited_secret()), True, id="it has our mark, its value is lost"),
        pytest.param(Found(a_secret(owner="aaaaaa-siblingaaa")), False, id="it is another object's"),
        pytest.param(Found(a_foreign_secret()), False, id="it has no mark"),
        pytest.param(Absent(), False, id="it is not there"),
        pytest.param(TIMEOUT, False, id="it cannot be read"),
    ],
)
def test_only_a_secret_with_our_mark_is_believed(
    secret: Found[SecretState] | Absent | Unknown,
    is_own: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_own == (own_secret(secret, an_api_token(), INSTALLATION) is not None)


def test_ids_on_record_are_those_that_status_and_secret_place_in_an_account() -> None:
    there = a_previous(5, account=OTHER_ACCOUNT)
    api_token = an_api_token(status=a_status(previous=(a_previous(4), there)))
    world = seen(api_token, secret=a_secret(6, issuance=an_issuance(account=OTHER_ACCOUNT)))

    assert {1, 4} == ids_on_record(world, ACCOUNT)
    assert {5, 6} == ids_on_record(world, OTHER_ACCOUNT)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(None, id="no Secret"),
        pytest.param(a_secret(None), id="a Secret without the token's id"),
        pytest.param(a_secret(issuance=None), id="a Secret without the issuance"),
        pytest.param(an_edited_secret(9), id="an edited Secret: its id may be anyone's"),
        pytest.param(a_secret(9, owner="aaaaaa-siblingaaa"), id="another object's Secret"),
        pytest.param(
            a_secret(9, issuance=an_issuance(account=OTHER_ACCOUNT)), id="a Secret of another account"
        ),
        pytest.param(TIMEOUT, id="a Secret that cannot be read"),
    ],
)
def test_a_secret_that_proves_nothing_adds_no_id(secret: SecretState | Unknown | None) -> None:
    assert frozenset() == ids_on_record(seen(an_api_token(status=WIPED), secret=secret), ACCOUNT)


def test_the_token_that_a_deletion_deleted_last_is_not_looked_for_any_more() -> None:
    deleted = a_status(current=None, operation=an_operation("Delete", base=1))

    assert set() == ids_on_record(seen(an_api_token(status=deleted)), ACCOUNT)
