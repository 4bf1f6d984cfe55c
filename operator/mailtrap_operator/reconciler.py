"""The loop on one screen: observe → plan → apply → report.

A reconcile first looks at what is known anyway; only when that calls for a change does it read the world afresh and
decide again. Any reconcile may be the first, may be repeated, and may have been cut anywhere.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from mailtrap_operator.apply import Applier, Writes
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.actions import Done, Plan
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.observe import Observer
from mailtrap_operator.report import Reporter
from mailtrap_operator.runtime.secret_polling import SecretPolling
from mailtrap_operator.runtime.workqueue import Result
from mailtrap_operator.telemetry.annotations import UnknownAnnotations

logger = logging.getLogger(__name__)


class Reconciler:
    """Reconciles ApiTokens."""

    def __init__(
        self,
        *,
        observer: Observer,
        decide: Callable[[Observation, datetime], Plan],
        applier: Applier,
        reporter: Reporter,
        polling: SecretPolling | None,
        annotations: UnknownAnnotations,
        clock: Callable[[], datetime],
    ) -> None:
        self._observer = observer
        self._decide = decide
        self._applier = applier
        self._reporter = reporter
        self._polling = polling
        self._annotations = annotations
        self._clock = clock

    async def reconcile(self, key: ApiTokenKey) -> Result:
        """Reconcile one object."""
        known = await self._observer.known(key)
        if known is not None:
            await self._annotations.report(known.api_token)
            planned = self._decide(known, self._clock())
            if self._is_idle(known, planned):
                return self._with_next_poll(known, self._reporter.result(planned))
        try:
            seen = await self._observer.fresh(key)
        except Failure as failure:
            logger.warning("an ApiToken could not be read", extra={"key": str(key), "cause": failure.message})
            return Result(failure.retry_after, is_failed=True)
        if seen is None:
            # The watch soon reports an object that is gone; until then one answer is not enough.
            return Result(is_failed=known is not None)
        planned = self._decide(seen, self._clock())
        await self._reporter.announce_left_tokens(seen.api_token, planned)
        writes = Writes(seen.api_token)
        outcome = await self._applier.apply(planned, writes)
        return self._with_next_poll(seen, await self._reporter.report(planned, outcome, writes))

    def _with_next_poll(self, seen: Observation, result: Result) -> Result:
        return self._polling.with_next_poll(seen.api_token, result) if self._polling else result

    def _is_idle(self, known: Observation, planned: Plan) -> bool:
        if planned.finding.reason is Reason.ACCOUNT_NOT_LISTED:
            # What was not asked for yet is asked for in a fresh look, also where the status says so already.
            return False
        api_token = known.api_token
        status = status_after(api_token, planned, Done(), self._clock())
        return planned.action is None and not self._reporter.needs_write(api_token, status)
