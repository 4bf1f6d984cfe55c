"""One reconcile of an account, the loop on one screen: observe, plan, apply, report."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from mailtrap_operator.account_apply import AccountApplier
from mailtrap_operator.account_news import AccountNews
from mailtrap_operator.account_observe import AccountObserver
from mailtrap_operator.account_report import AccountReporter
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.core.account_observation import Remembered
from mailtrap_operator.core.account_plan import AccountPlan, plan_account
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.runtime.workqueue import Result


class AccountReconciler:
    """Reconciles accounts."""

    def __init__(
        self,
        *,
        observer: AccountObserver,
        sweep: OrphanSweep,
        applier: AccountApplier,
        reporter: AccountReporter,
        news: AccountNews,
        clock: Callable[[], datetime],
    ) -> None:
        self._observer = observer
        self._sweep = sweep
        self._applier = applier
        self._reporter = reporter
        self._news = news
        self._clock = clock

    async def reconcile(self, key: AccountKey) -> Result:
        """Reconcile one object."""
        seen = await self._observer.listed(key, self._news.begin(key))
        planned = plan_account(seen, self._clock())
        if planned.account is None:
            self._news.remember(key, None)
            return _result(planned, await self._applier.release(planned))
        remembered = Remembered(seen.terms, refused=seen.remembered.refused)
        if planned.wakes_users:
            self._news.wake_users(key)
        self._news.remember(key, remembered)
        if planned.deletes:
            deletion = await self._sweep.delete(planned.account, planned.deletes)
            remembered = replace(remembered, refused=deletion.refused)
            # That took its time: others may have begun to use the account.
            seen = self._observer.after(seen, deletion)
            planned = plan_account(seen, self._clock())
        failure = await self._applier.release(planned)
        written = await self._reporter.report(planned, is_released=failure is None)
        failure = failure or await self._applier.protect(planned)
        self._news.remember(key, replace(remembered, is_troubled=planned.trouble is not None))
        result = _result(planned, failure, written)
        # Someone may have begun or ended to use it meanwhile.
        is_done = result.is_failed or self._news.is_settled(key)
        return result if is_done else replace(result, requeue_after=timedelta())


def _result(plan: AccountPlan, failure: Failure | None, written: tuple[str, ...] = ()) -> Result:
    at_most = plan.account.spec.refresh_interval if plan.account else None
    if plan.trouble is not None:
        return Result(plan.requeue_after, is_failed=True, at_most=at_most, written=written)
    if failure is not None:
        return Result(failure.retry_after, is_failed=True, at_most=at_most, written=written)
    return Result(plan.requeue_after, written=written)
