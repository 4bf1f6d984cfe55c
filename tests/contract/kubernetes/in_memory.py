"""The server in memory, as a contract case sees it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.contract.kubernetes.api import DenialReason
from tests.simulation.kubernetes import Denial, Kubernetes, Quota

NOON = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)


class InMemory:
    """A fresh server."""

    namespace = "contract-case"

    def __init__(self) -> None:
        self.kubernetes = Kubernetes(lambda: NOON)
        for name in ("default", self.namespace):
            self.kubernetes.request("POST", "/api/v1/namespaces", {}, {"metadata": {"name": name}})

    def request(
        self, method: str, path: str, query: dict[str, str], body: Any, content_type: str, *, accept: str
    ) -> tuple[int, Any]:
        """Carry out one request."""
        return self.kubernetes.request(method, path, query, body, content_type, accept=accept)

    def events(self, path: str, since: str, labels: str) -> list[tuple[str, Any]]:
        """Return what a watch of a list tells after a version."""
        kind = {"secrets": "Secret", "apitokens": "ApiToken"}[path.rpartition("/")[2]]
        return [*self.kubernetes.events_since(int(since), kind, labels)]

    def deny_secrets(self, message: str, reason: DenialReason, *, in_dry_run: bool) -> None:
        """Let a policy refuse each write of a Secret."""
        denial = Denial(f"no-secrets-in-{self.namespace}", message, reason=reason, in_dry_run=in_dry_run)
        self.kubernetes.rules = replace(self.kubernetes.rules, denials=(denial,))

    def limit_secrets(self, count: int) -> None:
        """Let a quota bound the number of Secrets."""
        quotas = {self.namespace: Quota("limit", count)}
        self.kubernetes.rules = replace(self.kubernetes.rules, quotas=quotas)

    def settle(self, look: Callable[[], bool]) -> None:
        """Let the controllers do all they have to do."""
        self.kubernetes.collect_garbage()
        self.kubernetes.empty_namespaces()
        assert look(), "the controllers are done, and it is not to be seen"
