"""An account that does not serve a namespace is as good as none for it, whatever the namespace's objects say."""

from collections.abc import Callable
from typing import Any

import pytest

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.core.observation import AccountView, Found, Observation, Unknown
from mailtrap_operator.core.ownership import Tag, owner_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import not_found
from tests.unit.clients.account_harness import KEY
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import API_TOKENS, INSTALLATION, secret
from tests.unit.clock import virtual
from tests.unit.test_observe import BILLING, BY_LABEL, ELSEWHERE, NAMESPACE, Harness, calls_of

ELSEWHERES_LABEL = {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "no"}}}}
ACCOUNT_REF = {"kind": "ClusterMailtrapAccount", "name": "default"}
RECORD = {"id": 1, "lastFour": "beef", "account": ACCOUNT_REF}
PREVIOUS = RECORD | {"deleteAfter": "2026-03-02T12:00:00Z", "reason": "Superseded"}
OPERATION = {
    "type": "Create",
    "nonce": "abcdefgh",
    "startedAt": "2026-03-01T12:00:00Z",
    "holder": "me",
    "account": ACCOUNT_REF,
}

ADOPTING = {"mailtrap-operator.io/adopt-token-id": "1", "mailtrap-operator.io/adopt-confirm": "1"}
NAMED = {"type": "domain", "name": "example.com", "accessLevel": "Viewer"}
AT = f"{API_TOKENS}/billing"
Claim = Callable[[FakeKube], object]


def edited(change: Callable[[dict[str, Any]], None], path: str = AT) -> Claim:
    return lambda kube: kube.edit(path, change)


def deleted(kube: FakeKube) -> None:
    CLAIMS["our finalizer"](kube)
    kube.remove(AT)


CLAIMS: dict[str, Claim] = {
    "nothing else": lambda _: None,
    "our finalizer": edited(lambda body: body["metadata"].update(finalizers=[FINALIZER])),
    "a finalizer of someone else": edited(lambda body: body["metadata"].update(finalizers=["example.com/x"])),
    "a token to adopt": edited(lambda body: body["metadata"].update(annotations=ADOPTING)),
    "a resource by its name": edited(lambda body: body["spec"].update(resources=[NAMED])),
    "tokens on record": edited(lambda body: body["status"].update(previous=[PREVIOUS]), f"{AT}/status"),
    "an operation on record": edited(lambda body: body["status"].update(operation=OPERATION), f"{AT}/status"),
    "its deletion": deleted,
}


def owner(harness: Harness) -> str:
    """Return the object's part of its tokens' tag."""
    body = harness.kube.object(AT)
    assert body is not None
    return owner_of(INSTALLATION, "team", "billing", body["metadata"]["uid"])


async def closed_view(harness: Harness) -> AccountView:
    seen = await harness.observer.fresh(BILLING)
    assert seen is not None
    return seen.account


@pytest.mark.parametrize("policy", [ELSEWHERE, ELSEWHERES_LABEL], ids=["other names", "other labels"])
@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
@virtual
async def test_account_that_does_not_serve_an_object_is_not_read_whatever_the_object_says(
    claim: Claim, policy: dict[str, Any]
) -> None:
    harness = Harness(policy)
    claim(harness.kube)
    harness.kube.seed(f"{NAMESPACE}/secrets", secret(owner=f"{INSTALLATION}-{owner(harness)}"))

    view = await closed_view(harness)

    assert 0 == calls_of(harness)
    assert AccountView(view.ref, None, not_found(KEY), is_closed=True) == view, "no one has listed it yet"


@virtual
async def test_it_reads_like_an_account_that_does_not_exist() -> None:
    harness, without = Harness(ELSEWHERE), Harness(ELSEWHERE)
    del without.accounts.objects[KEY]
    without.cache.drop_account(KEY)

    there, gone = await closed_view(harness), await closed_view(without)

    assert isinstance(there.tokens, Unknown)
    assert Reason.ACCOUNT_NOT_FOUND is there.tokens.reason
    assert (gone.tokens, gone.account_id, gone.tenancy) == (there.tokens, there.account_id, there.tenancy)


@virtual
async def test_an_object_whose_tokens_the_account_has_shown_is_served_to_the_end() -> None:
    harness = Harness(ELSEWHERE)
    token = harness.accounts.remote.seed(f"team/billing {Tag(INSTALLATION, owner(harness), 'abcdefgh')}")
    await harness.accounts.accounts.at(KEY).list_tokens()
    CLAIMS["our finalizer"](harness.kube)

    view = await closed_view(harness)

    assert isinstance(view.tokens, Found)
    assert ([token], False) == ([each.id for each in view.tokens.value], view.is_closed)


@virtual
async def test_it_stays_so_while_the_account_does_not_answer() -> None:
    harness = Harness(ELSEWHERE)
    harness.accounts.remote.seed(f"team/billing {Tag(INSTALLATION, owner(harness), 'abcdefgh')}")
    await harness.accounts.accounts.at(KEY).list_tokens()
    harness.accounts.remote.fault("list", "html", times=9)
    await harness.accounts.accounts.at(KEY).list_tokens()

    view = await closed_view(harness)

    assert not view.is_closed


@virtual
async def test_labels_that_were_not_read_yet_are_no_reason_to_look_closer() -> None:
    harness = Harness(BY_LABEL)

    seen: Observation | None = await harness.observer.known(BILLING)

    assert seen is not None
    assert not seen.account.is_closed
