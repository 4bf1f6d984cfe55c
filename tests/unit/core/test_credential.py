"""The credential that manages an account: which token it is, when it ends, and that it is neither reset nor deleted."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import pytest

from mailtrap_operator.api.v1alpha1 import CredentialToken, SecretKeyRef
from mailtrap_operator.core.actions import Notice, RevokeToken, State
from mailtrap_operator.core.credential import Credential, credential_among, why_it_is_expiring
from mailtrap_operator.core.keys import AccountKey, account_key
from mailtrap_operator.core.observation import CredentialInUse, Observation, Permission, RemoteToken
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    LOST_NONCE,
    MINUTE,
    NAMESPACE,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    TOKEN_1,
    a_credential,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.deleting import claimed, deleting
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

OWN = a_remote_token(9, tag=None, expires_at=NOW + DAY)
PLACE = SecretKeyRef(name="mailtrap-credentials")


@pytest.mark.parametrize(
    ("listed", "token"),
    [
        pytest.param(
            [TOKEN_1, OWN], CredentialToken(token_id=9, last_four="0009", expires_at=NOW + DAY), id="one"
        ),
        pytest.param([TOKEN_1], None, id="The credential may not see its own token."),
        pytest.param(
            [OWN, a_remote_token(10_009)],
            CredentialToken(token_id=9, last_four="0009", expires_at=NOW + DAY),
            id="Another one ends alike, but not in four.",
        ),
        pytest.param([OWN, OWN], None, id="Two end alike: it is not told which one it is."),
    ],
)
def test_the_list_tells_which_token_the_credential_is(
    listed: Iterable[RemoteToken], token: CredentialToken | None
) -> None:
    assert Credential("0009", token) == credential_among(listed, "0009")


@pytest.mark.parametrize(
    ("marked_id", "told"),
    [
        pytest.param(9, 9, id="one of those that end alike"),
        pytest.param(1, None, id="one that ends otherwise"),
        pytest.param(7, None, id="one that is not there"),
        pytest.param(None, None, id="none"),
    ],
)
def test_the_marks_of_its_secret_choose_among_those_that_end_alike(
    marked_id: int | None, told: int | None
) -> None:
    alike = replace(OWN, id=8)

    found = credential_among([TOKEN_1, alike, OWN], "0009", marked_id)

    assert told == (found.token and found.token.token_id)


def test_the_marks_of_its_secret_do_not_count_against_the_list() -> None:
    found = credential_among([TOKEN_1, OWN], "0009", 1)

    assert found == credential_among([TOKEN_1, OWN], "0009")


@pytest.mark.parametrize(
    ("expires_at", "is_told"),
    [
        (None, False),
        (NOW + 30 * DAY + SECOND, False),
        (NOW + 30 * DAY, True),
        (NOW - DAY, True),
    ],
)
def test_a_credential_that_ends_within_thirty_days_is_reported(
    expires_at: datetime | None, *, is_told: bool
) -> None:
    credential = CredentialToken(token_id=9, last_four="0009", expires_at=expires_at)

    assert is_told == bool(why_it_is_expiring(credential, PLACE, NOW))


def test_message_names_the_token_its_end_and_what_to_do() -> None:
    credential = CredentialToken(token_id=9, last_four="0009", expires_at=NOW + DAY)

    assert (
        "The credential, token 9 (…0009), expires at 2030-02-01T12:00:00Z; then nothing can be issued, rotated or "
        "deleted. Put another token into key 'token' of Secret mailtrap-credentials; no restart is needed."
    ) == why_it_is_expiring(credential, PLACE, NOW)


def test_a_token_in_use_is_not_reset_but_replaced() -> None:
    assert ("reset 1", "create") == (
        decision(seen(secret=None, credential="0009")).does,
        decision(seen(secret=None, credential="0001")).does,
    )


def overdue(*ids: int, credential: str | None = "0002") -> Observation:
    status = a_status(previous=tuple(a_previous(id_, delete_after=NOW - HOUR) for id_ in ids))
    listed = (TOKEN_1, *(a_remote_token(id_) for id_ in ids))
    return seen(an_api_token(status=status), listed=listed, credential=credential)


READY = (State.READY, Reason.TOKEN_PUBLISHED)
REVOKING = (State.PROGRESSING, Reason.REVOKING)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("It stays, and is looked at again.", overdue(2), says=READY, again=MINUTE),
        row(
            "The others go.",
            overdue(2, 3),
            does="revoke 3",
            says=REVOKING,
            records=Noted(previous=(Leaving(2, -HOUR),)),
        ),
        row(
            "The account has another credential: it goes.",
            overdue(2, credential="0009"),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "It is not listed any more, and goes by what is on record of it.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),))), credential="0002"
            ),
            says=READY,
            again=MINUTE,
        ),
    ],
)
def test_an_old_token_in_use_is_not_deleted(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_an_old_token_in_use_is_reported_once_its_overlap_is_over() -> None:
    leaving = an_api_token(status=a_status(previous=(a_previous(2),)))
    message = (
        "Token 2 is not deleted: it ends with …0002, as does the credential that the operator works with. "
        "Put another token into the credentials Secret of ClusterMailtrapAccount default."
    )

    assert (Notice("RevocationPending", Reason.CREDENTIAL_IN_USE, message),) == plan(overdue(2), NOW).notices
    assert () == plan(seen(leaving, listed=(TOKEN_1, a_remote_token(2)), credential="0002"), NOW).notices
    assert () == plan(overdue(2, credential=None), NOW).notices


IN_USE = (State.BLOCKED, Reason.CREDENTIAL_IN_USE)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("It is the only one.", seen(claimed(), credential="0001"), says=IN_USE, works=False),
        row(
            "The others go first.",
            seen(claimed(previous=(2,)), listed=(TOKEN_1, a_remote_token(2)), credential="0001"),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.DELETING),
            records=Noted("Delete "),
            works=False,
        ),
        row(
            "It is not listed.",
            seen(claimed(), secret=None, listed=(), credential="0001"),
            says=IN_USE,
            works=False,
        ),
        row(
            "No one knows it.",
            seen(
                claimed(current=None),
                secret=None,
                listed=(a_remote_token(5, nonce=LOST_NONCE),),
                credential="0005",
            ),
            says=IN_USE,
            works=False,
        ),
        row(
            "The tokens stay anyway.",
            seen(deleting(deletion_policy="Retain"), credential="0001"),
            does="let go",
            says=(State.PROGRESSING, Reason.RETAINED),
            works=False,
        ),
    ],
)
def test_a_deletion_waits_for_a_token_in_use(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("world", "place"),
    [
        pytest.param(
            seen(claimed(creation_policy="Orphan"), credential="0001"),
            "the credentials Secret of ClusterMailtrapAccount default",
            id="Its Secret stays.",
        ),
        pytest.param(
            seen(claimed(), credential="0001"),
            "another Secret, and name that in spec.credentialsSecretRef of ClusterMailtrapAccount default",
            id="Its Secret goes with it.",
        ),
        pytest.param(
            seen(claimed(), secret=None, credential="0001"),
            "the credentials Secret of ClusterMailtrapAccount default",
            id="Its Secret is gone.",
        ),
    ],
)
def test_a_deletion_that_waits_for_a_token_in_use_says_what_to_do(world: Observation, place: str) -> None:
    assert (
        "Deletion waits, tokens may be left in Mailtrap: Token 1 is not deleted: it ends with …0001, as does the "
        f"credential that the operator works with. Put another token into {place}. To give them up, set the annotation "
        'mailtrap-operator.io/abandon-remote-tokens: "true".'
    ) == plan(world, NOW).finding.message


def test_a_token_that_another_account_object_works_with_stays_and_it_is_said_whose_it_is() -> None:
    beside = AccountKey("MailtrapAccount", "mail", "second")

    def with_two(world: Observation) -> Observation:
        own, others = a_credential(world.account.ref, "0009"), ("0001", "0002")
        used = (*own, *(CredentialInUse(beside, last_four) for last_four in others))
        return replace(world, accounts=(replace(world.account, credentials=used),))

    assert "create" == decision(with_two(seen(secret=None))).does
    assert None is plan(with_two(overdue(2)), NOW).action
    assert (
        plan(with_two(overdue(2)), NOW)
        .notices[0]
        .message.endswith("Put another token into the credentials Secret of MailtrapAccount mail/second.")
    )
    assert IN_USE[1] == plan(with_two(seen(claimed())), NOW).finding.reason


def test_where_it_is_known_which_token_the_credential_is_no_other_one_that_ends_alike_stays() -> None:
    def managed_with(token_id: int) -> Observation:
        world = overdue(2)
        credential = CredentialInUse(account_key(world.account.ref, NAMESPACE), "0002", token_id)
        return replace(world, accounts=(replace(world.account, credentials=(credential,)),))

    assert RevokeToken is type(plan(managed_with(9), NOW).action)
    assert None is plan(managed_with(2), NOW).action


def test_the_same_last_characters_in_another_account_do_not_matter() -> None:
    elsewhere = a_previous(2, delete_after=NOW, account=OTHER_ACCOUNT)
    token = a_remote_token(2, account=OTHER_ACCOUNT)
    world = seen(an_api_token(status=a_status(previous=(elsewhere,))), listed_elsewhere=(token,))
    here, there = world.accounts

    def with_credentials(first: str, second: str) -> Observation:
        views = (
            replace(view, credentials=a_credential(view.ref, last_four))
            for view, last_four in ((here, first), (there, second))
        )
        return replace(world, accounts=tuple(views))

    assert RevokeToken is type(plan(with_credentials("0002", "0009"), NOW).action)
    assert None is plan(with_credentials("0009", "0002"), NOW).action


@pytest.mark.parametrize(
    ("permissions", "sees_all"),
    [
        pytest.param((Permission("account", "3229", "Admin"),), True, id="it administers the account"),
        pytest.param((Permission("account", "3229", "Viewer"),), False, id="it only looks on"),
        pytest.param((Permission("domain", "7", "Admin"),), False, id="it administers a part"),
        pytest.param(None, False, id="Mailtrap does not tell"),
    ],
)
def test_a_credential_sees_all_tokens_only_where_it_administers_the_account(
    permissions: tuple[Permission, ...] | None, *, sees_all: bool
) -> None:
    credential = replace(a_remote_token(7), permissions=permissions)

    assert sees_all == credential_among((TOKEN_1, credential), "0007").sees_all
