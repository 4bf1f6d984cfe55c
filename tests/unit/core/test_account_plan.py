"""What one reconcile of an account is to do, by what was seen of it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER
from mailtrap_operator.api.v1alpha1 import (
    Account,
    AccountPolicy,
    AccountSpec,
    AccountStatus,
    Condition,
    CredentialToken,
    Metadata,
    OrphanToken,
    SecretKeyRef,
)
from mailtrap_operator.clients.owned_tokens import by_owner
from mailtrap_operator.core.account_observation import AccountObservation, OrphanDeletion, Remembered, Terms
from mailtrap_operator.core.account_plan import plan_account, releasable_secrets
from mailtrap_operator.core.clocks import ClockDifference
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import CredentialInUse, Found, RemoteToken, Unknown
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.protection import CredentialSecret, Reach, Usage, fits, users_that_count
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import Reverted
from tests.unit.core.builders import DAY, HOUR, INSTALLATION, NONCE, NOW, TIMEOUT, a_remote_token

KEY = AccountKey("ClusterMailtrapAccount", None, "default")
OWN = AccountKey("MailtrapAccount", "shop", "default")
REACH = Reach(INSTALLATION, "mailtrap-system", sees_all=True, may_write=True)
SOME = replace(REACH, sees_all=False)
ONLY_PLANS = replace(REACH, may_write=False)
USER = ApiTokenKey("shop", "billing")
USERS_OWNER, LOST_OWNER = "billingaaa", "lostaaaaaa"
INTERVAL = timedelta(seconds=60)

FREE = CredentialSecret("mailtrap-system", "present", "5", (), is_terminating=False)
HELD = replace(FREE, finalizers=(CREDENTIAL_FINALIZER,))
SERVES_ALL = AccountPolicy.model_validate({"allowedNamespaces": {"names": ["*"]}})
SERVES_LABELLED = AccountPolicy.model_validate(
    {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}
)


def an_account(
    *,
    key: AccountKey = KEY,
    policy: AccountPolicy = SERVES_ALL,
    is_held: bool = False,
    is_terminating: bool = False,
    orphan_policy: str = "Delete",
    **status: Any,
) -> Account:
    """Return an account object whose credential is in the Secret `present`."""
    meta = Metadata(
        name=key.name,
        namespace=key.namespace,
        uid="u",
        resource_version="1",
        generation=1,
        creation_timestamp=NOW - 90 * DAY,
        deletion_timestamp=NOW if is_terminating else None,
        finalizers=(ACCOUNT_FINALIZER,) if is_held else (),
    )
    spec = AccountSpec(
        account_id=3229,
        credentials_secret_ref=SecretKeyRef(name="present"),
        policy=policy,
        refresh_interval=INTERVAL,
        orphan_policy=orphan_policy,
    )
    return Account(kind=key.kind, metadata=meta, spec=spec, status=AccountStatus(**status))


def owned_by(owner: str, id_: int = 7, installation: str = INSTALLATION) -> RemoteToken:
    """Return a token with an owner tag."""
    return a_remote_token(id_, tag=Tag(installation, owner, NONCE))


def a_usage(
    labels: dict[str, dict[str, str] | None] | None = None, tokens: Iterable[RemoteToken] | None = ()
) -> Usage:
    """Return who may have tokens in the account; the user's tokens have its tag."""
    return Usage(labels or {}, None if tokens is None else by_owner(tokens), {USERS_OWNER: USER}.get)


UNUSED = a_usage()
USED = a_usage({"shop": None})


def seen(account: Account | None = None, /, **others: Any) -> AccountObservation:
    """Return an account in use that was listed and reconciled before."""
    account = an_account() if account is None else account
    terms = Terms(account.spec, "credential", account.metadata.deletion_timestamp is not None)
    observation = AccountObservation(
        key=KEY,
        account=account,
        tokens=Found({}),
        reach=REACH,
        remembered=Remembered(terms),
        terms=terms,
        usage=UNUSED,
        holders=frozenset(),
        credential=None,
        in_use=(),
        credential_secret=FREE,
        clock_difference=ClockDifference(),
        reverted=(),
        retained=frozenset(),
        is_claimed=lambda _: False,
    )
    return replace(observation, **others)


GONE = replace(seen(), account=None, terms=None)


