"""Whether an account and its credential must stay, whom a deletion waits for, and who gets no token there any more."""

from dataclasses import replace
from datetime import datetime

import pytest

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, FINALIZER
from mailtrap_operator.api.v1alpha1 import (
    Account,
    AccountSpec,
    AccountStatus,
    ApiToken,
    Metadata,
    SecretKeyRef,
)
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.protection import (
    CredentialSecret,
    condition_of,
    is_held,
    is_terminating,
    may_have_tokens,
    secret_must_be_held,
    secrets_to_release,
)
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row


def an_account(
    *, recorded: str | None = None, deleted_at: datetime | None = None, finalizers: tuple[str, ...] = ()
) -> Account:
    """Return an account whose credential is in the Secret `present`; `recorded` is the one that its status names."""
    meta = Metadata(
        name="default",
        uid="u",
        resource_version="1",
        generation=1,
        creation_timestamp=NOW - 90 * DAY,
        deletion_timestamp=deleted_at,
        finalizers=finalizers,
    )
    spec = AccountSpec(account_id=3229, credentials_secret_ref=SecretKeyRef(name="present"))
    status = AccountStatus(credentials_secret=recorded)
    return Account(kind="ClusterMailtrapAccount", metadata=meta, spec=spec, status=status)


FREE = CredentialSecret("mailtrap-system", "present", "5", ("example.com/other",), is_terminating=False)
HELD = replace(FREE, finalizers=("example.com/other", CREDENTIAL_FINALIZER))
GOING = replace(HELD, is_terminating=True)
TERMINATING_ACCOUNT = an_account(deleted_at=NOW, finalizers=(ACCOUNT_FINALIZER,), recorded="present")


@pytest.mark.parametrize(
    ("api_token", "may"),
    [
        pytest.param(
            an_api_token(status=WIPED, finalizers=()), False, id="It never came to issuing a token."
        ),
        pytest.param(
            an_api_token(status=WIPED, finalizers=("example.com/other",)),
            False,
            id="Only others' finalizers hold it.",
        ),
        pytest.param(
            an_api_token(status=WIPED, finalizers=(FINALIZER,)),
            True,
            id="It has our finalizer: its status may be lost.",
        ),
        pytest.param(an_api_token(finalizers=()), True, id="Someone took its finalizer away."),
        pytest.param(
            an_api_token(status=a_status(current=None, previous=(a_previous(2),)), finalizers=()),
            True,
            id="A token is retired.",
        ),
        pytest.param(
            an_api_token(status=a_status(current=None, operation=an_operation()), finalizers=()),
            True,
            id="A token is being made.",
        ),
    ],
)
def test_an_object_uses_its_accounts_when_it_may_have_tokens(api_token: ApiToken, *, may: bool) -> None:
    assert may == may_have_tokens(api_token)


@pytest.mark.parametrize(
    ("recorded", "secret", "is_used", "freed"),
    [
        pytest.param("present", HELD, True, (), id="In use, the present Secret stays."),
        pytest.param("present", HELD, False, ("present",), id="Out of use, it goes."),
        pytest.param("former", FREE, True, ("former",), id="The reference changed: the former one goes."),
        pytest.param(
            "former", HELD, False, ("former", "present"), id="Out of use, both go that have a finalizer."
        ),
        pytest.param(None, FREE, False, (), id="Never used: there is nothing to do, and nothing to read."),
        pytest.param(None, None, False, (), id="Never used, and its Secret does not exist."),
        pytest.param(
            None, HELD, False, ("present",), id="The record is lost, but the Secret has the finalizer."
        ),
        pytest.param("present", None, False, ("present",), id="On record, and not seen."),
        pytest.param(
            None,
            replace(HELD, name="former"),
            True,
            ("former",),
            id="The record is lost and the reference changed.",
        ),
    ],
)
def test_a_secret_is_released_that_need_not_stay(
    recorded: str | None, secret: CredentialSecret | None, freed: tuple[str, ...], *, is_used: bool
) -> None:
    assert freed == secrets_to_release(an_account(recorded=recorded), secret, is_used=is_used)


@pytest.mark.parametrize(
    ("recorded", "secret", "must"),
    [
        pytest.param("present", FREE, True, id="It lacks the finalizer."),
        pytest.param("present", HELD, False, id="It has the finalizer."),
        pytest.param(
            "present",
            replace(FREE, is_terminating=True),
            False,
            id="It is being deleted and takes no finalizer any more.",
        ),
        pytest.param(None, FREE, False, id="The status does not say so yet."),
        pytest.param("former", FREE, False, id="The status names another one."),
        pytest.param("former", replace(FREE, name="former"), False, id="It is not the one to come."),
    ],
)
def test_the_secret_of_an_account_in_use_is_held_once_that_is_on_record(
    recorded: str | None, secret: CredentialSecret, *, must: bool
) -> None:
    assert must == secret_must_be_held(an_account(recorded=recorded), secret)


