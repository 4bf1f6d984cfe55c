"""Polling of Secrets that are not watched: each ApiToken is requeued once per interval of its account."""

import random
from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.blocked import RECHECK
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.workqueue import Result


class SecretPolling:
    """Dates the next look of each ApiToken; the looks spread by themselves, as each interval is a little longer."""

    def __init__(self, cache: Cache, rng: random.Random) -> None:
        self._cache = cache
        self._rng = rng

    def with_next_poll(self, api_token: ApiToken, result: Result) -> Result:
        """Return a result whose requeue is not later than the next poll; a failure has its own backoff."""
        if result.is_failed:
            return result
        after = self._interval(api_token) * self._rng.uniform(1, 1.25)
        if result.requeue_after is not None and result.requeue_after <= after:
            return result
        return replace(result, requeue_after=after, priority=Priority.ROUTINE)

    def _interval(self, api_token: ApiToken) -> timedelta:
        namespace = api_token.metadata.namespace or ""
        account = self._cache.account(account_key(api_token.spec.account_ref, namespace))
        return account.spec.refresh_interval if account else RECHECK
