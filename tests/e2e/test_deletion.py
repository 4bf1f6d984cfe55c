"""Deletion: nothing of ours outlives its finalizer, and what holds a deletion up says so."""

from typing import Any

import pytest

from tests.e2e.accounts import credential_path, force_delete
from tests.e2e.kube import GROUP, Body
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import API_VERSION, CREDENTIAL, World, eventually

FINALIZER = "mailtrap-operator.io/revoke-remote-tokens"
ESCAPE = "mailtrap-operator.io/abandon-remote-tokens"
HELD_UP = {"CredentialMissing", "AccountNotFound"}
OWN = {"kind": "MailtrapAccount", "name": "own"}


def abandon(world: World, name: str) -> None:
    world.kube.merge(world.api_token_path(name), {"metadata": {"annotations": {ESCAPE: "true"}}})


def finalizers(world: World, name: str) -> list[str]:
    found: list[str] = (world.api_token(name) or {})["metadata"].get("finalizers", [])
    return found


def test_all_tokens_of_an_object_go_with_it(world: World, operator: OperatorProcess) -> None:
    world.put_api_token("billing")
    values = [world.becomes_ready("billing")]
    for spec in ({"expiration": {"policy": "Never"}}, {"displayName": "billing mailer"}):
        world.put_api_token("billing", **spec)
        values.append(world.becomes_ready("billing"))
    assert [True, True, True] == [world.works(value) for value in values]

    world.delete_api_token("billing")

    world.is_gone("billing")
    assert [] == world.tokens()
    assert [False, False, False] == [world.works(value) for value in values]


def test_an_object_that_never_had_a_token_goes_at_once(world: World, operator: OperatorProcess) -> None:
    world.put_api_token("waiting", accountRef=world.account_ref("nowhere"))
    world.becomes("waiting", "AccountNotFound")
    assert [] == finalizers(world, "waiting")

    world.delete_api_token("waiting")

    assert world.api_token("waiting") is None


@pytest.mark.parametrize("status", [403, 422])
def test_a_refused_deletion_is_held_up_visibly_until_it_is_granted(
    world: World, operator: OperatorProcess, status: int
) -> None:
    world.put_api_token("kept")
    world.becomes_ready("kept")
    world.fault("delete", "status", times="forever", status=status)

    world.delete_api_token("kept")

    condition = world.becomes("kept", "DeletionRefused")
    assert "False" == condition["status"]
    assert ESCAPE in condition["message"]
    assert [FINALIZER] == finalizers(world, "kept")
    eventually(lambda: world.events("kept", "DeletionRefused"), "an Event tells it")
    world.clear_faults()
    world.is_gone("kept")
    assert [] == world.tokens()


def test_a_refused_deletion_of_a_former_token_holds_up_no_rotation(
    world: World, operator: OperatorProcess
) -> None:
    world.put_api_token("undeletable", rotation={"strategy": "Replace", "overlap": "0s"})
    old = world.becomes_ready("undeletable")
    world.fault("delete", "status", times="forever", status=422)
    world.request_rotation("undeletable", "first")
    refused = world.becomes("undeletable", "DeletionRefused", "Stalled")

    world.request_rotation("undeletable", "second")

    eventually(lambda: world.status("undeletable")["lastHandledRotateRequest"] == "second", "it is answered")
    assert "may not be deleted" in refused["message"]
    assert world.works(old), "nothing was deleted"
    world.clear_faults()
    eventually(lambda: not world.status("undeletable").get("previous"), "both go once that is allowed")
    assert [world.value("undeletable")] == [
        value for value in (old, world.value("undeletable")) if world.works(value)
    ]


def test_a_deletion_waits_for_a_credential_that_is_lost(world: World, operator: OperatorProcess) -> None:
    world.put_api_token("locked")
    world.becomes_ready("locked")
    force_delete(world.kube, credential_path(world))

    world.delete_api_token("locked")

    assert ESCAPE in world.becomes("locked", "CredentialMissing")["message"]
    assert [FINALIZER] == finalizers(world, "locked")
    world.put_credential(CREDENTIAL)
    world.is_gone("locked")
    assert [] == world.tokens()


def test_the_escape_lets_an_object_go_and_names_what_it_leaves_behind(
    world: World, operator: OperatorProcess
) -> None:
    world.put_api_token("given-up")
    world.becomes_ready("given-up")
    world.put_api_token("given-up", expiration={"policy": "Never"})
    world.becomes_ready("given-up")
    ids = [token["id"] for token in world.tokens()]
    world.fault("delete", "status", times="forever", status=403)
    world.delete_api_token("given-up")
    world.becomes("given-up", "DeletionRefused")

    abandon(world, "given-up")

    world.is_gone("given-up")
    (event,) = eventually(lambda: world.events("given-up", "Abandoned"), "an Event tells it")
    assert 2 == len(ids)
    assert [] == [token for token in ids if str(token) not in event["message"]]
    assert ids == [token["id"] for token in world.living()]


# Namespaces.


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


def test_a_namespace_goes_without_a_trace_where_the_credential_is_elsewhere(
    world: World, operator: OperatorProcess
) -> None:
    put_own_account(world)
    for name in ("one", "two"):
        world.put_api_token(name)
        world.becomes_ready(name)

    delete_namespace(world)

    namespace_is_gone(world)
    assert [] == world.tokens()


def test_a_namespace_goes_without_a_trace_when_its_api_tokens_go_first(
    world: World, operator: OperatorProcess
) -> None:
    put_own_account(world)
    world.put_api_token("own", accountRef=OWN)
    world.becomes_ready("own")

    world.delete_api_token("own")
    world.is_gone("own")
    delete_namespace(world)

    namespace_is_gone(world)
    assert [] == world.tokens()


@pytest.mark.parametrize("first", ["credential", "account"])
def test_a_namespace_that_has_lost_its_credential_is_held_up_visibly_until_the_escape(
    world: World, operator: OperatorProcess, first: str
) -> None:
    put_own_account(world)
    world.put_api_token("own", accountRef=OWN)
    world.becomes_ready("own")
    lost = {"credential": world.secret_path("credential"), "account": own_account_path(world)}

    force_delete(world.kube, lost[first])
    delete_namespace(world)

    def is_told() -> bool:
        ready = world.condition("own")
        return ready.get("reason") in HELD_UP and ready["status"] == "False" and ESCAPE in ready["message"]

    eventually(is_told, "the object tells what holds it up")

    def is_named() -> bool:
        conditions = (namespace(world) or {})["status"].get("conditions", [])
        return any(
            FINALIZER in c["message"] for c in conditions if c["type"] == "NamespaceFinalizersRemaining"
        )

    eventually(is_named, "the namespace names the finalizer")
    abandon(world, "own")
    namespace_is_gone(world)
    assert 1 == len(world.living())
