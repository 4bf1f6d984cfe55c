"""REPORT: turns the outcome of a reconcile into the status, Events, a log line and the time of the requeue."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus
from mailtrap_operator.apply import Writes
from mailtrap_operator.clients.api_token_client import ApiTokenClient
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
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.events import event_for_left_tokens, events_of
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.cache import key_of_api_token
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.workqueue import Result
from mailtrap_operator.telemetry.events import EventRecorder
from mailtrap_operator.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

AT_ONCE = timedelta()

LONGEST_WAIT_FOR_SECRET = timedelta(seconds=5)
"""The longest backoff while a value waits in memory: a restart would lose it."""

LONGEST_WAIT_FOR_FINALIZER = timedelta(seconds=10)
"""The longest backoff while nothing but the finalizer holds an object that is to go; what refused its removal may be repaired."""


class Reporter:
    """Writes the status, once per reconcile and only when it differs."""

    def __init__(
        self,
        *,
        api_tokens: ApiTokenClient,
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

    async def announce_left_tokens(self, api_token: ApiToken, plan: Plan) -> None:
        """Announce, before an object is deleted, which tokens it leaves behind."""
        if (event := event_for_left_tokens(plan)) is not None:
            await self._events.emit(api_token, event)

    async def report(self, plan: Plan, outcome: Outcome, writes: Writes) -> Result:
        """Report the outcome of a reconcile."""
        before = writes.api_token
        self._count(plan, outcome)
        for event in events_of(before, plan, outcome):
            await self._events.emit(before, event)
        if isinstance(plan.action, RemoveFinalizer) and isinstance(outcome, Done):
            return Result()
        status = status_after(before, plan, outcome, self._clock())
        # A wait for a known time is no change.
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
                return Result(is_failed=True, written=writes.versions)
        if isinstance(outcome, Failed):
            at_most = LONGEST_WAIT_FOR_SECRET if outcome.holds_value else None
            if isinstance(plan.action, RemoveFinalizer) and plan.action.retention is None:
                at_most = LONGEST_WAIT_FOR_FINALIZER
            return Result(outcome.cause.retry_after, is_failed=True, at_most=at_most, written=writes.versions)
        if plan.changes(before.status) or not lasts:
            # What is not on record is not there for the next reconcile: at once, it would do the same.
            return Result(AT_ONCE, is_failed=not lasts, written=writes.versions)
        return replace(self.result(plan), written=writes.versions)

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

    def result(self, plan: Plan) -> Result:
        """Return when to requeue after a reconcile that changed nothing."""
        after = plan.requeue_after
        is_for_renewal = after is not None and plan.renewal_time == plan.made_at + after
        priority = Priority.URGENT if is_for_renewal else Priority.ROUTINE
        return Result(after, priority, is_failed=plan.finding.state is State.BLOCKED)
