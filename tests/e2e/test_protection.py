"""Accounts and credentials in use: they stay until no token depends on them any more, anyone who deletes them and when."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import (
    ACCOUNT_FINALIZER,
    CREDENTIAL_FINALIZER,
    account_path,
    condition_of,
    credential_path,
    finalizers_of,
    force_delete,
    is_free,
    is_gone,
    is_held,
    look_at,
    status_of,
)
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.world import API_VERSION, CREDENTIAL, FAST, World, eventually, served


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has an account and objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("protection")) as world:
        yield world


def put_account(world: World, name: str, **spec: Any) -> str:
    """Write an account with a credential of its own; return its name."""
    name = f"{world.namespace}-{name}"
    world.put_credential(CREDENTIAL, name)
    world.put_account(name, **spec)
    return name


def put_api_token(world: World, name: str, account: str) -> str:
    """Have an ApiToken served, and its account held; return the value."""
    world.put_api_token(name, accountRef={"name": account})
    value = world.becomes_ready(name)
    is_held(world, account_path(world, account), ACCOUNT_FINALIZER)
    is_held(world, credential_path(world, account), CREDENTIAL_FINALIZER)
    return value


def blocked(world: World, account: str) -> Body:
    return condition_of(world, "DeletionBlocked", account_path(world, account))


def test_an_account_is_held_from_the_first_token_to_the_last_and_nothing_else_of_its_secret_is_written(
    world: World,
) -> None:
    account = put_account(world, "used")
    secret = credential_path(world, account)
    before = world.kube.get(secret) or {}
    look_at(world, account_path(world, account))
    assert [[], []] == [finalizers_of(world, path) for path in (account_path(world, account), secret)]

    for name in ("used-1", "used-2"):
        put_api_token(world, name, account)
    after = world.kube.get(secret) or {}
    assert before["data"] == after["data"]
    assert before["metadata"].get("labels") == after["metadata"].get("labels")
    assert before["metadata"].get("annotations") == after["metadata"].get("annotations")
    (ours,) = [f for f in after["metadata"]["managedFields"] if f["manager"] == "mailtrap-operator"]
    assert ["f:metadata"] == list(ours["fieldsV1"])
    assert ["f:finalizers"] == list(ours["fieldsV1"]["f:metadata"])

    world.delete_api_token("used-1")
    world.is_gone("used-1")
    look_at(world, account_path(world, account))
    assert [CREDENTIAL_FINALIZER] == finalizers_of(world, secret)
    world.delete_api_token("used-2")
    for path in (account_path(world, account), secret):
        is_free(world, path)
    assert "credentialsSecret" not in status_of(world, account_path(world, account))


def test_an_account_that_no_one_uses_goes_at_once(world: World) -> None:
    account = put_account(world, "unused")
    look_at(world, account_path(world, account))

    world.kube.delete(account_path(world, account))

    assert None is world.kube.get(account_path(world, account))


def test_the_deletion_of_an_account_waits_for_its_tokens_and_takes_no_one_in(world: World) -> None:
    account = put_account(world, "deleted")
    value = put_api_token(world, "deleted", account)

    world.kube.delete(account_path(world, account))

    condition = eventually(lambda: blocked(world, account), "it says what it waits for")
    assert ("True", "AccountInUse") == (condition["status"], condition["reason"])
    assert f"may have tokens there, 1: {world.namespace}/deleted. Delete them, or" in condition["message"]
    world.put_api_token("late", accountRef={"name": account})
    refused = world.becomes("late", "AccountDeleting", "Stalled")
    assert f"ClusterMailtrapAccount {account} is being deleted" in refused["message"]
    assert [] == world.tokens_of("late")

    world.request_rotation("deleted", "while it waits")
    eventually(lambda: world.value("deleted") != value, "who is served continues to be served")
    world.becomes_ready("deleted")
    world.delete_api_token("deleted")
    is_gone(world, account_path(world, account))
    is_free(world, credential_path(world, account))
    assert [] == world.tokens_of("deleted")
    world.becomes("late", "AccountNotFound")


def test_an_account_that_was_deleted_by_mistake_is_followed_by_another_one_and_no_one_is_cut_off(
    world: World,
) -> None:
    account = put_account(world, "mistaken")
    value = put_api_token(world, "mistaken", account)
    world.kube.delete(account_path(world, account))
    eventually(lambda: blocked(world, account), "it says what it waits for")
    before = world.last_call()

    successor = put_account(world, "successor")
    world.put_api_token("mistaken", accountRef={"name": successor})

    is_gone(world, account_path(world, account))
    assert value != world.becomes_ready("mistaken")
    is_held(world, account_path(world, successor), ACCOUNT_FINALIZER)
    assert ["create"] == world.operations(before)
    assert world.works(value)


def test_a_credential_that_is_deleted_stays_until_another_one_takes_its_place(world: World) -> None:
    account = put_account(world, "lost")
    value, secret = put_api_token(world, "lost", account), credential_path(world, account)

    world.kube.delete(secret)
    look_at(world, account_path(world, account))

    condition = eventually(lambda: blocked(world, account), "it says what it waits for")
    assert "CredentialInUse" == condition["reason"]
    assert "put the credential into another Secret and name that" in condition["message"].replace(
        "To continue, ", ""
    )
    world.put_credential(CREDENTIAL, f"{account}-2")
    world.kube.merge(
        account_path(world, account), {"spec": {"credentialsSecretRef": {"name": f"{account}-2"}}}
    )
    is_gone(world, secret)
    is_held(world, credential_path(world, f"{account}-2"), CREDENTIAL_FINALIZER)
    eventually(lambda: blocked(world, account) == {}, "nothing waits any more")
    assert value == world.becomes_ready("lost")


def test_a_former_credential_is_released(world: World) -> None:
    account = put_account(world, "changed")
    put_api_token(world, "changed", account)
    assert account == status_of(world, account_path(world, account))["credentialsSecret"]

    world.put_credential(CREDENTIAL, f"{account}-2")
    world.kube.merge(
        account_path(world, account), {"spec": {"credentialsSecretRef": {"name": f"{account}-2"}}}
    )

    is_free(world, credential_path(world, account))
    is_held(world, credential_path(world, f"{account}-2"), CREDENTIAL_FINALIZER)
    assert f"{account}-2" == status_of(world, account_path(world, account))["credentialsSecret"]


def test_a_credential_that_two_accounts_share_stays_for_the_other(world: World) -> None:
    first = put_account(world, "first")
    world.put_account(f"{world.namespace}-second", credentialsSecretRef={"name": first})
    put_api_token(world, "first", first)
    world.put_api_token("second", accountRef={"name": f"{world.namespace}-second"})
    world.becomes_ready("second")
    is_held(world, account_path(world, f"{world.namespace}-second"), ACCOUNT_FINALIZER)

    world.delete_api_token("first")
    is_free(world, account_path(world, first))
    assert [CREDENTIAL_FINALIZER] == finalizers_of(world, credential_path(world, first))

    world.delete_api_token("second")
    is_free(world, credential_path(world, first))


def test_an_account_that_was_made_to_go_leaves_its_credential_free(world: World) -> None:
    account = put_account(world, "forced")
    put_api_token(world, "forced", account)

    force_delete(world.kube, account_path(world, account))

    is_free(world, credential_path(world, account))
    world.becomes("forced", "AccountNotFound", "Reconciling")


def test_finalizers_that_someone_took_away_come_back(world: World) -> None:
    account = put_account(world, "robbed")
    put_api_token(world, "robbed", account)
    for path in (account_path(world, account), credential_path(world, account)):
        world.kube.merge(path, {"metadata": {"finalizers": None}})

    look_at(world, account_path(world, account))

    is_held(world, account_path(world, account), ACCOUNT_FINALIZER)
    is_held(world, credential_path(world, account), CREDENTIAL_FINALIZER)


# Namespaces, each with everything in it.


@pytest.fixture
def own(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a served world with a MailtrapAccount and its credential in the namespace."""
    with served(cluster, kube, tmp_path_factory.mktemp("own")) as world:
        world.put_plain_secret("credential", {"token": CREDENTIAL})
        spec = {
            "accountId": world.simulator.account_id,
            "credentialsSecretRef": {"name": "credential"},
            "baseUrl": world.simulator.url,
        }
        body = {
            "apiVersion": API_VERSION,
            "kind": "MailtrapAccount",
            "metadata": {"name": "own"},
            "spec": spec,
        }
        world.kube.apply(f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts/own", body)
        for name in ("one", "two", "three"):
            world.put_api_token(name, accountRef={"kind": "MailtrapAccount", "name": "own"})
        for name in ("one", "two", "three"):
            world.becomes_ready(name)
        is_held(world, world.secret_path("credential"), CREDENTIAL_FINALIZER)
        yield world


def test_a_namespace_that_is_deleted_goes_with_everything_in_it_and_leaves_no_token(own: World) -> None:
    own.request_rotation("two", "so that two of its tokens live")
    eventually(lambda: len(own.living()) == 4, "a token is in its overlap")

    own.kube.delete(f"/api/v1/namespaces/{own.namespace}")

    is_gone(own, f"/api/v1/namespaces/{own.namespace}")
    assert [] == own.tokens()


def test_a_namespace_whose_tokens_cannot_be_deleted_says_so_and_goes_when_they_can(own: World) -> None:
    own.fault("delete", "status", times="forever", status=403)
    own.kube.delete(f"/api/v1/namespaces/{own.namespace}")

    def is_told() -> bool:
        path = f"{GROUP}/namespaces/{own.namespace}/mailtrapaccounts/own"
        return "3: " in condition_of(own, "DeletionBlocked", path).get("message", "")

    eventually(is_told, "the account says for whom it waits")
    own.clear_faults()
    is_gone(own, f"/api/v1/namespaces/{own.namespace}")
    assert [] == own.tokens()


def test_an_operator_that_only_plans_writes_no_finalizer(world: World) -> None:
    account = put_account(world, "planned")
    put_api_token(world, "planned", account)

    # A second operator, which only plans, sees the account in use and out of use.
    with world.operator("--dry-run", "true", *FAST, user="planner"):
        world.kube.merge(account_path(world, account), {"metadata": {"finalizers": None}})
        look_at(world, account_path(world, account))
        world.delete_api_token("planned")
        world.is_gone("planned")

    written = [write["objectRef"] for write in world.writes("planner")]
    held = {"clustermailtrapaccounts", "mailtrapaccounts", "secrets"}
    assert {"status"} >= {ref.get("subresource") for ref in written if ref["resource"] in held}
