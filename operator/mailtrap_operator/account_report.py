"""REPORT, the accounts: a reconcile's plan becomes the status, Events and a log line."""

import logging

from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.account_plan import AccountPlan
from mailtrap_operator.core.events import events_of_account
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder

logger = logging.getLogger(__name__)


class AccountReporter:
    """Writes the status, once per reconcile and only when it differs."""

    def __init__(
        self,
        *,
        cache: Cache,
        account_client: AccountClient,
        events: EventRecorder,
        annotations: UnknownAnnotations,
        reverts: Reverts,
    ) -> None:
        self._cache = cache
        self._account_client = account_client
        self._events = events
        self._annotations = annotations
        self._reverts = reverts

    async def report(self, plan: AccountPlan, *, is_released: bool) -> tuple[str, ...]:
        """Report an account; return the resourceVersions that were written.

        `is_released`: the Secrets of the plan were let go; else the status names the one that it named before.
        """
        account, status = plan.account, plan.status
        if account is None or status is None:
            return ()
        await self._annotations.report(account)
        if not is_released:
            secret = account.status.credentials_secret
            status = status.model_copy(update={"credentials_secret": secret})
        if status == account.status or self._reverts.holds_back_status(plan.key, account.status, status):
            return ()
        for event in events_of_account(account.status.conditions, plan.conditions):
            await self._events.emit(account, event)
        try:
            written = await self._account_client.write_status(account, status)
        except Failure as failure:
            logger.info("the status of an account was not written", extra={"cause": failure.message})
            return ()
        self._cache.put_account(written)
        self._reverts.note_status(plan.key, account.status, status, written.status)
        return (written.metadata.resource_version,)
