"""Trouble with the account: each has its name on the account and on the ApiToken, and ends without a restart.

Each row has an account object and a credential of its own, so that all rows run side by side. The
operator never takes from itself what it works with.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import Account, force_delete
from tests.e2e.kube import Kube
from tests.e2e.modes import Mode
from tests.e2e.world import World, eventually, served


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("accounts"), mode) as world:
        yield world


@dataclass(frozen=True)
class Trouble:
    """What befalls an account, how it is called, and what ends it."""

    befall: Callable[[Account], object]
    reason: str
    end: Callable[[Account], object] = Account.put_new_credential


TROUBLES = {
    "missing-credential": Trouble(lambda a: force_delete(a.world.kube, a.secret_path), "CredentialMissing"),
    "missing-key": Trouble(lambda a: a.put_key("other", a.credential), "CredentialMissing"),
    "blank-credential": Trouble(lambda a: a.put_key("token", " "), "CredentialMissing"),
    "wrong-credential": Trouble(lambda a: a.put_key("token", "f" * 32), "CredentialRefused"),
    "expired-credential": Trouble(Account.expire_credential, "CredentialRefused"),
    "missing-account": Trouble(lambda a: force_delete(a.world.kube, a.path), "AccountNotFound", Account.put),
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
            eventually(lambda: account.condition().get("reason") == reason, f"the account has {name}")  # noqa: B023 - called at once
            assert account.condition()["message"]

    for name, account in accounts.items():
        world.put_api_token(f"new-{name}", accountRef=world.account_ref(account.name))
    for name, trouble in TROUBLES.items():
        assert world.becomes(f"new-{name}", trouble.reason)["message"]
        assert [] == world.tokens_of(f"new-{name}")

    for name, account in accounts.items():
        TROUBLES[name].end(account)
    for name, account in accounts.items():
        assert world.works(world.becomes_ready(f"new-{name}"))
        assert 1 == len(world.tokens_of(f"new-{name}"))
        eventually(lambda: account.condition()["reason"] == "AccountReachable", f"the account has no {name}")  # noqa: B023 - called at once


def test_trouble_in_use_is_named_while_the_value_works_on_and_its_end_changes_nothing(world: World) -> None:
    troubles = {
        name: TROUBLES[name] for name in ("missing-credential", "wrong-credential", "missing-account")
    }
    accounts = {name: Account(world, f"used-{name}") for name in troubles}
    for name, account in accounts.items():
        account.put()
        world.put_api_token(f"used-{name}", accountRef=world.account_ref(account.name))
    values = {name: world.becomes_ready(f"used-{name}") for name in troubles}
    before = world.last_call()

    for name, trouble in troubles.items():
        trouble.befall(accounts[name])

    for name, trouble in troubles.items():
        assert world.becomes(f"used-{name}", trouble.reason, "Reconciling")["message"]
        assert "True" == world.condition(f"used-{name}")["status"]
    for name, trouble in troubles.items():
        trouble.end(accounts[name])
    for name in troubles:
        assert values[name] == world.becomes_ready(f"used-{name}")
    assert [] == world.operations(before)


def test_the_token_that_the_operator_works_with_is_neither_reset_nor_deleted(world: World) -> None:
    account = Account(world, "own")
    # A token for the account itself must be allowed by name.
    everybody = {"allowedNamespaces": {"names": ["*"]}} if account.kind == "ClusterMailtrapAccount" else {}
    account.put(policy=everybody | {"allowedResources": [{"type": "account"}]})
    rights = [{"type": "account", "id": world.simulator.account_id, "accessLevel": "Admin"}]
    spec = {"accountRef": world.account_ref(account.name), "resources": rights, "rotation": {"overlap": "2s"}}
    world.put_api_token("manager", **spec)
    value = world.becomes_ready("manager")
    token_id = world.status("manager")["current"]["id"]
    world.put_credential(value, account.name)
    eventually(lambda: account.status()["credential"]["tokenId"] == token_id, "it is the credential now")

    before = world.last_call()
    world.kube.delete(world.secret_path("manager"))
    eventually(lambda: world.value("manager") not in {None, value}, "there is another value")
    assert "create" == world.operations(before)[0]
    pending = world.becomes("manager", "CredentialInUse", "RevocationPending")
    assert f"Token {token_id} is not deleted" in pending["message"]
    place = "" if world.account_kind == "ClusterMailtrapAccount" else f"{world.namespace}/"
    assert f"the credentials Secret of {account.kind} {place}{account.name}" in pending["message"]
    assert "True" == world.condition("manager")["status"]

    successor = world.value("manager")
    world.delete_api_token("manager")
    message = world.becomes("manager", "CredentialInUse")["message"]
    assert message.startswith(
        f"Deletion waits, tokens may be left in Mailtrap: Token {token_id} is not deleted"
    )
    assert (True, False) == (world.works(value), world.works(successor))

    account.put_new_credential()
    world.is_gone("manager")
    assert not world.works(value)
    assert [] == world.tripped()
