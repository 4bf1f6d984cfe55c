"""Who may use an account, and for what: what is not allowed costs no remote call, and continues once it is.

Each row has an account object and a credential of its own, so that all rows run side by side and the simulator's
journal tells whose calls they were.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import Account
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

EVERYBODY: Body = {"allowedNamespaces": {"names": ["*"]}}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("policy")) as world:
        yield world


def account_with(world: World, name: str, policy: Body) -> Account:
    """Return an account that was listed, and is not again before its object changes."""
    account = Account(world, name)
    account.put(policy=policy, refreshInterval="1h")
    eventually(lambda: account.condition().get("status") == "True", f"{name} is listed")
    return account


def put_api_token(account: Account, name: str, **spec: Any) -> None:
    account.world.put_api_token(name, accountRef={"name": account.name}, **spec)


def relax(account: Account, policy: Body) -> None:
    account.put(policy=policy, refreshInterval="1h")


@dataclass(frozen=True)
class Rule:
    """A policy, the spec that it does not allow and what is said of that, and the policy that allows it."""

    policy: Body
    says: str
    allowing: Body = field(default_factory=lambda: EVERYBODY)
    spec: Body = field(default_factory=dict)


RULES = {
    "access-level": Rule(EVERYBODY | {"maxAccessLevel": "Viewer"}, "maxAccessLevel is Viewer"),
    "resource": Rule(
        EVERYBODY | {"allowedResources": [{"type": "domain", "id": 2}]},
        "allowedResources does not list domain 1",
        EVERYBODY | {"allowedResources": [{"type": "sending_domain", "id": "1"}]},
    ),
    "no-lifetime": Rule(
        EVERYBODY | {"maxLifetime": "1d"}, "maxLifetime is 1d, and spec.expiration.policy is ServerDefault"
    ),
    "lifetime": Rule(
        EVERYBODY | {"maxLifetime": "1d"},
        "maxLifetime is 1d, and spec.expiration.after is longer",
        EVERYBODY | {"maxLifetime": "48h"},
        {"expiration": {"policy": "After", "after": "48h"}},
    ),
    "overlap": Rule(
        EVERYBODY | {"maxOverlap": "1h"},
        "maxOverlap is 1h, and spec.rotation.overlap is longer",
        EVERYBODY | {"maxOverlap": "12h"},
        {"rotation": {"strategy": "Replace", "overlap": "12h"}},
    ),
    "retain": Rule(
        EVERYBODY | {"deletionPolicies": ["Delete"]},
        "deletionPolicies does not list Retain, which spec.deletionPolicy is",
        spec={"deletionPolicy": "Retain"},
    ),
    "the-account": Rule(
        EVERYBODY,
        "spec.resources asks for Admin of account 3229; Admin of the account equals the operator's own credential",
        EVERYBODY | {"allowedResources": [{"type": "account"}]},
        {"resources": [{"type": "account", "id": 3229, "accessLevel": "Admin"}]},
    ),
    "no-expiration": Rule(
        EVERYBODY | {"requireExpiration": True},
        "requireExpiration is set, and spec.expiration.policy is Never",
        spec={"expiration": {"policy": "Never"}},
    ),
}


CLOSED: dict[str, Body] = {
    "no-namespaces": {},
    "other-names": {"allowedNamespaces": {"names": ["elsewhere"]}},
    "other-labels": {"allowedNamespaces": {"selector": {"matchLabels": {"nobody": "has"}}}},
}


def test_an_account_that_does_not_serve_a_namespace_reads_like_none_until_it_does(world: World) -> None:
    accounts = {name: account_with(world, name, policy) for name, policy in CLOSED.items()}
    before = {name: len(account.calls()) for name, account in accounts.items()}

    for name in CLOSED:
        put_api_token(accounts[name], name)
    world.put_api_token("none", accountRef={"name": "none-of-this-name"})
    missing = world.becomes("none", "AccountNotFound", "Reconciling")["message"]
    for name in CLOSED:
        message = world.becomes(name, "AccountNotFound", "Reconciling")["message"]
        assert missing == message.replace(accounts[name].name, "none-of-this-name")
    assert before == {name: len(account.calls()) for name, account in accounts.items()}

    for account in accounts.values():
        relax(account, EVERYBODY)
    for name in CLOSED:
        assert world.works(world.becomes_ready(name))


def test_refused_object_costs_no_remote_call_and_is_served_once_the_policy_allows_it(
    world: World,
) -> None:
    accounts = {name: account_with(world, name, rule.policy) for name, rule in RULES.items()}
    before = {name: len(account.calls()) for name, account in accounts.items()}

    for name, rule in RULES.items():
        put_api_token(accounts[name], name, **rule.spec)
    for name, rule in RULES.items():
        message = world.becomes(name, "PolicyViolated", "Stalled")["message"]
        assert message.startswith(
            f"The policy of ClusterMailtrapAccount {accounts[name].name} is violated: {rule.says}"
        )
        assert ("False", "PolicyViolated") == (
            world.condition(name)["status"],
            world.condition(name)["reason"],
        )
        assert [] == world.tokens_of(name)
    assert before == {name: len(account.calls()) for name, account in accounts.items()}

    for name, rule in RULES.items():
        relax(accounts[name], rule.allowing)
    for name in RULES:
        assert world.works(world.becomes_ready(name))
        assert {} == world.condition(name, "Stalled")
