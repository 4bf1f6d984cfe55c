"""A whole world on one virtual clock: Kubernetes, the remote API, users, and operators that live and die.

A run is a function of its start, its script and its seed; the same three give the same run.
"""

import asyncio
import base64
import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, ROTATE_ANNOTATION
from mailtrap_operator.core.ownership import owner_of
from mailtrap_simulator.account import Account, Node
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.messages import Request, Response
from mailtrap_simulator.server import Server
from mailtrap_simulator.settings import Settings as RemoteSettings
from mailtrap_simulator.settings import Types
from mailtrap_simulator.tokens import ADMIN, Grant, Token
from tests.oracle import owned
from tests.simulation.consumer import Consumer
from tests.simulation.kubernetes import Kubernetes
from tests.simulation.network import Life, Network
from tests.simulation.operator_instance import FULL, INSTALLATION, USUAL, OperatorInstance, Setup, Sight
from tests.simulation.virtual_time import server_time

Body = dict[str, Any]

API_VERSION = "mailtrap-operator.io/v1alpha1"
GROUP = "/apis/mailtrap-operator.io/v1alpha1"
NAMESPACE = "team"
ACCOUNT_ID = 3229
CREDENTIAL = "c0ffee00" * 4
FOR_EVERYBODY = {"allowedNamespaces": {"names": ["*"]}, "adoption": "Allowed"}
"""The policy of an account that serves every namespace, and lets each adopt tokens."""
BY_HAND = "by hand"
"""The name of a token that a person made."""

RESTART_AFTER = 2.0
_UNTIL_SERVED = 10.0
OVERLAP = timedelta(seconds=90)
MAX_OVERLAP = timedelta(hours=1)
"""The hard limit of objects whose spec has one."""
RESOURCES = (Node(1, "example.com", "domain"), Node(2, "My sandbox", "sandbox"))
"""What the account shows; others exist too, so that any spec can be served."""

REMOTE_SETTINGS = RemoteSettings(default_expiry=None, unprivileged_list="short")
"""Tokens live for ever unless an end is asked for; of the two answers to a LIST without rights, the one that can mislead."""


class _AnyResources(Account):
    """An account in which a token can be made for any resource, also for one that it does not show."""

    def refuse_unknown(self, grants: Iterable[Grant]) -> None:
        """Refuse none."""

    def tree(self, credential: Token, types: Types) -> list[dict[str, Any]]:
        """Show a part alone, not the account itself: what is not shown may exist."""
        tops = super().tree(credential, types)
        return [each for top in tops for each in (top["resources"] if top["type"] == "account" else [top])]


class Remote(Server):
    """The remote API, by a clock of its own."""

    skew = timedelta()

    def add_account(self, id_: int, name: str, catalogue: tuple[Node, ...] | None = RESOURCES) -> Account:
        """Add an account that refuses no resource."""
        self.accounts[id_] = account = _AnyResources(id_, name, self._mint, catalogue)
        return account

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a request at the server's own time, and say which it is."""
        answer = super().handle(request, now + self.skew)
        date = format_datetime(now + self.skew, usegmt=True)
        return replace(answer, headers={**answer.headers, "Date": date})


@dataclass(frozen=True, slots=True)
class Saved:
    """A world at rest, the remote server pickled: where runs begin."""

    kubernetes: Kubernetes
    remote: bytes
    foreign: frozenset[int]
    time: float


