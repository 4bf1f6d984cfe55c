"""When an ApiToken is looked at again whose Secrets no watch tells of: once in its account's interval, and no more often."""

import random
from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.blocked import RECHECK
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict


class SecretRounds:
    """Dates the next look of each ApiToken; the looks spread by themselves, as each interval is a little longer."""

    def __init__(self, store: Store, rng: random.Random) -> None:
        self._store = store
        self._rng = rng

    def dated(self, api_token: ApiToken, verdict: Verdict) -> Verdict:
        """Return a pass's verdict with a look that is not later than the next round; a failure has its own backoff."""
        if verdict.is_failed:
            return verdict
        after = self._interval(api_token) * self._rng.uniform(1, 1.25)
        if verdict.requeue_after is not None and verdict.requeue_after <= after:
            return verdict
        return replace(verdict, requeue_after=after, lane=Lane.ROUTINE)

    def _interval(self, api_token: ApiToken) -> timedelta:
        namespace = api_token.metadata.namespace or ""
        account = self._store.account(account_key(api_token.spec.account_ref, namespace))
        return account.spec.refresh_interval if account else RECHECK
