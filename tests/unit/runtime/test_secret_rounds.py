"""When an ApiToken is looked at again whose Secret no watch tells of."""

import random
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.runtime.secret_rounds import SecretRounds
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict
from tests.unit.clients.objects import INSTALLATION, account, api_token

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def after(verdict: Verdict, **spec: Any) -> Verdict:
    """Return a verdict dated for an ApiToken whose account has a spec; without one there is no account."""
    store = Store(INSTALLATION, lambda: 0.0)
    if spec:
        body = account()
        body["spec"] |= spec
        store.put_account(Account.model_validate(body))
    rounds = SecretRounds(store, random.Random(7))
    return rounds.dated(ApiToken.model_validate(api_token()), verdict)


@pytest.mark.parametrize(
    ("spec", "interval"),
    [({"refreshInterval": "10m"}, 10 * MINUTE), ({"refreshInterval": "10s"}, 10 * SECOND), ({}, MINUTE)],
)
def test_it_comes_once_in_the_interval_of_its_account(spec: dict[str, str], interval: timedelta) -> None:
    verdict = after(Verdict(lane=Lane.URGENT), **spec)

    assert verdict.requeue_after is not None
    assert interval <= verdict.requeue_after <= 1.25 * interval
    assert Lane.ROUTINE is verdict.lane


@pytest.mark.parametrize("wish", [timedelta(), 5 * SECOND, 59 * SECOND])
def test_an_earlier_look_serves_as_well(wish: timedelta) -> None:
    assert Verdict(wish) == after(Verdict(wish))


def test_a_later_look_is_not_waited_for() -> None:
    verdict = after(Verdict(timedelta(days=3)))

    assert verdict.requeue_after is not None
    assert verdict.requeue_after <= 1.25 * MINUTE


def test_a_failure_has_its_own_backoff() -> None:
    assert Verdict(is_failed=True) == after(Verdict(is_failed=True))
