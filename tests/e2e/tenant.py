"""A tenant who attacks others: a user with the role `edit` in one namespace, as the chart extends it, and no other right.

The operator is the chart's: its ServiceAccount, its rights, its arguments, every namespace. Tests of one file share it;
each has a `Scene` of its own. What tenants do and see is the vocabulary of `World`, with their rights and in their
namespaces.
"""

import base64
import copy
import hashlib
import json
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cluster import Cluster
from mailtrap_operator.core.ownership import owner_of
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.accounts import Account, force_delete
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.modes import CLUSTER, Mode
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import CREDENTIAL, FAST, INSTALLATION, World, eventually

MARK = "mailtrap-operator.io"
MANAGED = {"app.kubernetes.io/managed-by": "mailtrap-operator"}
ADOPT, CONFIRM, PROOF = f"{MARK}/adopt-token-id", f"{MARK}/adopt-confirm", f"{MARK}/adopt-proof"

_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Platform:
    """What the tenants of a file share: the world as its administrator sees it, and the operator that serves all."""

    admin: World
    operator: OperatorProcess


@contextmanager
def platform_of(
    cluster: Cluster, kube: Kube, folder: Path, *arguments: str, mode: Mode = CLUSTER, server: str = ""
) -> Iterator[Platform]:
    """Yield a platform with a simulator and a running operator.

    `arguments` are flags beside those of all tests. Accounts may name a `server` as well.
    """
    with SimulatorProcess(CREDENTIAL) as simulator:
        if server:
            arguments = (*arguments, "--allowed-base-urls", f"{simulator.url},{server}")
        admin = World(cluster, kube, simulator, folder, mode)
        eventually(lambda: _may_edit(kube), "the chart's rights are part of the role edit")
        with admin.operator(*FAST, *arguments) as operator:
            yield Platform(admin, operator)
        assert [] == admin.refused()


def _may_edit(kube: Kube) -> bool:
    role = kube.get(f"/apis/{_RBAC}/v1/clusterroles/edit") or {}
    return any(
        "mailtrapaccounts" in rule["resources"] and "create" in rule["verbs"] for rule in role["rules"]
    )


class Scene:
    """One test's account in Mailtrap, and the administrator's object for it, which serves `alice` and not `mallory`.

    Anyone who of the two names no account in an ApiToken means this one. `resources` are those of the account in Mailtrap;
    without them it takes any.
    """

    def __init__(self, platform: Platform, resources: list[Body] | None = None) -> None:
        self.operator = platform.operator
        self.admin = copy.copy(platform.admin)
        self.admin.simulator = copy.copy(platform.admin.simulator)
        self.admin.simulator.account_id = _new_account(platform.admin, resources)
        self.account = Account(self.admin, f"shared-{uuid.uuid4().hex[:6]}")
        self.account.put_new_credential(account_id=self.admin.simulator.account_id)
        self.ref = self.admin.account_ref(self.account.name)
        self.alice = self._tenant("alice", "shop")
        self.mallory = self._tenant("mallory", "evil")
        self.serve(self.alice)

    def _tenant(self, user: str, namespace: str) -> World:
        """Return the world as a new user sees it from a new namespace."""
        tenant = copy.copy(self.admin)
        tenant.namespace = f"{namespace}-{uuid.uuid4().hex[:6]}"
        tenant.account = self.account.name
        self.admin.kube.create("/api/v1/namespaces", {"metadata": {"name": tenant.namespace}})
        self.grant(tenant.namespace, user, "edit")
        tenant.kube = Kube(self.admin.cluster.kubeconfig_for(user))
        return tenant

    def grant(self, namespace: str, user: str, role: str) -> None:
        """Bind a ClusterRole to a user in one namespace."""
        body = {
            "metadata": {"name": f"{user}-{role}"},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        }
        self.admin.kube.create(f"/apis/{_RBAC}/v1/namespaces/{namespace}/rolebindings", body)

    def grant_everything(self, tenant: World, user: str) -> None:
        """Give a user all rights on the operator's resources in a tenant's namespace, statuses too, as `resources: ["*"]` does."""
        role = {"metadata": {"name": tenant.namespace}, "rules": [_EVERYTHING]}
        self.admin.kube.create(f"/apis/{_RBAC}/v1/clusterroles", role)
        self.grant(tenant.namespace, user, tenant.namespace)

    def serve(self, *tenants: World, **rules: Any) -> None:
        """Have the account serve these tenants' namespaces and no others, under further rules of its policy."""
        names = [tenant.namespace for tenant in tenants]
        # An account that is listed of itself would have calls that no one has caused.
        self.account.put(policy={"allowedNamespaces": {"names": names}, **rules}, refreshInterval="1h")
        is_ready(self.account)

    def leave(self) -> None:
        """Take away what the tenants have left, so that no other file's operator meets it."""
        for tenant in (self.alice, self.mallory):
            tenant.kube.close()
            for kind in ("apitokens", "mailtrapaccounts"):
                _empty(self.admin.kube, f"{GROUP}/namespaces/{tenant.namespace}/{kind}")
            _empty(self.admin.kube, f"/api/v1/namespaces/{tenant.namespace}/secrets")
        for path in (self.account.path, self.account.secret_path):
            force_delete(self.admin.kube, path)


def _new_account(admin: World, resources: list[Body] | None) -> int:
    number = 10_000 + len(admin.simulator.control("GET", "state")["accounts"])
    given = {} if resources is None else {"resources": resources}
    admin.simulator.control("POST", "accounts", {"id": number, **given})
    return number


