"""The world of an end-to-end test: a namespace of the real API server, a simulator, and the objects in them.

Everything is looked at from outside: through the Kubernetes API, the simulator's control, and with the token value.
Longer than other files, because it is the one vocabulary of all these tests: what a user does, and what one sees.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from local_cluster import Cluster, Helm
from local_cluster.build import HELM4
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.containers import environment_of
from tests.e2e.grants import lines_of
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.modes import Mode
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.patience import PATIENCE
from tests.e2e.release import Release
from tests.oracle import left_over

API_VERSION = "mailtrap-operator.io/v1alpha1"
# No token ends like it: those of the simulator are hexadecimal.
CREDENTIAL = "c0ffee00" * 3 + "operator"
OPERATOR_NAMESPACE = "mailtrap-system"
INSTALLATION = "testaa"

# Lost answers settle within a test, and calls that merely take long on a busy machine do not count as lost. The ratio of
# the two times is the one that the operator demands.
FAST = ("--request-timeout", "4s", "--settle-time", "16s")

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str | Callable[[], str]) -> T:
    """Look again and again until there is something to see.

    `PATIENCE` only bounds a failure.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        if seen := look():
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {PATIENCE} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


class World:
    """One namespace with one account of a simulator.

    Its operators have an administrator's rights, or in a `mode` what the chart gives them.
    """

    def __init__(
        self,
        cluster: Cluster,
        kube: Kube,
        simulator: SimulatorProcess,
        folder: Path,
        mode: Mode | None = None,
    ) -> None:
        self.cluster = cluster
        self.kube = kube
        self.simulator = simulator
        self.folder = folder
        self.namespace = f"test-{uuid.uuid4().hex[:8]}"
        self.account = self.namespace
        self.account_kind = "MailtrapAccount" if mode and mode.is_namespaced else "ClusterMailtrapAccount"
        self.credential_namespace = self.namespace if mode and mode.is_namespaced else OPERATOR_NAMESPACE
        kube.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.release = self._install(mode) if mode else None
        self.put_credential(CREDENTIAL)
        self.put_account()

    # The operator.

    def _install(self, mode: Mode) -> Release:
        """Install the chart, without pods."""
        helm = Helm(HELM4, self.folder / "helm", self.cluster.kubeconfig)
        values = {
            "replicaCount": 0,
            "crds": {"enabled": False},
            # A killed operator would hold the Lease for a while; Helm's own tests have it.
            "leaderElection": {"enabled": False},
            # It would keep the operators of all other worlds from their work.
            "admissionPolicy": {"enabled": False},
            "watchNamespaces": [self.namespace] if mode.is_namespaced else [],
            "settings": {"allowedBaseUrls": [self.simulator.url], "installation": INSTALLATION},
            "log": {"level": "debug"},
        }
        release = Release(self.cluster, helm, self.namespace, OPERATOR_NAMESPACE, **values | mode.values)
        release.install()
        return release

    def operator(
        self,
        *arguments: str,
        user: str = "operator",
        kubeconfig: Path | None = None,
        installation: str = INSTALLATION,
        sees_all: bool = False,
    ) -> OperatorProcess:
        """Return an operator process, not started, that serves this namespace alone, unless it `sees_all`.

        It acts as `user`, or in a mode as the chart says, unless a `kubeconfig` says otherwise. In a mode it serves as the
        chart says.
        """
        log = self.folder / f"operator-{uuid.uuid4().hex[:6]}.log"
        if self.release:
            kubeconfig = kubeconfig or self.service_account()
            container, pod = self.release.container()
            environment = environment_of(container, pod)
            own = container["args"][1:]
        else:
            kubeconfig = kubeconfig or self.cluster.kubeconfig_for(user, ["system:masters"])
            environment = {
                "MAILTRAP_OPERATOR_WATCH_NAMESPACES": "" if sees_all else self.namespace,
                "MAILTRAP_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
                "MAILTRAP_OPERATOR_INSTALLATION": installation,
            }
            own = []
        given = [*own, *(arguments or FAST)]
        return OperatorProcess(kubeconfig, self.simulator.url, log, *given, environment=environment)

    def service_account(self) -> Path:
        """Make a kubeconfig for the ServiceAccount that the operator has in a mode."""
        assert self.release is not None
        return self.cluster.kubeconfig_for_service_account(OPERATOR_NAMESPACE, self.release.name)

    @property
    def user(self) -> str:
        """The user that its operators are to the API server."""
        return self.release.user if self.release else "operator"

    # What a user does.

    def put_credential(self, value: str, name: str | None = None) -> None:
        """Write the account's credential."""
        self.put_plain_secret(name or self.account, {"token": value}, self.credential_namespace)

    def put_plain_secret(self, name: str, data: dict[str, str], namespace: str | None = None) -> None:
        """Write a Secret that is not the operator's."""
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}
        self.kube.apply(f"/api/v1/namespaces/{namespace or self.namespace}/secrets/{name}", body)

    def put_account(self, name: str | None = None, **spec: Any) -> None:
        """Write an account object, that of this world unless another one is named."""
        name = name or self.account
        full = {
            "accountId": self.simulator.account_id,
            "credentialsSecretRef": {"name": name},
            "baseUrl": self.simulator.url,
            "refreshInterval": "10s",
        } | spec
        if self.account_kind == "ClusterMailtrapAccount":
            full = {"policy": {"allowedNamespaces": {"names": ["*"]}}} | full
        kind = self.account_kind
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": full}
        self.kube.apply(self.account_path(name), body)

    def put_api_token(self, name: str, **spec: Any) -> None:
        """Apply an ApiToken, as often as one likes."""
        self._put_api_token({"name": name}, spec)

    def put_annotated_api_token(self, name: str, annotations: dict[str, str], **spec: Any) -> None:
        """Apply an ApiToken that has annotations from its birth."""
        self._put_api_token({"name": name, "annotations": annotations}, spec)

    def _put_api_token(self, metadata: Body, spec: Body) -> None:
        full = {
            "accountRef": self.account_ref(),
            "resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}],
        } | spec
        body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": metadata, "spec": full}
        self.kube.apply(self.api_token_path(metadata["name"]), body)

    def request_rotation(self, name: str, request: str) -> None:
        """Ask for a rotation of an ApiToken, by its annotation."""
        metadata = {"annotations": {"mailtrap-operator.io/rotate": request}}
        self.kube.merge(self.api_token_path(name), {"metadata": metadata})

    def delete_api_token(self, name: str) -> None:
        """Ask for an ApiToken's deletion."""
        self.kube.delete(self.api_token_path(name))

    def lose_status(self, name: str) -> None:
        """Wipe an ApiToken's status, as a restore from a backup does; one that is gone has none to lose."""
        if self.api_token(name):
            self.kube.merge(f"{self.api_token_path(name)}/status", {"status": None})

    def put_foreign_token(self, name: str) -> None:
        """Have someone else make a remote token."""
        resources = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
        self.simulator.control("POST", "tokens", {"name": name, "resources": resources, "foreign": True})

    # What one sees of Kubernetes.

    def account_path(self, name: str | None = None) -> str:
        """Return the path of an account object, that of this world unless another one is named."""
        name = name or self.account
        if self.account_kind == "ClusterMailtrapAccount":
            return f"{GROUP}/clustermailtrapaccounts/{name}"
        return f"{GROUP}/namespaces/{self.namespace}/mailtrapaccounts/{name}"

    def account_ref(self, name: str | None = None) -> dict[str, str]:
        """Return how an ApiToken refers to an account object, that of this world unless another one is named."""
        return {"kind": self.account_kind, "name": name or self.account}

    def api_token_path(self, name: str) -> str:
        """Return the path of an ApiToken."""
        return f"{GROUP}/namespaces/{self.namespace}/apitokens/{name}"

    def secret_path(self, name: str) -> str:
        """Return the path of a Secret."""
        return f"/api/v1/namespaces/{self.namespace}/secrets/{name}"

    def api_token(self, name: str) -> Body | None:
        """Return an ApiToken."""
        return self.kube.get(self.api_token_path(name))

    def status(self, name: str) -> Body:
        """Return an ApiToken's status."""
        status: Body = (self.api_token(name) or {}).get("status", {})
        return status

    def condition(self, name: str, type_: str = "Ready") -> Body:
        """Return a condition of an ApiToken, empty where there is none."""
        return next((c for c in self.status(name).get("conditions", []) if c["type"] == type_), {})

    def secret(self, name: str) -> Body | None:
        """Return a Secret."""
        return self.kube.get(self.secret_path(name))

    def value(self, name: str, key: str = "token") -> str | None:
        """Return the value that a Secret holds."""
        encoded = ((self.secret(name) or {}).get("data") or {}).get(key)
        return base64.b64decode(encoded).decode() if encoded else None

    def becomes_ready(self, name: str) -> str:
        """Wait until an ApiToken is Ready for its present generation and nothing is left to do; return its value."""

        def look() -> str | None:
            body = self.api_token(name) or {}
            status = body.get("status", {})
            conditions = {c["type"]: c for c in status.get("conditions", [])}
            ready = conditions.get("Ready", {})
            is_current = ready.get("observedGeneration") == body.get("metadata", {}).get("generation")
            # While a token is rotated the object stays Ready; the open operation tells.
            is_at_rest = "operation" not in status and "Reconciling" not in conditions
            is_done = ready.get("status") == "True" and is_at_rest
            return self.value(body["spec"].get("secretName", name)) if is_current and is_done else None

        return eventually(look, lambda: f"{name} is Ready: {self.status(name)}")

    def becomes(self, name: str, reason: str, type_: str = "Ready") -> Body:
        """Wait until a condition has a reason; return the condition."""

        def look() -> Body | None:
            condition = self.condition(name, type_)
            return condition if condition.get("reason") == reason else None

        return eventually(look, lambda: f"{type_} of {name} becomes {reason}: {self.status(name)}")

    def is_gone(self, name: str) -> None:
        """Wait until an ApiToken is gone."""
        eventually(lambda: self.api_token(name) is None, lambda: f"{name} is gone: {self.status(name)}")

    def events(self, name: str, reason: str | None = None) -> list[Body]:
        """Return the Events about an ApiToken, those with a reason if one is named."""
        selector = f"involvedObject.kind=ApiToken,involvedObject.name={name}"
        found = self.kube.get(f"/api/v1/namespaces/{self.namespace}/events", fieldSelector=selector)
        return [event for event in (found or {}).get("items", []) if reason in {None, event["reason"]}]

    def resource_version(self) -> str:
        """Return the present version of this world's ApiTokens, for `history`."""
        found = self.kube.get(f"{GROUP}/namespaces/{self.namespace}/apitokens") or {}
        return str(found["metadata"]["resourceVersion"])

    def history(self, since: str) -> list[Body]:
        """Return every version that ApiTokens of this world have had since; it must not be long ago."""
        path = f"{GROUP}/namespaces/{self.namespace}/apitokens"
        query = f"watch=1&resourceVersion={since}&timeoutSeconds=1"
        lines = self.cluster.kubectl("get", "--raw", f"{path}?{query}").splitlines()
        return [json.loads(line)["object"] for line in lines]

    def requests(self, user: str | None = None) -> list[Body]:
        """Return what an operator's user has asked of Kubernetes in this world, as the audit log tells."""
        lines = lines_of(self.cluster.audit_log)
        entries = [json.loads(line) for line in lines if self.namespace in line]
        asked = (user or self.user, "ResponseComplete")
        # A user may be named after this world and yet see the others' objects.
        return [
            entry
            for entry in entries
            if self.namespace in entry["requestURI"] and asked == (_user_of(entry), entry["stage"])
        ]

    def writes(self, user: str | None = None) -> list[Body]:
        """Return those requests that write something, dry runs apart."""
        reading = {"get", "list", "watch"}
        return [
            e for e in self.requests(user) if e["verb"] not in reading and "dryRun=" not in e["requestURI"]
        ]

    def refused(self) -> list[Body]:
        """Return what the operator of a mode has asked of Kubernetes without having the right to."""
        if self.kube.get(f"/api/v1/namespaces/{self.namespace}") is None:
            return []  # its Roles are gone with it
        lines = lines_of(self.cluster.audit_log)
        entries = [json.loads(line) for line in lines if self.user in line and '"forbid"' in line]
        return [e["objectRef"] | {"verb": e["verb"]} for e in entries if _user_of(e) == self.user]

    @staticmethod
    def written(writes: list[Body]) -> set[str]:
        """Return the names of the objects that writes are about, of an Event that of its ApiToken.

        The audit log does not name a Secret that is created: an ApiToken of that name is written as well.
        """
        names = {write["objectRef"].get("name", "") for write in writes}
        return {name.partition(".")[0] for name in names} - {""}

    # What one sees of the remote side.

    def tokens(self) -> list[Body]:
        """Return all remote tokens of operators, dead ones too."""
        accounts = self.simulator.control("GET", "state")["accounts"]
        return [t for a in accounts for t in a["tokens"] if not t["credential"] and not t["foreign"]]

    def living(self) -> list[Body]:
        """Return the remote tokens that authenticate."""
        return [token for token in self.tokens() if token["live"]]

    def tokens_of(self, name: str) -> list[Body]:
        """Return the remote tokens of an ApiToken that has no display name of its own, dead ones too."""
        beginning = f"{self.namespace}/{name} [k8s:"
        return [token for token in self.tokens() if token["name"].startswith(beginning)]

    def strays(self, name: str) -> list[Body]:
        """Return the living tokens of an ApiToken that are neither the Secret's nor on record as retired."""
        body = self.api_token(name) or {"spec": {}}
        data = (self.secret(body["spec"].get("secretName", name)) or {}).get("data") or {}
        held = {hashlib.sha256(base64.b64decode(text)).hexdigest() for text in data.values()}
        others = {t["id"]: t for t in self.tokens_of(name) if t["live"] and t["sha256"] not in held}
        return [others[id_] for id_ in left_over(body, None, others)]

    def calls(self, operation: str | None = None) -> list[Body]:
        """Return the calls that the remote API has had."""
        entries: list[Body] = self.simulator.control("GET", "journal")["entries"]
        return [entry for entry in entries if operation in (None, entry["operation"])]

    def mutations(self) -> list[Body]:
        """Return the calls that changed, or would have changed, something remote."""
        return [call for call in self.calls() if call["operation"] in {"create", "reset", "delete"}]

    def last_call(self) -> int:
        """Return the number of the last call, to tell later ones from it."""
        number: int = self.simulator.control("GET", "journal")["last_seq"]
        return number

    def operations(self, since: int) -> list[str]:
        """Return in order what later calls changed, or would have changed."""
        return [call["operation"] for call in self.mutations() if since < call["seq"]]

    def fault(self, operation: str, kind: str, times: int | str = 1, skip: int = 0, **effect: Any) -> None:
        """Have coming calls end badly."""
        fault = {
            "match": {"operation": operation},
            "effect": {"kind": kind, **effect},
            "times": times,
            "skip": skip,
        }
        self.simulator.control("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Have all calls end well again."""
        self.simulator.control("DELETE", "faults")

    def works(self, value: str | None) -> bool:
        """Whether a token value authenticates, as its consumer finds out."""
        headers = {"Api-Token": value or ""}
        return httpx.get(f"{self.simulator.url}/api/accounts", headers=headers, timeout=60).is_success

    def tripped(self) -> list[Body]:
        """Return every attempt to touch a token that is not ours."""
        attempts: list[Body] = self.simulator.control("GET", "tripwire")["attempts"]
        return attempts


def _user_of(entry: Body) -> str:
    """Return who made a request, empty where the API server did not find out."""
    return str(entry["user"].get("username", ""))


@contextmanager
def served(cluster: Cluster, kube: Kube, folder: Path, mode: Mode | None = None) -> Iterator[World]:
    """Yield a world with a simulator and a running operator of its own, for all tests of a file."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        world = World(cluster, kube, simulator, folder, mode)
        with world.operator():
            yield world
        assert [] == world.refused()
