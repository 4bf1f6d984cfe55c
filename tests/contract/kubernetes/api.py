"""How a contract case talks to an API server, whichever it is, and what is kept of the talk."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tests.contract.kubernetes.transcript import Transcript

Json = Any
DenialReason = Literal["Invalid", "Forbidden"]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
GROUP = "/apis/mailtrap-operator.io/v1alpha1"


class Server(Protocol):
    """An API server with a namespace that belongs to one case."""

    namespace: str

    def request(
        self, method: str, path: str, query: dict[str, str], body: Json, content_type: str, *, accept: str
    ) -> tuple[int, Json]:
        """Carry out one request."""

    def events(self, path: str, since: str, labels: str) -> list[tuple[str, Json]]:
        """Return what a watch of a list tells after a version."""

    def deny_secrets(self, message: str, reason: DenialReason, *, in_dry_run: bool) -> None:
        """Let a policy refuse each write of a Secret."""

    def limit_secrets(self, count: int) -> None:
        """Let a quota bound the number of Secrets."""

    def settle(self, look: Callable[[], bool]) -> None:
        """Let the controllers work until there is to see what `look` looks for; fail if it never is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Json

    @property
    def version(self) -> str:
        """The resourceVersion of the object."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def uid(self) -> str:
        """The uid of the object."""
        return str(self.body["metadata"]["uid"])

    @property
    def error(self) -> tuple[int, str]:
        """Status code and reason of a refusal."""
        return self.status, self.body.get("reason", "")

    @property
    def fields(self) -> set[str]:
        """The fields that a refusal names."""
        return {cause["field"] for cause in self.body["details"]["causes"]} - {"<nil>"}

    @property
    def names(self) -> list[str]:
        """The names of a list's items."""
        return [item["metadata"]["name"] for item in self.body["items"]]


class Api:
    """One case's connection; every answer goes into the transcript, what is only peeked at does not.

    A path is short: `secrets/a`, `apitokens/a/status`; one that begins with a slash is whole.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.namespace = server.namespace
        self.transcript = Transcript(server.namespace)
        self.deny_secrets = server.deny_secrets
        self.limit_secrets = server.limit_secrets
        self.settle = server.settle

    def get(self, path: str, **query: str) -> Answer:
        """Read an object or a list."""
        return self.send("GET", path, None, query)

    def list_metadata(self, path: str, **query: str) -> Answer:
        """Read a list of metadata alone."""
        return self.send("GET", path, None, query, accept=METADATA_ONLY)

    def create(self, path: str, body: Json, **query: str) -> Answer:
        """Create an object."""
        return self.send("POST", path, body, query)

    def replace(self, path: str, body: Json, **query: str) -> Answer:
        """Write a whole object."""
        return self.send("PUT", path, body, query)

    def merge(self, path: str, body: Json, **query: str) -> Answer:
        """Merge into an object."""
        return self.send("PATCH", path, body, query, MERGE_PATCH)

    def delete(self, path: str, preconditions: Json = None, **query: str) -> Answer:
        """Delete an object."""
        return self.send("DELETE", path, {"preconditions": preconditions} if preconditions else None, query)

    def send(
        self,
        method: str,
        path: str,
        body: Json,
        query: dict[str, str] | None = None,
        content_type: str = JSON,
        *,
        accept: str = JSON,
    ) -> Answer:
        """Send a request and note the answer down."""
        status, answered = self._server.request(
            method, self.whole(path), query or {}, body, content_type, accept=accept
        )
        self.transcript.note(status, answered)
        return Answer(status, answered)

    def peek(self, path: str) -> Answer:
        """Read without a note."""
        return Answer(*self._server.request("GET", self.whole(path), {}, None, JSON, accept=JSON))

    def try_out(self, path: str, body: Json) -> Answer:
        """Create in a dry run without a note."""
        query = {"dryRun": "All"}
        return Answer(*self._server.request("POST", self.whole(path), query, body, JSON, accept=JSON))

    def events(self, path: str, since: str, labels: str = "") -> list[tuple[str, Json]]:
        """Return what a watch tells after a version, and note it down."""
        events = self._server.events(self.whole(path), since, labels)
        self.transcript.note_events(events)
        return events

    def whole(self, path: str) -> str:
        """Return the whole path of a short one."""
        if path.startswith("/"):
            return path
        plural = path.partition("/")[0]
        if plural in {"namespaces", "clustermailtrapaccounts"}:
            return f"/api/v1/{path}" if plural == "namespaces" else f"{GROUP}/{path}"
        root = "/api/v1" if plural in {"secrets", "events"} else GROUP
        return f"{root}/namespaces/{self.namespace}/{path}"
