"""A workload that uses the value of a Secret: each rollout makes it use the value that is there when its pods start.

Its former pods work on while they are ending, and no count reports that, as before Kubernetes 1.35.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.world import World

NAME = "mailer"
ROLLOUT = 100.0
"""How many seconds a rollout takes unless a flow says otherwise: longer than the overlap."""

GRACE = 40
"""How many seconds its pods continue when they are told to end: longer than the pause between two looks at it."""

_ROOT = "/apis/apps/v1/namespaces/team/deployments"


class Consumer:
    """One Deployment and its controller; `value` is what its oldest pods use."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rolling = 0
        self.rollout = ROLLOUT
        self.value: str | None = None
        self.restarted_for: list[str] = []

    def deploy(self) -> None:
        """Deploy it."""
        body: dict[str, Any] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": NAME},
            "spec": {
                "template": {
                    "metadata": {"annotations": {}},
                    "spec": {"terminationGracePeriodSeconds": GRACE},
                }
            },
        }
        self._world.write("POST", _ROOT, body)
        self._rolling = 1
        self.value = self._world.published_value()
        self._tell(1)

    def hear(self) -> None:
        """Begin a rollout when the template has changed."""
        body = self._read() if self._rolling else None
        if body is None or body["metadata"]["generation"] == self._rolling:
            return
        self._rolling = body["metadata"]["generation"]
        self.restarted_for += body["spec"]["template"].get("metadata", {}).get("annotations", {}).values()
        self._later(self.rollout, self._finish, self._rolling)

    def _finish(self, generation: int) -> None:
        if generation != self._rolling:
            return
        self._later(GRACE, self._end_former, self._world.published_value())
        self._tell(generation)

    def _later(self, seconds: float, what: Callable[..., None], *args: Any) -> None:
        # In a context of its own: it continues while the operator that wrote the template stands still.
        asyncio.get_running_loop().call_later(seconds, what, *args, context=Context())

    def _end_former(self, value: str | None) -> None:
        self.value = value

    def _tell(self, generation: int) -> None:
        counts = {
            "observedGeneration": generation,
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": 1,
        }
        body = {**(self._read() or {}), "status": counts}
        self._world.write("PUT", f"{_ROOT}/{NAME}/status", body)

    def _read(self) -> dict[str, Any] | None:
        return self._world.read(f"{_ROOT}/{NAME}")
