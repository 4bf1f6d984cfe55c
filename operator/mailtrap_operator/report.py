"""REPORT: one place turns a pass's outcome into the status, Events, a log line and the time of the next look."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus
from mailtrap_operator.apply import Writes
from mailtrap_operator.clients.api_token_store import ApiTokenStore
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.actions import (
    Done,
    Failed,
    IssueToken,
    Outcome,
    Plan,
    Published,
    RemoveFinalizer,
    RevokeToken,
    State,
)
from mailtrap_operator.core.announcements import announcements, farewell
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.store import key_of_api_token
from mailtrap_operator.runtime.workqueue import Verdict
from mailtrap_operator.telemetry.events import EventRecorder
from mailtrap_operator.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

AT_ONCE = timedelta()

LONGEST_WAIT_FOR_SECRET = timedelta(seconds=5)
"""The longest backoff while a value waits in memory: a restart would lose it."""

LONGEST_WAIT_FOR_FINALIZER = timedelta(seconds=10)
"""The longest backoff while nothing but the finalizer holds an object that is to go; what refused its removal may be mended."""


class Reporter:
    """Writes the status, once a pass and only when it differs."""

    def __init__(
        self,
        *,
        api_tokens: ApiTokenStore,
        events: EventRecorder,
        metrics: Metrics,
        reverts: Reverts,
        clock: Callable[[], datetime],
    ) -> None:
        self._api_tokens = api_tokens
        self._events = events
        self._metrics = metrics
        self._reverts = reverts
        self._clock = clock

    async def take_leave(self, api_token: ApiToken, plan: Plan) -> None:
        """Tell, before an object goes, what it leaves behind."""
        if (last_words := farewell(plan)) is not None:
            await self._events.emit(api_token, last_words)

    async def report(self, plan: Plan, outcome: Outcome, writes: Writes) -> Verdict:
        """Tell what a pass came to."""
        before = writes.api_token
        self._count(plan, outcome)
        for announcement in announcements(before, plan, outcome):
            await self._events.emit(before, announcement)
        if isinstance(plan.action, RemoveFinalizer) and isinstance(outcome, Done):
            return Verdict()
        status = status_after(before, plan, outcome, self._clock())
        # One that waits for its time is no news.
        lasts = status == before.status or not plan.changes(before.status)
        if self.needs_write(before, status):
            try:
                writes.note(await self._api_tokens.write_status(before, status))
                stored = writes.api_token.status
                lasts = self._reverts.note_status(key_of_api_token(before), before.status, status, stored)
            except Failure as failure:
                logger.info(
                    "the status was not written",
                    extra={"key": str(key_of_api_token(before)), "cause": failure.message},
                )
                return Verdict(is_failed=True, written=writes.versions)
        if isinstance(outcome, Failed):
            at_most = LONGEST_WAIT_FOR_SECRET if outcome.holds_value else None
            if isinstance(plan.action, RemoveFinalizer) and plan.action.retention is None:
                at_most = LONGEST_WAIT_FOR_FINALIZER
            return Verdict(
                outcome.cause.retry_after, is_failed=True, at_most=at_most, written=writes.versions
            )
        if plan.changes(before.status) or not lasts:
            # What is not on record is not there for the next pass: at once, it would do the same.
            return Verdict(AT_ONCE, is_failed=not lasts, written=writes.versions)
        return replace(self.verdict(plan), written=writes.versions)

    def needs_write(self, api_token: ApiToken, status: ApiTokenStatus) -> bool:
        """Whether a status is to be written: it differs, and did not fail to last a moment ago."""
        return status != api_token.status and not self._reverts.holds_back_status(
            key_of_api_token(api_token), api_token.status, status
        )

    def _count(self, plan: Plan, outcome: Outcome) -> None:
        self._metrics.passes.labels(type(outcome).__name__).inc()
        match plan.action, outcome:
            case IssueToken(reason), Published():
                self._metrics.issued.labels(reason).inc()
            case RevokeToken(), Done():
                self._metrics.revoked.inc()

    def verdict(self, plan: Plan) -> Verdict:
        """Tell when to look again after a pass that changed nothing."""
        after = plan.requeue_after
        is_for_renewal = after is not None and plan.renewal_time == plan.made_at + after
        lane = Lane.URGENT if is_for_renewal else Lane.ROUTINE
        return Verdict(after, lane, is_failed=plan.finding.state is State.BLOCKED)
