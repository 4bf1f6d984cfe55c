"""Deletion: nothing of ours outlives its finalizer, and what holds a deletion up says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import Account, force_delete
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.modes import Mode
from tests.e2e.world import API_VERSION, CREDENTIAL, World, eventually, served

FINALIZER = "mailtrap-operator.io/revoke-remote-tokens"
ESCAPE = "mailtrap-operator.io/abandon-remote-tokens"
OWN = {"kind": "MailtrapAccount", "name": "own"}


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for the tests that leave its namespace; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("deletion"), mode) as world:
        yield world


def abandon(world: World, name: str) -> None:
    world.kube.merge(world.api_token_path(name), {"metadata": {"annotations": {ESCAPE: "true"}}})


def finalizers(world: World, name: str) -> list[str]:
    found: list[str] = (world.api_token(name) or {})["metadata"].get("finalizers", [])
    return found


def test_all_tokens_of_an_object_go_with_it(world: World) -> None:
    world.put_api_token("billing")
    values = [world.becomes_ready("billing")]
    for spec in ({"expiration": {"policy": "Never"}}, {"displayName": "billing mailer"}):
        world.put_api_token("billing", **spec)
        values.append(world.becomes_ready("billing"))
    assert [True, True, True] == [world.works(value) for value in values]

    world.delete_api_token("billing")

    world.is_gone("billing")
    assert [False, False, False] == [world.works(value) for value in values]
    assert [] == [token for token in world.tokens() if "billing" in token["name"]]


def test_an_object_that_never_had_a_token_goes_at_once(world: World) -> None:
    world.put_api_token("waiting", accountRef=world.account_ref("nowhere"))
    world.becomes("waiting", "AccountNotFound")
    assert [] == finalizers(world, "waiting")

    world.delete_api_token("waiting")

    assert world.api_token("waiting") is None


def test_a_deletion_waits_for_a_credential_that_is_lost(world: World) -> None:
    account = Account(world, "locked")
    account.put()
    world.put_api_token("locked", accountRef=world.account_ref(account.name))
    world.becomes_ready("locked")
    force_delete(world.kube, account.secret_path)

    world.delete_api_token("locked")

    assert ESCAPE in world.becomes("locked", "CredentialMissing")["message"]
    assert [FINALIZER] == finalizers(world, "locked")
    account.put_new_credential()
    world.is_gone("locked")
    assert [] == world.tokens_of("locked")


def test_a_refused_deletion_is_held_up_visibly_until_the_escape_which_names_what_it_leaves_behind(
    world: World,
) -> None:
    world.put_api_token("given-up")
    world.becomes_ready("given-up")
    world.put_api_token("given-up", expiration={"policy": "Never"})
    world.becomes_ready("given-up")
    ids = [token["id"] for token in world.tokens_of("given-up")]
    world.fault("delete", "status", times="forever", status=403)
    world.delete_api_token("given-up")

    condition = world.becomes("given-up", "DeletionRefused")
    assert "False" == condition["status"]
    assert ESCAPE in condition["message"]
    assert [FINALIZER] == finalizers(world, "given-up")

    abandon(world, "given-up")

    world.is_gone("given-up")
    world.clear_faults()
    event = eventually(lambda: world.events("given-up", "Abandoned"), "an Event tells it")[0]
    assert 2 == len(ids)
    assert [] == [token for token in ids if str(token) not in event["message"]]
    assert ids == [token["id"] for token in world.tokens_of("given-up") if token["live"]]


# Namespaces.


@pytest.fixture
def own(cluster: Cluster, kube: Kube, tmp_path: Path, mode: Mode) -> Iterator[World]:
    """Provide a served world whose namespace may go."""
    with served(cluster, kube, tmp_path, mode) as world:
        put_own_account(world)
        yield world


def put_own_account(world: World) -> None:
    """Write a MailtrapAccount and its credential, both in the world's namespace."""
    world.put_plain_secret("credential", {"token": CREDENTIAL})
    spec: dict[str, Any] = {
        "accountId": world.simulator.account_id,
        "credentialsSecretRef": {"name": "credential"},
        "baseUrl": world.simulator.url,
        "refreshInterval": "10s",
    }
    body = {"apiVersion": API_VERSION, "kind": "MailtrapAccount", "metadata": {"name": "own"}, "spec": spec}
    world.kube.apply(own_account_path(world), body)


def own_account_path(world: World) -> str:
    return f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts/own"


def namespace(world: World) -> Body | None:
    return world.kube.get(f"/api/v1/namespaces/{world.namespace}")


def delete_namespace(world: World) -> None:
    world.kube.delete(f"/api/v1/namespaces/{world.namespace}")


def namespace_is_gone(world: World) -> None:
    eventually(lambda: namespace(world) is None, f"the namespace is gone: {namespace(world)}")


def test_a_namespace_goes_without_a_trace_where_the_credential_is_elsewhere(own: World) -> None:
    for name in ("one", "two"):
        own.put_api_token(name)
        own.becomes_ready(name)

    delete_namespace(own)

    namespace_is_gone(own)
    assert [] == own.tokens()


def test_a_namespace_that_has_lost_its_credential_is_held_up_visibly_until_the_escape(own: World) -> None:
    own.put_api_token("own", accountRef=OWN)
    own.becomes_ready("own")

    force_delete(own.kube, own.secret_path("credential"))
    delete_namespace(own)

    def is_told() -> bool:
        ready = own.condition("own")
        is_held_up = (ready.get("status"), ready.get("reason")) == ("False", "CredentialMissing")
        return is_held_up and ESCAPE in ready["message"]

    eventually(is_told, "the object tells what holds it up")

    def is_named() -> bool:
        conditions = (namespace(own) or {})["status"].get("conditions", [])
        return any(
            FINALIZER in c["message"] for c in conditions if c["type"] == "NamespaceFinalizersRemaining"
        )

    eventually(is_named, "the namespace names the finalizer")
    abandon(own, "own")
    namespace_is_gone(own)
    assert 1 == len(own.living())