@pytest.mark.parametrize(
    ("observation", "finalizer", "holds", "releases"),
    [
        pytest.param(seen(usage=USED), "add", FREE, (), id="An account that someone uses is held."),
        pytest.param(
            seen(an_account(is_held=True), usage=USED, credential_secret=HELD),
            None,
            None,
            (),
            id="It is held once.",
        ),
        pytest.param(
            seen(an_account(is_terminating=True), usage=USED),
            None,
            FREE,
            (),
            id="One that is terminating takes no finalizer.",
        ),
        pytest.param(
            seen(usage=USED, credential_secret=None), "add", None, (), id="Its Secret does not exist."
        ),
        pytest.param(
            seen(an_account(is_held=True), credential_secret=HELD),
            "remove",
            None,
            ("present",),
            id="One that no one uses is released with its Secret.",
        ),
        pytest.param(
            seen(an_account(is_held=True), credential_secret=HELD, shared_secrets=frozenset({"present"})),
            "remove",
            None,
            (),
            id="The Secret stays that another account uses.",
        ),
        pytest.param(
            seen(an_account(is_held=True), credential_secret=HELD, reach=ONLY_PLANS),
            None,
            None,
            (),
            id="An operator that only plans lets nothing go.",
        ),
        pytest.param(
            seen(usage=USED, reach=ONLY_PLANS),
            None,
            None,
            (),
            id="An operator that only plans holds nothing.",
        ),
        pytest.param(
            seen(an_account(is_held=True), usage=a_usage({"shop": None}, None), reach=SOME),
            None,
            FREE,
            (),
            id="One that is in use stays held.",
        ),
        pytest.param(GONE, None, None, ("present",), id="An account that is gone leaves no Secret held."),
        pytest.param(replace(GONE, credential_secret=None), None, None, (), id="Its Secret was never read."),
        pytest.param(replace(GONE, reach=ONLY_PLANS), None, None, (), id="Gone, and nothing may be written."),
    ],
)
def test_an_account_and_its_secret_are_held_while_someone_uses_it(
    observation: AccountObservation,
    finalizer: str | None,
    holds: CredentialSecret | None,
    releases: tuple[str, ...],
) -> None:
    planned = plan_account(observation, NOW)

    assert (finalizer, holds, releases) == (planned.finalizer, planned.holds, planned.releases)
    assert "mailtrap-system" == planned.credentials_namespace


def test_nothing_else_follows_for_an_account_that_is_gone() -> None:
    planned = plan_account(GONE, NOW)

    assert (None, None, False, None) == (
        planned.account,
        planned.status,
        planned.wakes_users,
        planned.requeue_after,
    )


@pytest.mark.parametrize(
    ("account", "usage", "reach", "may_go"),
    [
        pytest.param(an_account(), UNUSED, REACH, True, id="No one says so."),
        pytest.param(an_account(), USED, REACH, False, id="A served namespace says so."),
        pytest.param(
            an_account(policy=AccountPolicy()),
            USED,
            REACH,
            True,
            id="A namespace says so that is not served.",
        ),
        pytest.param(
            an_account(policy=AccountPolicy()),
            a_usage({"shop": None}, None),
            REACH,
            False,
            id="It is not served, and no LIST has answered yet.",
        ),
        pytest.param(
            an_account(policy=AccountPolicy()),
            a_usage({"shop": None}, [owned_by(USERS_OWNER)]),
            REACH,
            False,
            id="It is not served, and has tokens there.",
        ),
        pytest.param(an_account(policy=SERVES_LABELLED), USED, REACH, False, id="Its labels are not known."),
        pytest.param(an_account(key=OWN), USED, REACH, False, id="A MailtrapAccount serves its namespace."),
        pytest.param(an_account(key=OWN), UNUSED, SOME, True, id="No one else uses a MailtrapAccount."),
        pytest.param(
            an_account(), a_usage(tokens=None), SOME, False, id="Others may use it, and no LIST has answered."
        ),
        pytest.param(
            an_account(),
            a_usage(tokens=[owned_by("otheraaaaa", installation="zzzzzz")]),
            SOME,
            False,
            id="Another installation has tokens there.",
        ),
        pytest.param(an_account(), UNUSED, SOME, True, id="No other installation has tokens there."),
    ],
)
def test_an_account_that_is_held_goes_only_when_no_one_is_known_to_use_it(
    account: Account, usage: Usage, reach: Reach, *, may_go: bool
) -> None:
    meta = account.metadata.model_copy(update={"finalizers": (ACCOUNT_FINALIZER,)})
    held = account.model_copy(update={"metadata": meta})

    assert may_go == (plan_account(seen(held, usage=usage, reach=reach), NOW).finalizer == "remove")
    assert may_go == (not fits(held, usage, reach))


def test_an_operator_that_only_plans_and_an_account_that_is_terminating_are_settled() -> None:
    assert fits(an_account(), USED, ONLY_PLANS)
    assert fits(an_account(is_terminating=True), USED, REACH)
    assert not fits(an_account(), USED, REACH)