def test_it_is_seen_of_an_account_whether_it_is_held_and_whether_it_goes() -> None:
    assert (True, True) == (is_held(TERMINATING_ACCOUNT), is_terminating(TERMINATING_ACCOUNT))
    assert (False, False) == (
        is_held(an_account(finalizers=("example.com/x",))),
        is_terminating(an_account()),
    )


USER = ApiTokenKey("shop", "billing")
MANY = [ApiTokenKey("shop", f"t{number:02}") for number in range(13)]


def test_a_deletion_that_waits_says_for_whom_and_what_to_do() -> None:
    message = (
        "The account is being deleted; that waits for the ApiTokens that may have tokens there, 1: shop/billing. "
        "Delete them, or name another account in their spec.accountRef. No further ApiToken gets a token here."
    )

    told = condition_of(TERMINATING_ACCOUNT, HELD, [USER])
    assert ("DeletionBlocked", "True", Reason.ACCOUNT_IN_USE, message) == told


def test_it_names_ten_of_many() -> None:
    told = condition_of(TERMINATING_ACCOUNT, HELD, MANY)

    assert told is not None
    assert "there, 13: shop/t00, shop/t01, " in told[3]
    assert "shop/t09 and 3 more." in told[3]


def test_the_deletion_of_the_secret_alone_says_how_to_continue() -> None:
    told = condition_of(an_account(), GOING, [USER])

    assert told is not None
    assert Reason.CREDENTIAL_IN_USE == told[2]
    assert "Secret mailtrap-system/present with the credential is being deleted" in told[3]
    assert "put the credential into another Secret and name that in spec.credentialsSecretRef." in told[3]


@pytest.mark.parametrize(
    ("account", "secret", "users"),
    [
        pytest.param(an_account(), HELD, [USER], id="Nothing is being deleted."),
        pytest.param(an_account(), None, [USER], id="There is no Secret."),
        pytest.param(TERMINATING_ACCOUNT, GOING, [], id="No one uses it: it goes."),
    ],
)
def test_there_is_no_condition_when_no_deletion_waits(
    account: Account, secret: CredentialSecret | None, users: list[ApiTokenKey]
) -> None:
    assert None is condition_of(account, secret, users)


UNUSED = an_api_token(status=WIPED, finalizers=())
REFUSED = (State.STALLED, Reason.ACCOUNT_DELETING)
MOVED = an_api_token(account_ref=OTHER_ACCOUNT)
OVERDUE = an_api_token(
    account_ref=OTHER_ACCOUNT, status=a_status(previous=(a_previous(2, delete_after=NOW - HOUR),))
)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object gets no token there.",
            seen(UNUSED, secret=None, listed=(), is_account_terminating=True),
            says=REFUSED,
            records=Noted(current=None, secret_name=None),
            works=False,
        ),
        row(
            "Nor is it reported what else is wrong with the account.",
            seen(UNUSED, secret=None, listed=TIMEOUT, is_account_terminating=True),
            says=REFUSED,
            records=Noted(current=None, secret_name=None),
            works=False,
        ),
        row(
            "An object whose token is gone gets no other.",
            seen(listed=(), is_account_terminating=True),
            says=REFUSED,
            works=False,
        ),
        row(
            "An object that is moved there stays with the token that it has.",
            seen(MOVED, listed=(), listed_elsewhere=(TOKEN_1,), is_account_terminating=True),
            says=REFUSED,
        ),
        row(
            "While it waits its old tokens go in time.",
            seen(
                OVERDUE, listed=(), listed_elsewhere=(TOKEN_1, a_remote_token(2)), is_account_terminating=True
            ),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
        ),
        row(
            "An object that is served continues.",
            seen(is_account_terminating=True),
            says=(State.READY, Reason.TOKEN_PUBLISHED),
        ),
        row(
            "An object that is served is rotated: its token holds the account anyway.",
            seen(
                an_api_token(status=a_status(current=a_current(expires_at=NOW + HOUR))),
                secret=a_secret(),
                listed=(a_remote_token(expires_at=NOW + HOUR),),
                is_account_terminating=True,
            ),
            does="reset 1",
            says=(State.PROGRESSING, Reason.RENEWAL_DUE),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A suspended object speaks of nothing else.",
            seen(
                an_api_token(status=WIPED, finalizers=(), suspend=True),
                secret=None,
                listed=(),
                is_account_terminating=True,
            ),
            says=(State.READY, Reason.SUSPENDED),
            records=Noted(current=None, secret_name=None),
            works=False,
        ),
    ],
)
def test_an_account_terminating_takes_no_one_in(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_refusal_says_what_to_do() -> None:
    message = plan(seen(UNUSED, secret=None, listed=(), is_account_terminating=True), NOW).finding.message

    assert (
        "ClusterMailtrapAccount default is being deleted and issues no new tokens. Name another account in spec.accountRef."
    ) == message
