"""What one reconcile of an account does, as a value: `plan_account` decides it from what was read, and does nothing.

It is carried out in the order of the fields of `AccountPlan`. The deletion of orphans takes its time: after it everything is
observed and planned again, without another LIST. The status says which Secret is held before our finalizer is put there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Literal

from mailtrap_operator.api.v1alpha1 import Account, AccountStatus, CredentialToken
from mailtrap_operator.core import clocks, orphans, protection
from mailtrap_operator.core.account_observation import AccountObservation
from mailtrap_operator.core.conditions import Wanted, merge_conditions
from mailtrap_operator.core.credential import why_it_is_expiring
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import Found, RemoteToken, Unknown
from mailtrap_operator.core.orphans import Swept
from mailtrap_operator.core.protection import CredentialSecret
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import CONDITION, reason_and_message

_REACHABLE = "The account's tokens can be listed."
_DELETING = "The account is being deleted."


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """What is to be done for one account.

    `account` is as it was observed, None where it is gone. `wakes_users`: what was refused to its users may be granted now.
    `orphans` are those that there are, None where the LIST does not tell; `deletes` are those to delete now. `releases` names the
    Secrets that lose our finalizer, in `credentials_namespace`. `conditions` and `status` are what is reported. `finalizer`
    says what becomes of ours on the account object, `holds` which Secret gets it. `trouble` is why the account cannot be used,
    `requeue_after` when it is looked at again.
    """

    key: AccountKey
    account: Account | None
    credentials_namespace: str
    wakes_users: bool = False
    orphans: Swept | None = None
    deletes: tuple[RemoteToken, ...] = ()
    releases: tuple[str, ...] = ()
    conditions: tuple[Wanted, ...] = ()
    status: AccountStatus | None = None
    finalizer: Literal["add", "remove"] | None = None
    holds: CredentialSecret | None = None
    trouble: Unknown | None = None
    requeue_after: timedelta | None = None


def plan_account(seen: AccountObservation, now: datetime) -> AccountPlan:
    """Return what to do for an account."""
    account, namespace = seen.account, seen.reach.credentials_namespace(seen.key)
    releases = tuple(name for name in releasable_secrets(seen) if name not in seen.shared_secrets)
    if account is None:
        # Someone may have made it go before its time.
        return AccountPlan(seen.key, None, namespace, releases=releases)
    swept = _swept(seen, account, now)
    known = _Known(seen, account, swept, now)
    conditions = tuple(chain.from_iterable(condition(known) for condition in _CONDITIONS))
    is_used = protection.is_used(account, seen.usage, seen.reach)
    status = _status(seen, account, conditions, swept, now, is_used=is_used)
    trouble = seen.tokens if isinstance(seen.tokens, Unknown) else None
    return AccountPlan(
        key=seen.key,
        account=account,
        credentials_namespace=namespace,
        wakes_users=_is_news_to_users(seen),
        orphans=swept,
        deletes=_due(seen, account, swept, now),
        releases=releases,
        conditions=conditions,
        status=status,
        finalizer=_finalizer(seen, account, is_used=is_used),
        holds=_secret_to_hold(seen, account, status, is_used=is_used),
        trouble=trouble,
        requeue_after=trouble.retry_after if trouble else account.spec.refresh_interval,
    )


def releasable_secrets(seen: AccountObservation) -> tuple[str, ...]:
    """Return the names of the Secrets that need not stay, unless another account in use has its credential there."""
    secret = seen.credential_secret
    if not seen.reach.may_write:
        return ()
    if seen.account is None:
        return (secret.name,) if secret else ()
    is_used = protection.is_used(seen.account, seen.usage, seen.reach)
    return protection.secrets_to_release(seen.account, secret, is_used=is_used)


def _is_news_to_users(seen: AccountObservation) -> bool:
    is_usable_again = seen.remembered.is_troubled and isinstance(seen.tokens, Found)
    # Another spec or credential: what was refused before may be granted now, or kept for it may go.
    return is_usable_again or seen.remembered.terms != seen.terms


def _swept(seen: AccountObservation, account: Account, now: datetime) -> Swept | None:
    """Return the orphans that there are, None where the LIST does not show them.

    An operator that does not see all namespaces cannot know of any token that it is an orphan.
    """
    if isinstance(seen.tokens, Unknown):
        return None
    if not seen.reach.sees_all:
        # Another installation's operator, which sees more, may have reported its own.
        others = any(installation != seen.reach.installation for installation, _ in seen.tokens.value)
        return None if others else Swept((), ())
    listed = chain.from_iterable(seen.tokens.value.values())
    found = orphans.orphans_among(
        # A token that the operator works with is no one's orphan, whatever it is called.
        (token for token in listed if not any(each.may_be(token) for each in seen.in_use)),
        seen.reach.installation,
        seen.retained,
        seen.is_claimed,
    )
    record = orphans.recorded(found, account.status.orphans, now)
    if seen.deletion is None:
        return Swept(found, record)
    cleared = seen.deletion.cleared
    return Swept(
        tuple(token for token in found if token.id not in cleared),
        tuple(orphan for orphan in record if orphan.id not in cleared),
        seen.deletion.failure,
    )


def _due(
    seen: AccountObservation, account: Account, swept: Swept | None, now: datetime
) -> tuple[RemoteToken, ...]:
    is_asked_for = account.spec.orphan_policy == "Delete" and seen.reach.may_write
    if swept is None or not is_asked_for or seen.deletion is not None:
        return ()
    by_id = {token.id: token for token in swept.found}
    return tuple(by_id[id_] for id_ in orphans.due(swept.record, now, seen.remembered.refused))


def _finalizer(
    seen: AccountObservation, account: Account, *, is_used: bool
) -> Literal["add", "remove"] | None:
    is_held = protection.is_held(account)
    if not seen.reach.may_write or is_used == is_held:
        return None
    if not is_used:
        return "remove"
    return None if protection.is_terminating(account) else "add"


def _secret_to_hold(
    seen: AccountObservation, account: Account, status: AccountStatus, *, is_used: bool
) -> CredentialSecret | None:
    secret, recorded = seen.credential_secret, account.model_copy(update={"status": status})
    if secret is None or not is_used or not seen.reach.may_write:
        return None
    return secret if protection.secret_must_be_held(recorded, secret) else None


def _status(
    seen: AccountObservation,
    account: Account,
    conditions: tuple[Wanted, ...],
    swept: Swept | None,
    now: datetime,
    *,
    is_used: bool,
) -> AccountStatus:
    generation, before = account.metadata.generation, account.status
    secret = account.spec.credentials_secret_ref.name if is_used else None
    changes = {
        "observed_generation": generation,
        "conditions": merge_conditions(before.conditions, conditions, generation, now),
        "orphans": before.orphans if swept is None else swept.record,
        "credentials_secret": secret if seen.reach.may_write else before.credentials_secret,
        "credential": _credential(seen, account),
    }
    return before.model_copy(update=changes)


def _credential(seen: AccountObservation, account: Account) -> CredentialToken | None:
    # What was known of it stays: a LIST that fails tells nothing.
    return account.status.credential if isinstance(seen.tokens, Unknown) else seen.credential


@dataclass(frozen=True, slots=True)
class _Known:
    """What the conditions of an account are decided from."""

    seen: AccountObservation
    account: Account
    swept: Swept | None
    now: datetime


def _ready(of: _Known) -> Iterator[Wanted]:
    if isinstance(of.seen.tokens, Unknown):
        yield "Ready", "False", of.seen.tokens.reason, of.seen.tokens.message
    elif protection.is_terminating(of.account):
        waits = next(_deletion_waits(of), None)
        yield "Ready", "False", Reason.DELETING, waits[-1] if waits else _DELETING
    else:
        yield "Ready", "True", Reason.ACCOUNT_REACHABLE, _REACHABLE


def _orphaned(of: _Known) -> Iterator[Wanted]:
    reach = of.seen.reach
    if of.swept is None:
        yield from _as_it_was(of, orphans.CONDITION)
    elif told := orphans.condition_of(of.swept, of.account, reach.installation, may_delete=reach.may_write):
        yield told


def _deletion_waits(of: _Known) -> Iterator[Wanted]:
    seen, secret = of.seen, of.seen.credential_secret
    if protection.is_terminating(of.account) or (secret and secret.is_terminating):
        users = protection.users_that_count(of.account, seen.holders, seen.usage, seen.reach)
        if waits := protection.condition_of(of.account, secret, users):
            yield waits


def _reverted(of: _Known) -> Iterator[Wanted]:
    if of.seen.reverted:
        yield CONDITION, "True", *reason_and_message(of.seen.reverted)


def _clock_skewed(of: _Known) -> Iterator[Wanted]:
    difference = of.seen.clock_difference
    if difference.last is None:
        yield from _as_it_was(of, clocks.CONDITION)
    elif message := clocks.why_skewed(difference):
        yield clocks.CONDITION, "True", Reason.CLOCK_SKEWED, message


def _credential_expiring(of: _Known) -> Iterator[Wanted]:
    credential, ref = _credential(of.seen, of.account), of.account.spec.credentials_secret_ref
    if credential and (message := why_it_is_expiring(credential, ref, of.now)):
        yield "CredentialExpiring", "True", Reason.CREDENTIAL_EXPIRING, message


def _as_it_was(of: _Known, type_: str) -> Iterator[Wanted]:
    """Yield a condition as the status has it: where nothing new was learned, what was known still holds."""
    before = (condition for condition in of.account.status.conditions if condition.type == type_)
    yield from ((c.type, c.status, c.reason, c.message) for c in before)


_CONDITIONS = (_ready, _orphaned, _deletion_waits, _reverted, _clock_skewed, _credential_expiring)
"""Each yields its condition where there is something to tell."""
