"""Gates: reverse proxies between the operator and its two servers, at which an ApiToken's work can be stopped.

Every write about an ApiToken counts as one step, in order, so that the steps of a flow are found by looking at an
undisturbed one. Where an object is stopped nothing more of it passes, as if the operator had died there. Token
values pass through; none is kept, only digests.
"""

import asyncio
import hashlib
import json
import re
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from aiohttp import web
from anyio.from_thread import start_blocking_portal

from tests.e2e.patience import PATIENCE
from tests.e2e.reverse_proxy import ReverseProxy

Moment = Literal["before", "after"]
"""Before the server hears of a call, or after it has carried it out but before its answer is passed on."""

_KUBERNETES = re.compile(
    r"/namespaces/[^/]+/(?P<kind>secrets|apitokens|events)(/(?P<name>[^/]+))?(?P<part>/status)?$"
)
_MAILTRAP = re.compile(r"^/api/accounts(/\d+/api_tokens(/(?P<id>\d+))?(?P<part>/reset)?)?$")
_OWN_NAME = re.compile(r"^[^/]+/(?P<name>\S+) \[k8s:")


@dataclass(frozen=True, slots=True)
class Step:
    """A write about one ApiToken, the `place`-th since its count began."""

    name: str
    place: int
    label: str


class Steps:
    """The steps that were taken, object by object, and where objects are to be stopped. Any thread may ask."""

    def __init__(self) -> None:
        self._taken: dict[str, list[str]] = defaultdict(list)
        self._stops: dict[str, tuple[int, Moment]] = {}
        self._stopped: dict[str, str] = {}
        self._names: dict[str, str] = {}  # an ApiToken's name by a token's id and by its value's digest
        self._changed = threading.Condition()

    def begin(self, name: str) -> None:
        """Count an object's steps from here."""
        with self._changed:
            self._taken[name] = []

    def taken(self, name: str) -> tuple[str, ...]:
        """Return the labels of the steps that an object has taken."""
        with self._changed:
            return tuple(self._taken[name])

    def stop_at(self, name: str, place: int, moment: Moment) -> None:
        """Have an object stopped at one of its coming steps, counted from 0."""
        with self._changed:
            self._stops[name] = (place, moment)

    def stopped(self) -> dict[str, str]:
        """Wait until every object that is to be stopped is; return the labels of the steps where they are."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped.keys() == self._stops.keys(), PATIENCE)
            return dict(self._stopped)

    def release(self) -> None:
        """Let everything pass from here; the calls that are stopped stay so, until their caller gives up."""
        with self._changed:
            self._stops.clear()
            self._stopped.clear()

    def take(self, request: web.Request, body: bytes) -> Step | None:
        """Count a call that is a step."""
        with self._changed:
            name, label = self._of_kubernetes(request, body) or self._of_mailtrap(request, body) or ("", "")
            if not name:
                return None
            self._taken[name].append(label)
            return Step(name, len(self._taken[name]) - 1, label)

    def stops(self, step: Step | None, moment: Moment) -> bool:
        """Whether a step must not continue; an object that was stopped once takes no other step."""
        with self._changed:
            if step is None or step.name in self._stopped:
                return step is not None
            if self._stops.get(step.name) != (step.place, moment):
                return False
            self._stopped[step.name] = step.label
            self._changed.notify_all()
            return True

    def record_change(self, step: Step | None, answer: web.StreamResponse) -> None:
        """Remember whose token was issued, if one was."""
        if step is None or not step.label.startswith("POST api_tokens"):
            return
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        body = json.loads(answer.body)
        if "token" in body:
            with self._changed:
                self._names |= {str(body["id"]): step.name, _digest(body["token"]): step.name}

    @staticmethod
    def _of_kubernetes(request: web.Request, body: bytes) -> tuple[str, str] | None:
        match = _KUBERNETES.search(request.path)
        if match is None or request.method == "GET":
            return None
        kind, name = match["kind"], match["name"]
        sent = json.loads(body or b"{}")
        name = sent["involvedObject"]["name"] if kind == "events" else name or sent["metadata"]["name"]
        trial = " (dry run)" if "dryRun" in request.query else ""
        return name, f"{request.method} {kind}{match['part'] or ''}{trial}"

    def _of_mailtrap(self, request: web.Request, body: bytes) -> tuple[str, str] | None:
        match = _MAILTRAP.match(request.path)
        if match is None:
            return None
        if match[1] is None:  # a new value is probed with itself
            return self._names.get(_digest(request.headers.get("Api-Token", "")), ""), "GET accounts (probe)"
        if request.method == "GET":
            return None
        if match["id"]:
            return self._names.get(match["id"], ""), f"{request.method} api_tokens{match['part'] or ''}"
        own = _OWN_NAME.match(json.loads(body)["name"])
        return (own["name"], "POST api_tokens") if own else None


class Gate:
    """A reverse proxy; the steps among its calls are taken, and stopped, as `steps` says."""

    def __init__(self, proxy: ReverseProxy, steps: Steps) -> None:
        self._proxy = proxy
        self._steps = steps

    def open(self) -> AbstractAsyncContextManager[str]:
        """Serve; yield the base URL."""
        return self._proxy.open(self._reconcile_key)

    async def _reconcile_key(self, request: web.Request) -> web.StreamResponse:
        step = self._steps.take(request, await request.read())
        if self._steps.stops(step, "before"):
            return await _hold()
        answer = await self._proxy.pass_on(request)
        self._steps.record_change(step, answer)
        return await _hold() if self._steps.stops(step, "after") else answer


async def _hold() -> web.Response:
    # By the end of it the test has killed the operator or failed.
    await asyncio.sleep(PATIENCE)
    return web.Response(status=504)


@dataclass(frozen=True, slots=True)
class Gates:
    """The gates of one operator: a kubeconfig that leads to one, the base URL of the other, and what passes."""

    kubeconfig: Path
    base_url: str
    steps: Steps


@contextmanager
def gates(cluster_url: str, tls: ssl.SSLContext, mailtrap_url: str, folder: Path) -> Iterator[Gates]:
    """Open both gates; the one to the cluster calls with the identity that `tls` holds."""
    steps = Steps()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Gate(ReverseProxy(cluster_url, tls), steps).open()) as kubernetes,
        portal.wrap_async_context_manager(Gate(ReverseProxy(mailtrap_url), steps).open()) as base_url,
    ):
        kubeconfig = folder / "gate.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(_kubeconfig(kubernetes)))
        yield Gates(kubeconfig, base_url, steps)


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gate", "cluster": {"server": server}}],
        "users": [{"name": "gate", "user": {}}],
        "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "gate"}}],
        "current-context": "gate",
    }


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