def test_those_count_as_users_who_are_served_or_have_tokens_there() -> None:
    closed, other = an_account(policy=AccountPolicy()), ApiTokenKey("shop", "mailer")
    usage = a_usage({"shop": None}, [owned_by(USERS_OWNER), owned_by(LOST_OWNER)])

    assert {USER, other} == users_that_count(an_account(), [USER, other], usage, REACH)
    assert {USER} == users_that_count(closed, [USER, other], usage, REACH)
    assert set() == users_that_count(closed, [USER], a_usage({"shop": None}, None), REACH)


LOST = owned_by(LOST_OWNER)
OLD = (OrphanToken(id=7, last_four="0007", seen_at=NOW - 2 * DAY),)
WITH_ORPHAN = seen(an_account(orphans=OLD), tokens=Found(by_owner([LOST])))
THEIRS = Found(by_owner([owned_by("otheraaaaa", installation="zzzzzz")]))


@pytest.mark.parametrize(
    ("observation", "found", "deletes"),
    [
        pytest.param(WITH_ORPHAN, (LOST,), (LOST,), id="An old orphan is deleted."),
        pytest.param(
            replace(WITH_ORPHAN, account=an_account()), (LOST,), (), id="One that is new has its day."
        ),
        pytest.param(
            replace(WITH_ORPHAN, account=an_account(orphan_policy="Report", orphans=OLD)),
            (LOST,),
            (),
            id="The account asks for a report alone.",
        ),
        pytest.param(
            replace(WITH_ORPHAN, reach=ONLY_PLANS),
            (LOST,),
            (),
            id="An operator that only plans deletes none.",
        ),
        pytest.param(
            replace(WITH_ORPHAN, is_claimed=lambda _: True), (), (), id="Someone lays claim to the token."
        ),
        pytest.param(
            replace(WITH_ORPHAN, in_use=(CredentialInUse(KEY, LOST.last_four),)),
            (),
            (),
            id="The operator works with the token.",
        ),
        pytest.param(replace(WITH_ORPHAN, tokens=TIMEOUT), None, (), id="The LIST does not tell."),
        pytest.param(
            replace(WITH_ORPHAN, reach=SOME), (), (), id="An operator of some namespaces knows no orphan."
        ),
        pytest.param(
            replace(WITH_ORPHAN, reach=SOME, tokens=THEIRS),
            None,
            (),
            id="Another installation may report its own.",
        ),
        pytest.param(
            replace(WITH_ORPHAN, deletion=OrphanDeletion(frozenset({7}))), (), (), id="It was deleted."
        ),
        pytest.param(
            replace(WITH_ORPHAN, deletion=OrphanDeletion(frozenset(), frozenset({7}), TIMEOUT)),
            (LOST,),
            (),
            id="Its deletion failed, and is not tried twice.",
        ),
    ],
)
def test_orphans_are_found_by_the_list_and_deleted_when_that_is_due(
    observation: AccountObservation,
    found: tuple[RemoteToken, ...] | None,
    deletes: tuple[RemoteToken, ...],
) -> None:
    planned = plan_account(observation, NOW)

    assert found == (planned.orphans.found if planned.orphans else None)
    assert deletes == planned.deletes


def test_why_orphans_are_left_stands_in_the_condition() -> None:
    failed = replace(WITH_ORPHAN, deletion=OrphanDeletion(frozenset(), failure=TIMEOUT))

    assert ("OrphansFound", TIMEOUT.reason) == plan_account(failed, NOW).conditions[1][0:3:2]


TROUBLED = Remembered(seen().terms, is_troubled=True)


@pytest.mark.parametrize(
    ("observation", "wakes"),
    [
        pytest.param(seen(), False, id="Nothing changed."),
        pytest.param(seen(remembered=Remembered()), True, id="It is seen first."),
        pytest.param(seen(remembered=TROUBLED), True, id="It can be listed again."),
        pytest.param(seen(remembered=TROUBLED, tokens=TIMEOUT), False, id="It still cannot be listed."),
        pytest.param(
            seen(terms=Terms(an_account().spec, "another", is_terminating=False)),
            True,
            id="It has another credential.",
        ),
    ],
)
def test_its_users_are_woken_when_what_was_refused_may_be_granted(
    observation: AccountObservation, *, wakes: bool
) -> None:
    assert wakes == plan_account(observation, NOW).wakes_users


def said(type_: str) -> Condition:
    """Return a condition as the status has it."""
    return Condition(
        type=type_,
        status="True",
        observed_generation=1,
        last_transition_time=NOW,
        reason="Told",
        message="told",
    )


REVERTED = Reverted("the status", "a", "b", "", is_at_admission=True, retry_at=NOW + HOUR)
ENDING = CredentialToken(token_id=1, last_four="0001", expires_at=NOW + DAY)
SKEWED = ClockDifference(timedelta(hours=1), timedelta(hours=1))
TERMINATING = an_account(is_terminating=True, is_held=True, credentials_secret="present")


