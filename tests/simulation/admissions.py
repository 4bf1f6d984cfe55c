"""The admission layer: policies that change, strip or add a field of whatever is written, one at a time.

Whatever a policy does, writes and lists are few, no value is lost or doubled, and all ends well once the policy is gone.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from tests.simulation.cases import WHOLE, Case
from tests.simulation.flows import FLOWS, Flow
from tests.simulation.invariants import Invariants, what_is_missing
from tests.simulation.kubernetes import Mutation, Rules
from tests.simulation.network import Call, Network
from tests.simulation.outcomes import Kind
from tests.simulation.runs import start_of
from tests.simulation.world import NAMESPACE, Saved, World
from tests.unit.clock import run_virtual, virtual_loop

Path = tuple[str | int, ...]

SETTLING, WATCHED, HEALING = 40 * 60.0, 20 * 60.0, 3 * 3600.0
"""Seconds: until pauses are long, during which calls are counted, and after the policy is gone."""

MOST_WRITES, MOST_CALLS = 30, 24
"""How many writes and remote calls an object and its account may cost while they are watched.

A repeated Event counts as two writes: the one that finds it there, and the one that counts it.
"""

_WRITTEN: Mapping[str, tuple[Path, ...]] = {
    "secrets": (
        ("data",),
        ("metadata", "labels"),
        ("metadata", "annotations"),
        ("metadata", "ownerReferences"),
        ("metadata", "finalizers"),
    ),
    "apitokens.mailtrap-operator.io": (("metadata", "finalizers"),),
    "apitokens.mailtrap-operator.io/status": (("status",),),
    "clustermailtrapaccounts.mailtrap-operator.io": (("metadata", "finalizers"),),
    "clustermailtrapaccounts.mailtrap-operator.io/status": (("status",),),
    "deployments.apps": (("spec", "template", "metadata", "annotations"),),
}
"""Which parts of which resources the operator writes."""

_ADDED = {
    "data": "YWRkZWQ=",
    "labels": "added",
    "annotations": "added",
}


@dataclass(frozen=True, slots=True)
class Meddling:
    """One field of one resource, and what becomes of it at admission."""

    resource: str
    path: Path
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.resource} {'.'.join(map(str, self.path))}"

    def change(self, body: dict[str, Any]) -> None:
        """Do it to an object, if it has the field; what a user wrote is not touched."""
        if self.resource == "secrets" and self.path[-1] != "finalizers" and _is_users(body):
            return
        *folders, name = self.path
        parent: Any = body
        for folder in folders:
            try:
                parent = parent[folder]
            except (KeyError, IndexError, TypeError):
                return
        if self.action == "add":
            parent[name] = _ADDED[str(folders[-1])]
        elif isinstance(parent, dict) and name in parent:
            other = None if self.action == "strip" else _other(parent[name])
            if other in (None, []):
                del parent[name]
            else:
                parent[name] = other


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case list():
            return value[:-1]
        case str() if value.endswith("Z") and value[:4].isdecimal():
            return f"2031{value[4:]}"
        case str():
            # In data it must be base64.
            return "b3RoZXI=" if value.endswith("=") else f"{value}X"
    return value


def meddlings(flow: Flow, part: slice = WHOLE) -> Iterator[Case]:
    """Run a flow with each policy that can change something of it, or with a part of them."""
    for meddling in islice(_meddlings(flow), part.start, part.stop, part.step):
        mutation = Mutation(meddling.resource, meddling.change)
        yield f"{flow}: {meddling}", run_virtual(_run(flow, start_of(flow), mutation))


def every() -> list[tuple[Flow, int]]:
    """Return all runs of the layer: a flow and the number of a policy."""
    return [(flow, number) for flow in FLOWS for number in range(len(_meddlings(flow)))]


@cache
def _meddlings(flow: Flow) -> tuple[Meddling, ...]:
    """Return the policies that meet a field which is written in the course of a flow."""
    met: dict[Meddling, None] = {}

    def recorder(resource: str, parts: tuple[Path, ...]) -> Callable[[dict[str, Any]], None]:
        def record(body: dict[str, Any]) -> None:
            for part in parts:
                if resource == "secrets" and part[-1] != "finalizers" and _is_users(body):
                    continue
                met.update(
                    dict.fromkeys(Meddling(resource, path, action) for path, action in _actions(body, part))
                )

        return record

    mutations = tuple(Mutation(resource, recorder(resource, parts)) for resource, parts in _WRITTEN.items())
    run_virtual(_run(flow, start_of(flow), *mutations))
    return tuple(met)


def _is_users(body: dict[str, Any]) -> bool:
    """Whether a Secret is not of the operator's making: of that one it writes the finalizers alone."""
    return bool(body["metadata"]["namespace"] != NAMESPACE)


