"""The client of the Kubernetes API, connected to the server in memory.

What users and other controllers do is `seed`, `edit` and `remove`; what goes wrong is scripted with `fail`.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from mailtrap_operator.clients.errors import Uncertain
from mailtrap_operator.clients.kube import Body, KubeClient, namespace_path
from mailtrap_operator.core.reasons import Reason
from tests.simulation.kubernetes import Kubernetes
from tests.simulation.kubernetes.connection import Connection, Request

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMESPACES = "/api/v1/namespaces"


@dataclass(slots=True)
class _Fault:
    method: str
    part: str
    status: int | None
    message: str
    times: int
    commit: bool


class FakeKube(KubeClient):
    """A cluster with the namespaces `default`, `mailtrap-system` and `team`; `calls` are those of the client."""

    def __init__(self) -> None:
        connection: Any = Connection(self._answer)
        super().__init__(connection, timedelta(seconds=10))
        self.server = Kubernetes(lambda: START)
        self.calls: list[Request] = []
        self._faults: list[_Fault] = []
        for name in ("default", "mailtrap-system", "team"):
            self.seed(NAMESPACES, {"metadata": {"name": name}})

    def seed(self, path: str, body: Body) -> Body:
        """Create an object as a user would, in a namespace that is made where it is missing, with its status."""
        _, _, after = path.partition("/namespaces/")
        namespace = after.partition("/")[0]
        if namespace and self.object(namespace_path(namespace)) is None:
            self.seed(NAMESPACES, {"metadata": {"name": namespace}})
        # An object that tests have as the server sends it is made anew, where the path says.
        meta = {
            key: part for key, part in body["metadata"].items() if key not in {"namespace", "resourceVersion"}
        }
        made = self._done("POST", path, {**body, "metadata": meta})
        if "status" not in body:
            return made
        return self.edit(
            f"{path}/{made['metadata']['name']}/status", lambda it: it.update(status=body["status"])
        )

    def edit(self, path: str, change: Callable[[Body], object]) -> Body:
        """Change an object, or its status, as a user would: `change` gets the body and alters it."""
        body = self._done("GET", path)
        change(body)
        return self._done("PUT", path, body)

    def remove(self, path: str) -> None:
        """Delete an object as a user would: one with finalizers stays, with a deletionTimestamp."""
        self._done("DELETE", path)

    def object(self, path: str) -> Body | None:
        """Return an object, or None."""
        status, body = self.server.request("GET", path)
        return None if status == HTTPStatus.NOT_FOUND else copy.deepcopy(body)

    def objects(self, path: str) -> list[Body]:
        """Return the objects of a list, the oldest first."""
        items: list[Body] = self._done("GET", path)["items"]
        return sorted(items, key=lambda item: str(item["metadata"]["uid"]))

    def fail(
        self,
        method: str,
        part: str,
        status: int | None,
        message: str = "refused by the test",
        *,
        times: int = 1,
        commit: bool = False,
    ) -> None:
        """Let calls whose path contains `part` fail; `status` None loses the answer, `commit` carries the call out."""
        self._faults.append(_Fault(method, part, status, message, times, commit))

    @property
    def writes(self) -> list[Request]:
        """The calls that were meant to change something."""
        return [call for call in self.calls if call.is_write]

    def _done(self, method: str, path: str, body: Body | None = None) -> Body:
        """Return what the server answers; what it refuses is a mistake of the test."""
        status, answer = self.server.request(method, path, {}, body)
        assert status < HTTPStatus.BAD_REQUEST, answer
        return copy.deepcopy(answer)

    async def _answer(self, request: Request) -> tuple[int, Any]:
        self.calls.append(request)
        fault = next(
            (f for f in self._faults if f.times and f.method == request.method and f.part in request.path),
            None,
        )
        if fault is None:
            return self.carry_out(request)
        fault.times -= 1
        if fault.commit:
            self.carry_out(request)
        if fault.status is None:
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, fault.message)
        return fault.status, {"kind": "Status", "message": fault.message}

    def carry_out(self, request: Request) -> tuple[int, Any]:
        """Have the server answer."""
        return request.ask(self.server)
