"""The server in memory, on which the simulation stands, answers as the real one does: case by case, line by line."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local_cluster import Cluster
from tests.contract.kubernetes.api import Api, DenialReason
from tests.contract.kubernetes.in_memory import InMemory
from tests.contract.kubernetes.table import CASES, Case
from tests.e2e.kube import identity

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICY, BINDING = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
SECONDS = 90


class Real:
    """The real API server and its controllers, with a namespace for one case."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.namespace = f"contract-{uuid.uuid4().hex[:8]}"
        self.made("/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    def request(
        self, method: str, path: str, query: dict[str, str], body: Any, content_type: str, *, accept: str
    ) -> tuple[int, Any]:
        """Carry out one request; what is no JSON counts as an empty body."""
        headers = {"Content-Type": content_type, "Accept": accept}
        response = self._http.request(method, path, params=query, headers=headers, json=body)
        is_json = "json" in response.headers["Content-Type"]
        return response.status_code, response.json() if is_json else {}

    def made(self, path: str, body: Any) -> Any:
        """Create what a case needs."""
        return self._http.post(path, json=body).raise_for_status().json()

    def events(self, path: str, since: str, labels: str) -> list[tuple[str, Any]]:
        """Return what a watch of a list tells after a version, within a second."""
        query = {"watch": "true", "resourceVersion": since, "labelSelector": labels, "timeoutSeconds": "1"}
        lines = self._http.get(path, params=query).raise_for_status().iter_lines()
        told = [httpx.Response(200, content=line).json() for line in lines]
        return [(event["type"], event["object"]) for event in told]

    def deny_secrets(self, message: str, reason: DenialReason, *, in_dry_run: bool) -> None:
        """Let a policy refuse each write of a Secret, and wait until it does."""
        name = f"no-secrets-in-{self.namespace}"
        rule = {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["secrets"],
        }
        allowed = {
            "expression": "false" if in_dry_run else "request.dryRun",
            "message": message,
            "reason": reason,
        }
        here = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [allowed]}
        binding = {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": here},
        }
        for plural, spec in ((POLICY, policy), (BINDING, binding)):
            self.made(f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": spec})
        self.settle(self._is_denying)

    def _is_denying(self) -> bool:
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        response = self._http.post(path, json={"metadata": {"name": "probe"}})
        self._http.delete(f"{path}/probe")
        return response.is_error

    def limit_secrets(self, count: int) -> None:
        """Let a quota bound the number of Secrets, and wait until it does."""
        path = f"/api/v1/namespaces/{self.namespace}/resourcequotas"
        self.made(path, {"metadata": {"name": "limit"}, "spec": {"hard": {"count/secrets": str(count)}}})
        self.settle(lambda: "used" in self._http.get(f"{path}/limit").json()["status"])

    def settle(self, look: Callable[[], bool]) -> None:
        """Wait until there is something to see; the time only bounds a failure."""
        deadline = time.monotonic() + SECONDS
        while not look():
            assert time.monotonic() < deadline, "the controllers do not get there"
            time.sleep(0.1)

    def clean(self) -> None:
        """Take away what is left outside the namespace."""
        for plural in (BINDING, POLICY):
            self._http.delete(f"{ADMISSION}/{plural}/no-secrets-in-{self.namespace}")


@pytest.fixture(scope="module")
def http(cluster: Cluster) -> Iterator[httpx.Client]:
    """Provide the administrator's connection."""
    with httpx.Client(base_url=cluster.url, verify=identity(cluster.kubeconfig), timeout=120) as http:
        yield http


@pytest.fixture
def real(http: httpx.Client) -> Iterator[Real]:
    """Provide the real server."""
    real = Real(http)
    yield real
    real.clean()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_both_servers_answer_alike(case: Case, real: Real) -> None:
    seen, simulated = Api(real), Api(InMemory())
    case(seen)
    case(simulated)
    assert seen.transcript.lines == simulated.transcript.lines