def _actions(body: dict[str, Any], part: Path) -> Iterator[tuple[Path, str]]:
    value: Any = body
    for name in part:
        if not isinstance(value, dict) or name not in value:
            return
        value = value[name]
    if part != ("status",):
        yield part, "strip"
    if isinstance(value, dict) and part[-1] in _ADDED:
        yield (*part, "x-added"), "add"
    if isinstance(value, list):
        yield part, "change"
    for path in _fields(value, part):
        # What a user writes is a user's; and tokens on record in an account that is none are waited for.
        if path[-1] != ROTATE_ANNOTATION and path[-2:] != ("account", "name"):
            yield path, "strip"
            yield path, "change"


def _fields(value: Any, path: Path) -> Iterator[Path]:
    match value:
        case dict():
            for name, each in value.items():
                yield (*path, name)
                yield from _fields(each, (*path, name))
        case [dict() as first, *_]:
            yield from _fields(first, (*path, 0))


async def _run(flow: Flow, saved: Saved, *mutations: Mutation) -> str | None:
    virtual_loop().now = saved.time
    network = Network()
    world = World(network, saved=saved, setup=flow.setup)
    invariants = Invariants(world)

    def note() -> None:
        network.statuses.clear()
        invariants.on_change()

    network.on_change = note
    await world.start_operator()
    await asyncio.sleep(1)
    world.kubernetes.rules = Rules(mutations=mutations)
    network.is_counting = True
    flow.begin(world)
    invariants.forgive()
    await asyncio.sleep(SETTLING)
    settled = len(network.calls)
    await asyncio.sleep(WATCHED)
    late = network.calls[settled:]
    world.kubernetes.rules = Rules()
    await asyncio.sleep(HEALING)
    await world.stop_operators()
    return next(_wrongs(world, flow, invariants, late, mutations), None)


def _wrongs(
    world: World,
    flow: Flow,
    invariants: Invariants,
    late: list[Call],
    mutations: Iterable[Mutation],
) -> Iterator[str]:
    # What is on record is what a policy makes of it.
    is_record_false = any(mutation.resource.endswith("/status") for mutation in mutations)
    yield from (each for each in invariants.violations if not (is_record_false and each.startswith("I1")))
    writes = [call.what for call in late if call.kind in {Kind.KUBERNETES_WRITE, Kind.EVENT}]
    if len(writes) > MOST_WRITES:
        yield f"writes: {len(writes)} in {WATCHED / 60:.0f} minutes: {_counted(writes)}"
    remote = [call.what for call in late if call.kind in {Kind.REMOTE_READ, Kind.REMOTE_MUTATION}]
    if len(remote) > MOST_CALLS:
        yield f"remote calls: {len(remote)} in {WATCHED / 60:.0f} minutes: {_counted(remote)}"
    if flow.ends_served and world.api_tokens():
        missing = [what for body in world.api_tokens() if (what := what_is_missing(world, body))]
        if missing:
            yield f"ESR: {missing}: {[body.get('status') for body in world.api_tokens()]}"


def _counted(calls: list[str]) -> dict[str, int]:
    return {what: calls.count(what) for what in dict.fromkeys(calls)}