@pytest.mark.parametrize(
    ("observation", "conditions"),
    [
        pytest.param(seen(), [("Ready", Reason.ACCOUNT_REACHABLE)], id="It can be listed."),
        pytest.param(seen(tokens=TIMEOUT), [("Ready", TIMEOUT.reason)], id="It cannot be listed."),
        pytest.param(seen(TERMINATING), [("Ready", Reason.DELETING)], id="It is terminating."),
        pytest.param(
            seen(TERMINATING, usage=USED, holders=frozenset({USER})),
            [("Ready", Reason.DELETING), ("DeletionBlocked", Reason.ACCOUNT_IN_USE)],
            id="It is terminating, and someone uses it.",
        ),
        pytest.param(
            seen(usage=USED, holders=frozenset({USER}), credential_secret=replace(HELD, is_terminating=True)),
            [("Ready", Reason.ACCOUNT_REACHABLE), ("DeletionBlocked", Reason.CREDENTIAL_IN_USE)],
            id="Its Secret is terminating.",
        ),
        pytest.param(
            seen(tokens=Found(by_owner([LOST]))),
            [("Ready", Reason.ACCOUNT_REACHABLE), ("OrphansFound", Reason.ORPHANED)],
            id="It has orphans.",
        ),
        pytest.param(
            seen(an_account(conditions=(said("OrphansFound"), said("ClockSkewed"))), tokens=TIMEOUT),
            [("Ready", TIMEOUT.reason), ("OrphansFound", "Told"), ("ClockSkewed", "Told")],
            id="What was told holds where nothing is learned.",
        ),
        pytest.param(
            seen(reverted=(REVERTED,)),
            [("Ready", Reason.ACCOUNT_REACHABLE), ("WriteReverted", Reason.REVERTED_AT_ADMISSION)],
            id="A write did not last.",
        ),
        pytest.param(
            seen(clock_difference=SKEWED),
            [("Ready", Reason.ACCOUNT_REACHABLE), ("ClockSkewed", Reason.CLOCK_SKEWED)],
            id="The clocks differ.",
        ),
        pytest.param(
            seen(clock_difference=ClockDifference(last=timedelta())),
            [("Ready", Reason.ACCOUNT_REACHABLE)],
            id="The clocks agree.",
        ),
        pytest.param(
            seen(credential=ENDING),
            [("Ready", Reason.ACCOUNT_REACHABLE), ("CredentialExpiring", Reason.CREDENTIAL_EXPIRING)],
            id="The credential ends soon.",
        ),
        pytest.param(
            seen(an_account(credential=ENDING), tokens=TIMEOUT),
            [("Ready", TIMEOUT.reason), ("CredentialExpiring", Reason.CREDENTIAL_EXPIRING)],
            id="The credential ended soon when it was last seen.",
        ),
    ],
)
def test_what_is_reported_an_account(
    observation: AccountObservation, conditions: list[tuple[str, Reason]]
) -> None:
    planned = plan_account(observation, NOW)

    assert conditions == [(type_, reason) for type_, _, reason, _ in planned.conditions]
    assert planned.status is not None
    assert [type_ for type_, _ in conditions] == [each.type for each in planned.status.conditions]


@pytest.mark.parametrize(
    ("observation", "recorded"),
    [
        pytest.param(seen(usage=USED), "present", id="In use, it names the Secret that is held."),
        pytest.param(seen(an_account(credentials_secret="present")), None, id="Out of use, it names none."),
        pytest.param(
            seen(an_account(credentials_secret="former"), reach=ONLY_PLANS),
            "former",
            id="An operator that only plans leaves it as it is.",
        ),
    ],
)
def test_the_status_names_the_secret_that_is_held(
    observation: AccountObservation, recorded: str | None
) -> None:
    status = plan_account(observation, NOW).status

    assert status is not None
    assert recorded == status.credentials_secret


def test_it_is_looked_at_again_after_its_interval_or_when_its_trouble_may_be_over() -> None:
    trouble = Unknown(TIMEOUT.reason, "later", timedelta(seconds=7))

    assert (None, INTERVAL) == (plan_account(seen(), NOW).trouble, plan_account(seen(), NOW).requeue_after)
    troubled = plan_account(seen(tokens=trouble), NOW)
    assert (trouble, timedelta(seconds=7)) == (troubled.trouble, troubled.requeue_after)


def test_other_accounts_matter_only_where_a_secret_is_released() -> None:
    assert () == releasable_secrets(seen(usage=USED))
    assert ("present",) == releasable_secrets(seen(credential_secret=HELD))


def test_the_credential_of_a_mailtrap_account_is_in_its_namespace() -> None:
    assert ("shop", "mailtrap-system") == tuple(map(REACH.credentials_namespace, (OWN, KEY)))
