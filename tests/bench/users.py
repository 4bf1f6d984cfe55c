"""Users who create and delete many ApiTokens at once, and watch what becomes of them."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx

from tests.e2e.kube import GROUP, Body
from tests.e2e.world import API_VERSION, World

_AT_ONCE = 4
_LONGEST = 3600.0
_RESOURCES = [{"type": "domain", "id": 1, "accessLevel": "Admin"}]


def create(world: World, names: Iterable[str], account: Body | None = None) -> None:
    """Create ApiTokens, several at once."""
    path = f"{GROUP}/namespaces/{world.namespace}/apitokens"
    spec = {"accountRef": account or world.account_ref(), "resources": _RESOURCES}

    def one(name: str) -> None:
        metadata = {"name": name}
        world.kube.create(
            path, {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": metadata, "spec": spec}
        )

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(one, names))


def delete(world: World, names: Iterable[str]) -> None:
    """Delete ApiTokens, several at once."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(world.delete_api_token, names))


class Onlooker:
    """Watches the ApiTokens of a world from its present version on: when each became Ready first, and when it went.

    Times are of `time.monotonic`.
    """

    def __init__(self, world: World) -> None:
        self.ready: dict[str, float] = {}
        self.gone: dict[str, float] = {}
        self._world = world
        self._version = world.resource_version()
        self._news = threading.Condition()
        threading.Thread(target=self._look_on, daemon=True).start()

    def wait_ready(self, names: Iterable[str]) -> float:
        """Wait until all are Ready; return when the last one was."""
        return self._wait(set(names), self.ready)

    def wait_gone(self, names: Iterable[str]) -> float:
        """Wait until all are gone; return when the last one was."""
        return self._wait(set(names), self.gone)

    def _wait(self, names: set[str], seen: dict[str, float]) -> float:
        with self._news:
            if not self._news.wait_for(lambda: names <= seen.keys(), _LONGEST):
                message = f"{len(names - seen.keys())} of {len(names)} ApiTokens are still awaited"
                raise TimeoutError(message)
        return max(seen[name] for name in names)

    def _look_on(self) -> None:
        path = f"{GROUP}/namespaces/{self._world.namespace}/apitokens"
        # The API server ends before its watches do.
        with suppress(httpx.HTTPError):
            for event in self._world.kube.watch(path, self._version, int(_LONGEST)):
                self._note(event["type"], event["object"])

    def _note(self, kind: str, body: Body) -> None:
        name = body["metadata"]["name"]
        conditions = body.get("status", {}).get("conditions", [])
        is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
        with self._news:
            if kind == "DELETED":
                self.gone.setdefault(name, time.monotonic())
            elif is_ready:
                self.ready.setdefault(name, time.monotonic())
            self._news.notify_all()
