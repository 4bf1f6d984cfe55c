"""REPORT, the accounts: a reconcile's plan becomes the status, Events and a log line."""

import logging

from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.account_plan import AccountPlan
from mailtrap_operator.core.announcements import account_announcements
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder

logger = logging.getLogger(__name__)


class AccountReporter:
    """Writes the status, once a reconcile and only when it differs."""

    def __init__(
        self,
        *,
        store: Store,
        account_store: AccountStore,
        events: EventRecorder,
        annotations: UnknownAnnotations,
        reverts: Reverts,
    ) -> None:
        self._store = store
        self._account_store = account_store
        self._events = events
        self._annotations = annotations
        self._reverts = reverts

    async def report(self, plan: AccountPlan, *, is_freed: bool) -> tuple[str, ...]:
        """Tell of an account; return the resourceVersions that were written.

        `is_freed`: the Secrets of the plan were let go; else the status names the one that it named before.
        """
        account, status = plan.account, plan.status
        if account is None or status is None:
            return ()
        await self._annotations.tell(account)
        if not is_freed:
            secret = account.status.credentials_secret
            status = status.model_copy(update={"credentials_secret": secret})
        if status == account.status or self._reverts.holds_back_status(plan.key, account.status, status):
            return ()
        for announcement in account_announcements(account.status.conditions, plan.conditions):
            await self._events.emit(account, announcement)
        try:
            written = await self._account_store.write_status(account, status)
        except Failure as failure:
            logger.info("the status of an account was not written", extra={"cause": failure.message})
            return ()
        self._store.put_account(written)
        self._reverts.note_status(plan.key, account.status, status, written.status)
        return (written.metadata.resource_version,)
