"""The accounts that a spec may name, beside the one that every world has: they share a second remote account."""

import base64

from mailtrap_simulator.drafts import Draft
from tests.simulation.virtual_time import server_time
from tests.simulation.world import API_VERSION, FOR_EVERYBODY, GROUP, NAMESPACE, World, secret_path

_SECOND_ID = 4711
_SECOND_CREDENTIAL = "deadbeef" * 4

ACCOUNTS = (
    f"{GROUP}/clustermailtrapaccounts/default",
    f"{GROUP}/clustermailtrapaccounts/second",
    f"{GROUP}/clustermailtrapaccounts/third",
    f"{GROUP}/namespaces/{NAMESPACE}/mailtrapaccounts/default",
)
CREDENTIALS = (
    "/api/v1/namespaces/mailtrap-system/secrets/mailtrap-credentials",
    "/api/v1/namespaces/mailtrap-system/secrets/second-credentials",
    secret_path("second-credentials"),
)


def add_accounts(world: World) -> None:
    """Add the other accounts to a new world."""
    remote = world.remote.add_account(_SECOND_ID, "Second")
    draft = Draft("operator", (remote.admin_grant,), None)
    credential = remote.create(draft, "Jane Doe", server_time(), _SECOND_CREDENTIAL)
    world.foreign |= {credential.id}
    data = {"token": base64.b64encode(_SECOND_CREDENTIAL.encode()).decode()}
    for path in CREDENTIALS[1:]:
        folder, _, name = path.rpartition("/")
        world.write("POST", folder, {"metadata": {"name": name}, "data": data})
    spec = {
        "accountId": _SECOND_ID,
        "credentialsSecretRef": {"name": "second-credentials"},
        "refreshInterval": "1h",
    }
    for path in ACCOUNTS[1:]:
        folder, _, name = path.rpartition("/")
        kind = "ClusterMailtrapAccount" if "cluster" in folder else "MailtrapAccount"
        policy = FOR_EVERYBODY if "cluster" in folder else {}
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name},
            "spec": {**spec, "policy": policy},
        }
        world.write("POST", folder, body)