_EVERYTHING: Body = {"apiGroups": [MARK], "resources": ["*"], "verbs": ["*"]}


def _empty(kube: Kube, path: str) -> None:
    for item in (kube.get(path) or {"items": []})["items"]:
        force_delete(kube, f"{path}/{item['metadata']['name']}")


def is_ready(account: Account) -> None:
    """Wait until an account was listed as its object is now."""

    def look() -> bool:
        body = account.world.kube.get(account.path) or {}
        condition = account.condition()
        is_current = condition.get("observedGeneration") == body["metadata"]["generation"]
        return bool(is_current and condition["status"] == "True")

    eventually(look, f"{account.name} is listed: {account.condition()}")


def is_judged(world: World, name: str) -> None:
    """Wait until an ApiToken was judged by its present spec."""

    def look() -> bool:
        body = world.api_token(name) or {}
        return bool(world.condition(name).get("observedGeneration") == body["metadata"]["generation"])

    eventually(look, f"{name} is judged by its spec: {world.status(name)}")


def is_turned_away(world: World, name: str) -> str:
    """Wait until an ApiToken has learned that it may not use its account; return the words."""

    def look() -> str | None:
        conditions = world.status(name).get("conditions", [])
        found = (c["message"] for c in conditions if c["reason"] in {"PolicyViolated", "AccountNotFound"})
        return next(found, None)

    return eventually(look, f"{name} may not use its account: {world.status(name)}")


def is_over(world: World, name: str) -> None:
    """Wait until an ApiToken that is being deleted is gone, or says what that waits for."""

    def look() -> bool:
        return world.api_token(name) is None or "Deletion waits" in world.condition(name).get("message", "")

    eventually(look, f"{name} is deleted, or says why not: {world.status(name)}")


def with_own_accounts(tenant: World) -> World:
    """Return a tenant's world in which accounts are MailtrapAccounts of the namespace, and credentials lie there."""
    own = copy.copy(tenant)
    own.account_kind, own.credential_namespace = "MailtrapAccount", tenant.namespace
    return own


def own_account(tenant: World, name: str, value: str | None = None, **spec: Any) -> Account:
    """Have a tenant make a MailtrapAccount, with a credential that is good unless a `value` is given."""
    account = Account(with_own_accounts(tenant), name)
    account.put_new_credential(account_id=tenant.simulator.account_id)
    if value is not None:
        account.credential = value
        account.put_key("token", value)
    account.put(**spec)
    return account


def new_credential(admin: World) -> str:
    """Have a credential made in the account in Mailtrap; return its value."""
    fields = {"account_id": admin.simulator.account_id}
    return str(admin.simulator.control("POST", "credentials", fields)["token"])


def spoil(admin: World, credential: str, kind: str, **effect: Any) -> None:
    """Have all further calls with a credential end badly."""
    fault = {
        "match": {"credential": credential[-4:]},
        "effect": {"kind": kind, **effect},
        "times": "forever",
    }
    admin.simulator.control("POST", "faults", fault)


def by_hand(admin: World, name: str, **more: Any) -> Body:
    """Have a person make a token that is foreign to the operator; return its id and its value."""
    resources = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
    body = {"name": name, "resources": resources, "created_by": "Jane Doe", "foreign": True}
    body |= {"account_id": admin.simulator.account_id, **more}
    made: Body = admin.simulator.control("POST", "tokens", body)
    return made


def changes_of(admin: World, token_id: int) -> list[Body]:
    """Return the calls that reset or deleted one remote token, or would have."""
    changes = [call for call in admin.mutations() if call["operation"] != "create"]
    return [call for call in changes if call["token_id"] == token_id]


def forge_secret(tenant: World, name: str, token_id: int, account: Body, *, like: str) -> None:
    """Write the Secret of an ApiToken that exists, with marks that name a token as the one it holds.

    They are `like` those of a Secret that the operator has made for the tenant: nothing in them is damaged.
    """
    genuine, value = tenant.secret(like) or {}, tenant.value(like) or ""
    annotations = dict(genuine["metadata"]["annotations"])
    meta = (tenant.api_token(name) or {})["metadata"]
    owner = owner_of(INSTALLATION, tenant.namespace, name, meta["uid"])
    issuance = json.loads(annotations[f"{MARK}/issuance"])
    issuance["wishes"]["account"] = account
    annotations[f"{MARK}/owner"] = f"{INSTALLATION}-{owner}"
    annotations[f"{MARK}/api-token"] = name
    annotations[f"{MARK}/token-id"] = str(token_id)
    annotations[f"{MARK}/fingerprint"] = fingerprint(value, token_id, annotations[f"{MARK}/nonce"])
    annotations[f"{MARK}/issuance"] = json.dumps(issuance)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": MANAGED, "annotations": annotations},
        "data": genuine["data"],
    }
    tenant.kube.apply(tenant.secret_path(name), body)


def fingerprint(value: str, token_id: int, nonce: str) -> str:
    """Return what the marks of a Secret say of its value."""
    return f"{len(value)}:{hashlib.sha256(f'{token_id}/{nonce}/{value}'.encode()).hexdigest()}"


def encoded(data: Mapping[str, str]) -> dict[str, str]:
    """Return texts as they stand in a Secret."""
    return {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}


class Canary:
    """A port of this machine that no one may connect to; `address` is host and port."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        host, port = listener.getsockname()
        self.address = f"{host}:{port}"

    def sings(self) -> bool:
        """Whether someone has connected."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@contextmanager
def canary() -> Iterator[Canary]:
    """Listen as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield Canary(listener)
