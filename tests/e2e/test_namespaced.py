"""Single namespaces are served with Roles alone: nothing is asked of the whole cluster."""

from pathlib import Path

from tests.e2e.accounts import is_gone
from tests.e2e.kube import GROUP
from tests.e2e.rights import SERVE, WATCH_SECRETS, requests_of, service_account
from tests.e2e.world import API_VERSION, CREDENTIAL, FAST, World, eventually


def put_account(world: World, name: str = "own") -> str:
    """Write a MailtrapAccount with its credential in the world's namespace; return its path."""
    world.put_plain_secret("mailtrap-credentials", {"token": CREDENTIAL}, world.namespace)
    spec = {
        "accountId": world.simulator.account_id,
        "credentialsSecretRef": {"name": "mailtrap-credentials"},
        "baseUrl": world.simulator.url,
        "refreshInterval": "10s",
    }
    path = f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts/{name}"
    kind = {"apiVersion": API_VERSION, "kind": "MailtrapAccount"}
    world.kube.apply(path, {**kind, "metadata": {"name": name}, "spec": spec})
    return path


def test_a_namespace_is_served_with_roles_alone(world: World) -> None:
    kubeconfig = service_account(world, "robot", [*SERVE, WATCH_SECRETS])
    own = {"kind": "MailtrapAccount", "name": "own"}
    with world.operator(*FAST, "--resync-interval", "1s", installation="", kubeconfig=kubeconfig):
        account = put_account(world)
        world.put_api_token("billing", accountRef=own)
        world.put_api_token("elsewhere")
        first = world.becomes_ready("billing")
        stalled = world.becomes("elsewhere", "AccountNotServed")

        assert world.works(first)
        assert stalled["message"] == (
            f"ClusterMailtrapAccount {world.account} is not served: this operator has no right to list and watch "
            "clustermailtrapaccounts. Name a MailtrapAccount of this namespace in spec.accountRef, or grant that right and "
            "start the operator again."
        )

        world.kube.delete(world.secret_path("billing"))
        eventually(lambda: world.value("billing") not in {None, first}, "the Secret is back")
        world.put_api_token("elsewhere", accountRef=own)
        world.becomes_ready("elsewhere")
        for name in ("billing", "elsewhere"):
            world.delete_api_token(name)
            world.is_gone(name)
        world.kube.delete(account)
        is_gone(world, account)

    asked = requests_of(world, "robot")
    assert {"selfsubjectaccessreviews"} == {
        entry["objectRef"]["resource"] for entry in asked if "namespace" not in entry["objectRef"]
    }
    assert [] == [entry for entry in asked if entry["responseStatus"]["code"] in {401, 403}]


def test_all_namespaces_are_not_served_with_roles_alone(world: World) -> None:
    kubeconfig = service_account(world, "robot", [*SERVE, WATCH_SECRETS])
    operator = world.operator(kubeconfig=kubeconfig, sees_all=True)

    operator.launch()
    eventually(lambda: not operator.is_running, "the operator has ended")

    assert (
        "mailtrap-operator: The operator serves all namespaces, but has no right to list and watch clustermailtrapaccounts of "
        "the group mailtrap-operator.io. Grant it by a ClusterRole, or name the namespaces to serve (--watch-namespaces)."
    ) == _last_line(operator.log)


def _last_line(log: Path) -> str:
    return log.read_text().splitlines()[-1]
