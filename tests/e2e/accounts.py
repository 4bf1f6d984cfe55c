"""What tests do to account objects and their credentials, and what they see of them."""

from tests.e2e.kube import Body, Kube, RefusedError
from tests.e2e.world import World, eventually

ACCOUNT_FINALIZER = "mailtrap-operator.io/account-in-use"
CREDENTIAL_FINALIZER = "mailtrap-operator.io/credential-in-use"


def account_path(world: World, name: str | None = None) -> str:
    """Return the path of an account object, that of this world unless another one is named."""
    return world.account_path(name)


def credential_path(world: World, name: str | None = None) -> str:
    """Return the path of the Secret with a credential, that of this world unless another one is named."""
    return f"/api/v1/namespaces/{world.credential_namespace}/secrets/{name or world.account}"


def status_of(world: World, path: str | None = None) -> Body:
    """Return the status of an account object."""
    status: Body = (world.kube.get(path or account_path(world)) or {}).get("status", {})
    return status


def condition_of(world: World, type_: str, path: str | None = None) -> Body:
    """Return a condition of an account object, empty where there is none."""
    conditions = status_of(world, path).get("conditions", [])
    return next((condition for condition in conditions if condition["type"] == type_), {})


def finalizers_of(world: World, path: str) -> list[str]:
    """Return the finalizers of an object that exists."""
    body = world.kube.get(path)
    assert body is not None
    return list(body["metadata"].get("finalizers", []))


def is_held(world: World, path: str, finalizer: str) -> None:
    """Wait until an object has a finalizer."""
    eventually(lambda: finalizer in finalizers_of(world, path), f"{path} is held")


def is_free(world: World, path: str) -> None:
    """Wait until an object has no finalizer any more."""
    eventually(lambda: finalizers_of(world, path) == [], f"{path} is free")


def is_gone(world: World, path: str) -> None:
    """Wait until an object is gone."""
    eventually(lambda: world.kube.get(path) is None, lambda: f"{path} is gone: {world.kube.get(path)}")


def force_delete(kube: Kube, path: str) -> None:
    """Delete an object as an administrator who takes its finalizers away; one that is gone meanwhile is fine."""
    kube.delete(path)
    try:
        kube.merge(path, {"metadata": {"finalizers": None}})
    except RefusedError as refused:
        if refused.status != 404:
            raise


def look_at(world: World, path: str | None = None) -> None:
    """Have an account looked at now, and wait until what that learned is written.

    Its interval is changed twice: a second look does not begin before the first has ended.
    """
    for interval in ("11s", "10s"):
        before = len(world.calls("list"))
        world.kube.merge(path or account_path(world), {"spec": {"refreshInterval": interval}})
        eventually(lambda: len(world.calls("list")) > before, "the account is listed")  # noqa: B023 - called at once


class Account:
    """An account object with a credential of its own."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = f"{world.namespace}-{name}"
        self.kind = world.account_kind
        self.path = world.account_path(self.name)
        self.secret_path = credential_path(world, self.name)
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
        self.world.put_plain_secret(self.name, {key: text}, self.world.credential_namespace)

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