class World:
    """One run's world; it belongs to the running loop."""

    def __init__(
        self,
        network: Network,
        *,
        seed: int = 0,
        saved: Saved | None = None,
        sight: Sight = FULL,
        setup: Setup = USUAL,
    ) -> None:
        self.network = network
        self.sight = sight
        self.setup = setup
        self.seed = seed
        self.operators: list[OperatorInstance] = []
        self.changes = 0
        self.consumer = Consumer(self)
        self._born = 0
        if saved is None:
            self.kubernetes = Kubernetes(server_time)
            self.remote = Remote(Random(seed), REMOTE_SETTINGS)
            self.remote.add_account(ACCOUNT_ID, "Account")
            self.foreign = self._found()
        else:
            self.kubernetes = saved.kubernetes.copy(server_time)
            self.remote = pickle.loads(saved.remote)  # noqa: S301 - of our own making
            self.foreign = saved.foreign

    def save(self) -> Saved:
        """Return the world as it is now."""
        time = asyncio.get_running_loop().time()
        return Saved(self.kubernetes.copy(server_time), pickle.dumps(self.remote), self.foreign, time)

    def _found(self) -> frozenset[int]:
        for namespace in ("default", "kube-system", "mailtrap-system", NAMESPACE):
            labels = {"kubernetes.io/metadata.name": namespace}
            self.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace, "labels": labels}})
        data = {"token": base64.b64encode(CREDENTIAL.encode()).decode()}
        secret = {"metadata": {"name": "mailtrap-credentials"}, "data": data}
        self.write("POST", "/api/v1/namespaces/mailtrap-system/secrets", secret)
        spec = {
            "accountId": ACCOUNT_ID,
            "credentialsSecretRef": {"name": "mailtrap-credentials"},
            "refreshInterval": "1h",
            "policy": FOR_EVERYBODY,
        }
        account = {
            "apiVersion": API_VERSION,
            "kind": "ClusterMailtrapAccount",
            "metadata": {"name": "default"},
            "spec": spec,
        }
        self.write("POST", f"{GROUP}/clustermailtrapaccounts", account)
        owner = owner_of(INSTALLATION, NAMESPACE, "billing", "another uid")
        grants = (Grant("domain", 1, ADMIN),)
        foreign = [
            self.account.create(Draft(name, grants, None), "Jane Doe", server_time(), value=value).id
            for name, value in (
                ("a person's token", None),
                (f"team/billing [k8s:{INSTALLATION}-{owner}-aaaaaaaa]", None),
                (f"team/billing [k8s:another-{owner}-aaaaaaaa]", None),
            )
        ]
        admin = (self.account.admin_grant,)
        credential = self.account.create(
            Draft("operator", admin, None), "Jane Doe", server_time(), CREDENTIAL
        )
        return frozenset([*foreign, credential.id])

    # Operators.

    async def start_operator(self) -> OperatorInstance:
        """Start an operator; one that crashes is followed by another."""
        operator = self.add_operator()
        await operator.start()
        return operator

    def add_operator(self) -> OperatorInstance:
        """Return an operator that is still to be started."""
        self._born += 1
        name = f"operator-{self._born}"
        operator = OperatorInstance(
            name,
            self.kubernetes,
            self.remote,
            self.network,
            self.seed,
            sight=self.sight,
            setup=self.setup,
        )
        self.operators.append(operator)
        return operator

    async def served(self) -> Saved:
        """Have an operator do what is to be done, end it, and return the world."""
        await self.start_operator()
        await asyncio.sleep(_UNTIL_SERVED)
        await self.stop_operators()
        return self.save()

    async def stop_operators(self) -> None:
        """End all operators, and what they have in progress."""
        for operator in self.operators:
            operator.life.is_alive = False
            await operator.operator.queue.drain(timedelta())

    def follow_crashes(self) -> None:
        """Have another operator start whenever one dies."""
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[OperatorInstance]] = set()

        def successor(_life: Life) -> None:
            loop.call_later(RESTART_AFTER, lambda: tasks.add(loop.create_task(self.start_operator())))

        self.network.on_crash = successor

    # What users and controllers do; none of it passes the network.

    def write(self, method: str, path: str, body: object = None) -> Body:
        """Write as a user, and have the write accepted."""
        content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, answer = self.kubernetes.request(method, path, {}, body, content_type)
        assert status < 300, answer
        self.note_change()
        return answer

    def note_change(self) -> None:
        """Let everyone who watches hear of a change."""
        self.changes += 1
        self.consumer.hear()
        for operator in self.operators:
            operator.hear()

    def read(self, path: str) -> Body | None:
        """Read as a user."""
        status, answer = self.kubernetes.request("GET", path, {}, None, "application/json")
        return answer if status == 200 else None

    def put_api_token(self, name: str = "billing", **spec: Any) -> None:
        """Create an ApiToken, or change its spec."""
        path = f"{GROUP}/namespaces/{NAMESPACE}/apitokens"
        if self.read(f"{path}/{name}"):
            self.write("PATCH", f"{path}/{name}", {"spec": spec})
            return
        full = {
            "resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}],
            "rotation": {"overlap": f"{OVERLAP.total_seconds():.0f}s"},
        } | spec
        body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": {"name": name}, "spec": full}
        self.write("POST", path, body)

    def request_rotation(self, name: str = "billing", request: str = "now") -> None:
        """Ask for a rotation of an ApiToken, by its annotation."""
        self.write("PATCH", api_token_path(name), {"metadata": {"annotations": {ROTATE_ANNOTATION: request}}})

    def adopt(self, name: str = "billing") -> None:
        """Have an ApiToken take over a token that a person made, and confirm that at once."""
        draft = Draft(BY_HAND, (Grant("domain", 1, ADMIN),), None)
        id_ = str(self.account.create(draft, "Jane Doe", server_time()).id)
        marks = {ADOPT_ANNOTATION: id_, CONFIRM_ANNOTATION: id_}
        self.write("PATCH", api_token_path(name), {"metadata": {"annotations": marks}})

    def request_list(self) -> None:
        """Have the account looked at before its time: its object changes in a way that matters to no one."""
        path = f"{GROUP}/clustermailtrapaccounts/default"
        self.write("PATCH", path, {"spec": {"refreshInterval": "59m"}})

    def replace_credential(self) -> None:
        """Give the operator another credential, and delete the former one."""
        former = self.account.find_value(CREDENTIAL)
        assert former is not None
        admin = Draft("operator", (self.account.admin_grant,), None)
        successor = self.account.create(admin, "Jane Doe", server_time(), CREDENTIAL[::-1])
        self.account.delete(former)
        self.foreign = self.foreign - {former.id} | {successor.id}
        data = {"token": base64.b64encode(successor.value.encode()).decode()}
        self.write("PATCH", "/api/v1/namespaces/mailtrap-system/secrets/mailtrap-credentials", {"data": data})

    def delete(self, path: str) -> None:
        """Delete an object as a user."""
        self.kubernetes.request("DELETE", path, {}, None, "application/json")
        self.note_change()

    def force_delete(self, path: str) -> None:
        """Delete an object as an administrator who takes its finalizers away."""
        self.delete(path)
        if self.read(path):
            self.write("PATCH", path, {"metadata": {"finalizers": None}})

    def collect_garbage(self) -> None:
        """Do what the controllers do for namespaces that end and objects without an owner."""
        version = self.kubernetes.resource_version
        self.kubernetes.empty_namespaces()
        self.kubernetes.collect_garbage()
        if version != self.kubernetes.resource_version:
            self.note_change()

    # What there is.

    @property
    def account(self) -> Account:
        """The one remote account."""
        return self.remote.accounts[ACCOUNT_ID]

    def remote_time(self) -> datetime:
        """Return what the remote API takes for the time."""
        return server_time() + self.remote.skew

    def api_tokens(self) -> list[Body]:
        """Return all ApiTokens."""
        listed = self.read(f"{GROUP}/namespaces/{NAMESPACE}/apitokens")
        return listed["items"] if listed else []

    def condition(self, type_: str, path: str | None = None) -> Body:
        """Return a condition of an object, empty where there is none; by default of the first ApiToken."""
        body = self.read(path or api_token_path()) or {}
        conditions = body.get("status", {}).get("conditions", ())
        return next((condition for condition in conditions if condition["type"] == type_), {})

    def secret_of(self, api_token: Body) -> Body | None:
        """Return the Secret that an ApiToken's spec names."""
        name = api_token["spec"].get("secretName") or api_token["metadata"]["name"]
        return self.read(secret_path(name))

    def published_value(self) -> str | None:
        """Return the value in the Secret of the one ApiToken that there is."""
        (body,) = self.api_tokens()
        return value_in(self.secret_of(body))

    def remote_tokens(self) -> dict[int, Token]:
        """Return all remote tokens that are listed."""
        now, accounts = self.remote_time(), self.remote.accounts.values()
        return {token.id: token for account in accounts for token in account.tokens(now)}

    def owned(self, api_token: Body, among: Mapping[int, Token] | None = None) -> list[Token]:
        """Return the tokens that have an object's tag, by default among all remote ones."""
        tokens = self.remote_tokens() if among is None else among
        return list(owned(INSTALLATION, api_token, tokens).values())


def api_token_path(name: str = "billing") -> str:
    """Return the path of an ApiToken."""
    return f"{GROUP}/namespaces/{NAMESPACE}/apitokens/{name}"


def secret_path(name: str = "billing") -> str:
    """Return the path of a Secret."""
    return f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"


def texts_in(secret: Body | None) -> list[str]:
    """Return all data of a Secret."""
    data = (secret or {}).get("data") or {}
    return [base64.b64decode(encoded).decode(errors="replace") for encoded in data.values()]


def value_in(secret: Body | None) -> str | None:
    """Return the value that a Secret holds."""
    encoded = ((secret or {}).get("data") or {}).get("token")
    return base64.b64decode(encoded).decode() if encoded else None


def as_text(body: Body) -> str:
    """Return an object as one text, to look for what must not be there."""
    return json.dumps(body)
