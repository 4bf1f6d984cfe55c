"""Accounts for tests that need more than the one of their world: each with an object and a credential of its own."""

from tests.e2e.kube import GROUP, Body
from tests.e2e.world import OPERATOR_NAMESPACE, World


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
        """Write the account object."""
        self.world.put_account(self.name, **spec)

    def put_new_credential(self, **fields: object) -> None:
        """Have a credential made in Mailtrap, and give it to the operator."""
        made = self.world.simulator.control("POST", "credentials", fields)
        self.credential_id, self.credential = made["id"], made["token"]
        self.world.put_credential(self.credential, self.name)

    def put_key(self, key: str, text: str) -> None:
        """Write the credentials Secret."""
        self.world.put_plain_secret(self.name, {key: text}, OPERATOR_NAMESPACE)

    def expire_credential(self) -> None:
        """End the credential."""
        self.world.simulator.control("POST", f"credentials/{self.credential_id}/expire")

    def status(self) -> Body:
        """Return the account's status."""
        return (self.world.kube.get(self.path) or {}).get("status") or {}

    def condition(self, type_: str = "Ready") -> Body:
        """Return a condition of the account, empty where there is none."""
        conditions = self.status().get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == type_), {})

    def calls(self) -> list[Body]:
        """Return the calls that were made with the present credential."""
        return [call for call in self.world.calls() if call["credential"] == self.credential[-4:]]
