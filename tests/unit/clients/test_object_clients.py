"""What is written of ApiTokens and accounts, and on which condition."""

from datetime import UTC, datetime
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, AccountStatus, ApiToken, ApiTokenStatus, Condition
from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.errors import Conflict, Retryable
from mailtrap_operator.core.keys import ApiTokenKey
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import ACCOUNTS, API_TOKENS
from tests.unit.clients.objects import account as account_body
from tests.unit.clients.objects import api_token as api_token_body

KEY = ApiTokenKey("team", "billing")
AT = f"{API_TOKENS}/billing"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READY = Condition(
    type="Ready",
    status="True",
    observed_generation=1,
    last_transition_time=NOW,
    reason="Fine",
    message="All is well.",
)


class Harness:
    def __init__(self) -> None:
        self.kube = FakeKube()
        self.kube.seed(API_TOKENS, api_token_body(annotations={"team": "billing"}))
        self.kube.seed(ACCOUNTS, account_body())
        self.remembered: list[dict[str, Any]] = []
        self.api_tokens = ApiTokenClient(self.kube, lambda body, _: self.remembered.append(body))
        self.accounts = AccountClient(self.kube)

    async def read(self) -> ApiToken:
        api_token = await self.api_tokens.read(KEY)
        assert api_token is not None
        return api_token

    def stored(self) -> dict[str, Any]:
        return self.kube.object(AT) or {}


async def test_an_api_token_is_read_as_it_is_and_remembered() -> None:
    harness = Harness()

    api_token = await harness.read()

    assert ("team", "billing", 7) == (
        api_token.metadata.namespace,
        api_token.metadata.name,
        api_token.spec.resources[0].id,
    )
    assert [harness.stored()] == harness.remembered


async def test_an_api_token_that_is_gone_is_none_and_one_that_cannot_be_read_is_not() -> None:
    harness = Harness()
    harness.kube.fail("GET", "/apitokens", 429)

    with pytest.raises(Retryable):
        await harness.api_tokens.read(KEY)
    harness.kube.remove(AT)

    assert None is await harness.api_tokens.read(KEY)
    assert [] == harness.remembered


async def test_a_status_is_replaced_and_nothing_else() -> None:
    harness = Harness()
    before = harness.stored()

    written = await harness.api_tokens.write_status(
        await harness.read(), ApiTokenStatus(observed_generation=1, conditions=(READY,))
    )

    after = harness.stored()
    assert (1, (READY,)) == (written.status.observed_generation, written.status.conditions)
    assert before | {"metadata": 0, "status": 0} == after | {"metadata": 0, "status": 0}
    assert before["metadata"] | {"resourceVersion": 0} == after["metadata"] | {"resourceVersion": 0}
    assert after == harness.remembered[-1]


async def test_a_status_leaves_out_what_it_does_not_say() -> None:
    harness = Harness()

    await harness.api_tokens.write_status(await harness.read(), ApiTokenStatus(observed_generation=1))

    assert None not in harness.stored()["status"].values()


async def test_finalizers_are_replaced_and_nothing_else() -> None:
    harness = Harness()
    before = harness.stored()

    written = await harness.api_tokens.write_finalizers(await harness.read(), ("theirs", "ours"))

    after = harness.stored()
    assert ("theirs", "ours") == written.metadata.finalizers
    assert ["theirs", "ours"] == after["metadata"].pop("finalizers")
    assert before["metadata"] | {"resourceVersion": 0} == after["metadata"] | {"resourceVersion": 0}
    assert before | {"metadata": 0} == after | {"metadata": 0}


async def test_taking_the_last_finalizer_off_lets_the_object_go() -> None:
    harness = Harness()
    await harness.api_tokens.write_finalizers(await harness.read(), ("ours",))
    harness.kube.remove(AT)

    last = await harness.api_tokens.write_finalizers(await harness.read(), ())

    assert () == last.metadata.finalizers
    assert None is harness.kube.object(AT)


async def test_no_write_overwrites_what_someone_else_wrote_meanwhile() -> None:
    harness = Harness()
    seen = await harness.read()
    changed = harness.kube.edit(AT, lambda body: body["metadata"].update(labels={"new": "label"}))

    with pytest.raises(Conflict):
        await harness.api_tokens.write_status(seen, ApiTokenStatus(observed_generation=1))
    with pytest.raises(Conflict):
        await harness.api_tokens.write_finalizers(seen, ("ours",))

    assert changed == harness.stored()


async def test_the_status_of_an_account_is_replaced_and_nothing_else() -> None:
    harness = Harness()
    before = harness.kube.object(f"{ACCOUNTS}/default") or {}

    written = await harness.accounts.write_status(
        Account.model_validate(before), AccountStatus(observed_generation=1, conditions=(READY,))
    )

    after = harness.kube.object(f"{ACCOUNTS}/default") or {}
    assert (READY,) == written.status.conditions
    assert before["spec"] == after["spec"]
    assert 1 == after["status"]["observedGeneration"]


async def test_the_account_of_a_namespace_is_written_there() -> None:
    harness = Harness()
    path = "/apis/mailtrap-operator.io/v1alpha1/namespaces/team/mailtrapaccounts"
    seen = Account.model_validate(harness.kube.seed(path, account_body(namespace="team")))

    await harness.accounts.write_status(seen, AccountStatus(observed_generation=5))

    assert 5 == (harness.kube.object(f"{path}/default") or {})["status"]["observedGeneration"]


async def test_an_account_that_changed_meanwhile_is_not_overwritten() -> None:
    harness = Harness()
    seen = Account.model_validate(harness.kube.object(f"{ACCOUNTS}/default"))
    harness.kube.edit(f"{ACCOUNTS}/default", lambda body: body["metadata"].update(labels={"new": "label"}))

    with pytest.raises(Conflict):
        await harness.accounts.write_status(seen, AccountStatus(observed_generation=1))


async def test_the_finalizers_of_an_account_are_replaced_and_nothing_else() -> None:
    harness = Harness()
    before = harness.kube.object(f"{ACCOUNTS}/default") or {}

    written = await harness.accounts.write_finalizers(Account.model_validate(before), ("others", "ours"))

    after = harness.kube.object(f"{ACCOUNTS}/default") or {}
    assert ("others", "ours") == written.metadata.finalizers
    assert (before["spec"], before["status"]) == (after["spec"], after["status"])
    with pytest.raises(Conflict):
        await harness.accounts.write_finalizers(Account.model_validate(before), ())
