"""Trouble with the account: each has its name on the account and on the ApiToken, and ends without a restart.

Each row has an account object and a credential of its own, so that all rows run side by side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from local_cluster import Cluster
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.world import OPERATOR_NAMESPACE, World, eventually, served


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("accounts")) as world:
        yield world


class Account:
    """An account object with a credential of its own."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = f"{world.namespace}-{name}"
        self.path = f"{GROUP}/clustermailtrapaccounts/{self.name}"
        self.secret_path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{self.name}"
        self.credential_id = 0
        self.credential = ""
        self.put_new_credential()

    def put(self, **spec: object) -> None:
        self.world.put_account(self.name, **spec)

    def put_new_credential(self) -> None:
        made = self.world.simulator.control("POST", "credentials", {})
        self.credential_id, self.credential = made["id"], made["token"]
        self.world.put_credential(self.credential, self.name)

    def put_key(self, key: str, text: str) -> None:
        self.world.put_plain_secret(self.name, {key: text}, OPERATOR_NAMESPACE)

    def expire_credential(self) -> None:
        self.world.simulator.control("POST", f"credentials/{self.credential_id}/expire")

    def ready(self) -> Body:
        conditions = ((self.world.kube.get(self.path) or {}).get("status") or {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == "Ready"), {})


@dataclass(frozen=True)
class Trouble:
    """What befalls an account, how it is called, and what ends it."""

    befall: Callable[[Account], object]
    reason: str
    end: Callable[[Account], object] = Account.put_new_credential


TROUBLES = {
    "missing-credential": Trouble(lambda a: a.world.kube.delete(a.secret_path), "CredentialMissing"),
    "missing-key": Trouble(lambda a: a.put_key("other", a.credential), "CredentialMissing"),
    "blank-credential": Trouble(lambda a: a.put_key("token", " "), "CredentialMissing"),
    "wrong-credential": Trouble(lambda a: a.put_key("token", "f" * 32), "CredentialRefused"),
    "expired-credential": Trouble(Account.expire_credential, "CredentialRefused"),
    "missing-account": Trouble(lambda a: a.world.kube.delete(a.path), "AccountNotFound", Account.put),
    "forbidden-url": Trouble(
        lambda a: a.put(baseUrl="https://mailtrap.example"), "BaseUrlNotAllowed", Account.put
    ),
}


def test_trouble_from_the_start_is_named_and_its_end_leads_to_a_token(world: World) -> None:
    accounts = {name: Account(world, f"new-{name}") for name in TROUBLES}
    for name, account in accounts.items():
        if name != "missing-account":
            account.put()
            TROUBLES[name].befall(account)
    for name, account in accounts.items():
        if name != "missing-account":
            reason = TROUBLES[name].reason
            eventually(lambda: account.ready().get("reason") == reason, f"the account has {name}")  # noqa: B023 - called at once
            assert account.ready()["message"]

    for name, account in accounts.items():
        world.put_api_token(f"new-{name}", accountRef={"name": account.name})
    for name, trouble in TROUBLES.items():
        assert world.becomes(f"new-{name}", trouble.reason)["message"]
        assert [] == world.tokens_of(f"new-{name}")

    for name, account in accounts.items():
        TROUBLES[name].end(account)
    for name, account in accounts.items():
        assert world.works(world.becomes_ready(f"new-{name}", seconds=60))
        assert 1 == len(world.tokens_of(f"new-{name}"))
        eventually(lambda: account.ready()["reason"] == "AccountReachable", f"the account has no {name}")  # noqa: B023 - called at once


def test_trouble_in_use_is_named_while_the_value_works_on_and_its_end_changes_nothing(world: World) -> None:
    accounts = {name: Account(world, f"used-{name}") for name in TROUBLES}
    for name, account in accounts.items():
        account.put()
        world.put_api_token(f"used-{name}", accountRef={"name": account.name})
    values = {name: world.becomes_ready(f"used-{name}") for name in TROUBLES}
    before = world.last_call()

    for name, trouble in TROUBLES.items():
        trouble.befall(accounts[name])

    for name, trouble in TROUBLES.items():
        assert world.becomes(f"used-{name}", trouble.reason, "Reconciling", seconds=60)["message"]
        assert "True" == world.condition(f"used-{name}")["status"]
    for name, trouble in TROUBLES.items():
        trouble.end(accounts[name])
    for name in TROUBLES:
        assert values[name] == world.becomes_ready(f"used-{name}", seconds=60)
    assert [] == world.operations(before)


def test_a_replaced_credential_takes_the_place_of_the_former_one(world: World) -> None:
    account = Account(world, "replaced")
    account.put()
    world.put_api_token("replaced", accountRef={"name": account.name})
    value = world.becomes_ready("replaced")
    former = account.credential_id

    account.put_new_credential()
    world.simulator.control("DELETE", f"credentials/{former}")
    before = world.last_call()
    world.put_api_token("replaced", accountRef={"name": account.name}, expiration={"policy": "Never"})

    assert world.becomes_ready("replaced") != value
    assert ["reset"] == world.operations(before)
    assert account.credential[-4:] == world.calls("reset")[-1]["credential"]
    assert "AccountReachable" == account.ready()["reason"]
