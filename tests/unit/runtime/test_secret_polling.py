"""When an ApiToken is looked at again whose Secret no watch reports."""

import random
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.secret_polling import SecretPolling
from mailtrap_operator.runtime.workqueue import Result
from tests.unit.clients.objects import INSTALLATION, account, api_token

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def after(result: Result, **spec: Any) -> Result:
    """Return a verdict dated for an ApiToken whose account has a spec; without one there is no account."""
    cache = Cache(INSTALLATION, lambda: 0.0)
    if spec:
        body = account()
        body["spec"] |= spec
        cache.put_account(Account.model_validate(body))
    polling = SecretPolling(cache, random.Random(7))
    return polling.with_next_poll(ApiToken.model_validate(api_token()), result)


@pytest.mark.parametrize(
    ("spec", "interval"),
    [({"refreshInterval": "10m"}, 10 * MINUTE), ({"refreshInterval": "10s"}, 10 * SECOND), ({}, MINUTE)],
)
def test_it_comes_once_in_the_interval_of_its_account(spec: dict[str, str], interval: timedelta) -> None:
    result = after(Result(priority=Priority.URGENT), **spec)

    assert result.requeue_after is not None
    assert interval <= result.requeue_after <= 1.25 * interval
    assert Priority.ROUTINE is result.priority


@pytest.mark.parametrize("desired", [timedelta(), 5 * SECOND, 59 * SECOND])
def test_an_earlier_look_serves_as_well(desired: timedelta) -> None:
    assert Result(desired) == after(Result(desired))


def test_a_later_look_is_not_waited_for() -> None:
    result = after(Result(timedelta(days=3)))

    assert result.requeue_after is not None
    assert result.requeue_after <= 1.25 * MINUTE


def test_a_failure_has_its_own_backoff() -> None:
    assert Result(is_failed=True) == after(Result(is_failed=True))
