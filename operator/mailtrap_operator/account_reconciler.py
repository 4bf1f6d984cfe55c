"""One pass over an account: list its tokens, wake the ApiTokens for which that changes something, report.

Beside that, tokens that belong to nobody are looked for, and the account is kept from vanishing while it is in use. This is the one periodic caller of the remote API. What it lists is what the passes over ApiTokens look at first.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

from mailtrap_operator.account_protection import AccountProtection
from mailtrap_operator.api.v1alpha1 import Account, AccountSpec, CredentialToken
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.accounts import Accounts
from mailtrap_operator.clients.connection import Tokens
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core import clocks, orphans
from mailtrap_operator.core.announcements import account_announcements
from mailtrap_operator.core.conditions import Wanted, merge_conditions
from mailtrap_operator.core.credential import why_it_is_expiring
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.orphans import Swept
from mailtrap_operator.core.protection import is_going
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import CONDITION, reason_and_message
from mailtrap_operator.core.tenants import speaks_for
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.report import AT_ONCE
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.store import Store, key_of_account
from mailtrap_operator.runtime.workqueue import Verdict
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder

logger = logging.getLogger(__name__)

_REACHABLE = "The account's tokens can be listed."
_DELETING = "The account is being deleted."


class Wake(Protocol):
    """Has an object looked at."""

    def __call__(self, key: Key, *, ends_backoff: bool) -> None:
        """Have it looked at; one that failed comes at its own time unless that `ends_backoff`."""


class AccountReconciler:
    """Runs passes over accounts.

    What one object meets at an account is news for the others, but ends nobody's backoff: objects that fail would keep
    each other awake. Only a pass over the account itself says that it can be used again.
    """

    def __init__(
        self,
        *,
        store: Store,
        accounts: Accounts,
        account_store: AccountStore,
        protection: AccountProtection,
        sweep: OrphanSweep,
        events: EventRecorder,
        annotations: UnknownAnnotations,
        reverts: Reverts,
        wake: Wake,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._account_store = account_store
        self._protection = protection
        self._sweep = sweep
        self._events = events
        self._annotations = annotations
        self._reverts = reverts
        self._wake = wake
        self._clock = clock
        self._served_with: dict[AccountKey, tuple[AccountSpec, Pacer | None, bool]] = {}
        self._troubled: set[AccountKey] = set()

    async def reconcile(self, key: AccountKey) -> Verdict:
        """Run one pass."""
        connection = self._accounts.at(key)
        was_troubled = key in self._troubled
        self._troubled.discard(key)
        tokens = await connection.list_tokens()
        account = self._store.account(key)
        if account is None:
            self._served_with.pop(key, None)
            return await self._take_leave(key)
        await self._annotations.tell(account)
        served_with = (account.spec, connection.pacer, is_going(account))
        is_usable_again = was_troubled and isinstance(tokens, Found)
        if is_usable_again or self._served_with.get(key) != served_with:
            # Another spec or credential: what was refused before may be granted now, or kept for it may go.
            self._wake_all({*self._store.users_of(key), *self._users_beside(key)}, ends_backoff=True)
        self._served_with[key] = served_with
        swept = await self._sweep.run(account, tokens, connection)
        account = self._store.account(key) or account
        written, trouble = await self._report_and_protect(account, tokens, swept)
        interval = account.spec.refresh_interval
        if isinstance(tokens, Unknown):
            self._troubled.add(key)
            return Verdict(tokens.retry_after, is_failed=True, at_most=interval, written=written)
        if trouble is not None:
            return Verdict(trouble.retry_after, is_failed=True, at_most=interval, written=written)
        # Somebody may have begun or ended to use it meanwhile.
        latest = self._store.account(key)
        is_done = latest is None or self._protection.fits(latest)
        return Verdict(interval if is_done else AT_ONCE, written=written)

    async def _take_leave(self, key: AccountKey) -> Verdict:
        """Let the credential go of an account that is gone, should somebody have made it go before its time."""
        try:
            await self._protection.free_secret_of(key)
        except Failure as failure:
            return Verdict(failure.retry_after, is_failed=True)
        return Verdict()

    def note_change(self, key: AccountKey, before: Tokens, now: Tokens) -> None:
        """Wake those for whom a LIST has brought news: the owners of tokens that came, went or changed, or all."""
        if isinstance(before, Found) and isinstance(now, Found):
            tags = before.value.keys() | now.value.keys()
            owners = [
                owner for tag in tags if before.value.get(tag) != now.value.get(tag) for owner in tag[1:]
            ]
            known = (api_token for owner in owners if (api_token := self._store.owner(owner)))
            self._wake_all(known, ends_backoff=False)
            return
        self._wake_all(self._store.users_of(key), ends_backoff=False)
        # Whoever met the trouble or its end, it is the account's pass that watches and reports it.
        if isinstance(before, Found):
            self._wake(key, ends_backoff=False)
        elif key in self._troubled:
            self._wake(key, ends_backoff=True)

    def note_holders(self, key: AccountKey) -> None:
        """Have an account looked at that somebody begins or ends to use, as far as that changes something."""
        account = self._store.account(key)
        if account is not None and (is_going(account) or not self._protection.fits(account)):
            self._wake(key, ends_backoff=True)

    def _users_beside(self, key: AccountKey) -> Iterator[ApiTokenKey]:
        """Yield the users of other objects for the same account in Mailtrap whose tokens this credential counts for."""
        for other in self._store.accounts_beside(key):
            yield from (user for user in self._store.users_of(other) if speaks_for(key, user.namespace))

    def _wake_all(self, keys: Iterable[ApiTokenKey], *, ends_backoff: bool) -> None:
        for key in keys:
            self._wake(key, ends_backoff=ends_backoff)

    async def _report_and_protect(
        self, account: Account, tokens: Tokens, swept: Swept | None
    ) -> tuple[tuple[str, ...], Failure | None]:
        """Write the status between the two halves of the protection: it says which Secret is held, before it is."""
        key = key_of_account(account)
        is_used, secret = self._protection.is_used(account), account.status.credentials_secret
        trouble: Failure | None = None
        try:
            secret = await self._protection.free_secrets(account, is_used=is_used)
        except Failure as failure:
            trouble = failure
        written = await self._report(account, tokens, swept, secret)
        if trouble is None:
            try:
                await self._protection.settle(self._store.account(key) or account, is_used=is_used)
            except Failure as failure:
                trouble = failure
        if trouble is not None:
            extra = {"key": str(key), "cause": trouble.message}
            logger.warning("an account in use is not protected, or one out of use not let go", extra=extra)
        return written, trouble

    async def _report(
        self, account: Account, tokens: Tokens, swept: Swept | None, secret: str | None
    ) -> tuple[str, ...]:
        generation, now = account.metadata.generation, self._clock()
        credential = self._credential(account, tokens)
        wanted = (*self._conditions(account, tokens, swept), *_of_credential(account, credential, now))
        conditions = merge_conditions(account.status.conditions, wanted, generation, now)
        changes = {
            "observed_generation": generation,
            "conditions": conditions,
            "orphans": account.status.orphans if swept is None else swept.record,
            "credentials_secret": secret,
            "credential": credential,
        }
        status = account.status.model_copy(update=changes)
        key = key_of_account(account)
        if status == account.status or self._reverts.holds_back_status(key, account.status, status):
            return ()
        for announcement in account_announcements(account.status.conditions, wanted):
            await self._events.emit(account, announcement)
        try:
            written = await self._account_store.write_status(account, status)
        except Failure as failure:
            logger.info("the status of an account was not written", extra={"cause": failure.message})
            return ()
        self._store.put_account(written)
        self._reverts.note_status(key, account.status, status, written.status)
        return (written.metadata.resource_version,)

    def _conditions(self, account: Account, tokens: Tokens, swept: Swept | None) -> Iterator[Wanted]:
        waits = self._protection.condition_of(account)
        if isinstance(tokens, Unknown):
            yield "Ready", "False", tokens.reason, tokens.message
        elif is_going(account):
            yield "Ready", "False", Reason.DELETING, waits[-1] if waits else _DELETING
        else:
            yield "Ready", "True", Reason.ACCOUNT_REACHABLE, _REACHABLE
        if swept is None:
            yield from _as_it_was(account, orphans.CONDITION)
        elif told := self._sweep.condition_of(swept, account):
            yield told
        if waits:
            yield waits
        if reverted := self._reverts.of(key_of_account(account)):
            yield CONDITION, "True", *reason_and_message(reverted)
        difference = self._accounts.at(key_of_account(account)).clock_difference
        if difference.last is None:
            yield from _as_it_was(account, clocks.CONDITION)
        elif message := clocks.why_skewed(difference):
            yield clocks.CONDITION, "True", Reason.CLOCK_SKEWED, message

    def _credential(self, account: Account, tokens: Tokens) -> CredentialToken | None:
        if isinstance(tokens, Unknown):
            # What was known of it stays: a list that fails tells nothing.
            return account.status.credential
        credential = self._accounts.at(key_of_account(account)).credential.accepted
        return credential.token if credential else None


def _as_it_was(account: Account, type_: str) -> Iterator[Wanted]:
    """Yield a condition as the status has it: where nothing new was learned, what was known still holds."""
    before = (condition for condition in account.status.conditions if condition.type == type_)
    yield from ((c.type, c.status, c.reason, c.message) for c in before)


def _of_credential(account: Account, credential: CredentialToken | None, now: datetime) -> Iterator[Wanted]:
    place = account.spec.credentials_secret_ref
    if credential and (message := why_it_is_expiring(credential, place, now)):
        yield "CredentialExpiring", "True", Reason.CREDENTIAL_EXPIRING, message
