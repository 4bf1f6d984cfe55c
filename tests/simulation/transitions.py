"""Takes an ApiToken from one spec to another, with trouble at hand or without, and counts the tokens that it costs."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from mailtrap_operator.core.reasons import Reason
from tests.simulation.accounts import add_accounts
from tests.simulation.flows import is_served
from tests.simulation.invariants import ViolationError
from tests.simulation.network import Network
from tests.simulation.persisted import ABSENT, Path, changed
from tests.simulation.schema_fields import odd_values, right_values, schema_fields, schema_of
from tests.simulation.troubles import Trouble
from tests.simulation.watched import WatchedWorld, reason_of, trouble_of
from tests.simulation.world import API_VERSION, GROUP, NAMESPACE, Body, Saved, World, api_token_path, value_in
from tests.unit.clock import run_virtual

Spec = Mapping[str, Any]

_BARE: Spec = {"resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}]}
"""The spec that every other one is made from."""

_AFTER, _AT, _DOMAIN = {"policy": "After"}, {"policy": "At"}, {"type": "domain", "id": ABSENT}
_BESIDE: Mapping[Path, Mapping[str | None, Spec]] = {
    ("expiration", "policy"): {"After": {"after": "2160h"}, "At": {"at": "2026-12-01T12:00:00Z"}},
    ("expiration", "after"): {"90d": _AFTER, "157680000s": _AFTER},
    ("expiration", "at"): {"2026-09-01T12:00:00Z": _AT, "2027-09-01T12:00:00Z": _AT},
    ("resources", 0, "name"): {"example.com": _DOMAIN, "My sandbox": {"type": "sandbox", "id": ABSENT}},
    ("resources", 0, "id"): {None: {"type": "domain", "name": "example.com"}},
    ("rolloutRestartTargets", 0, "name"): {None: {"selector": {"matchLabels": {"team": "shop"}}}},
}
"""What the CRD's rules demand beside a value, or beside none; a name is one that the account shows."""

_INSTEAD: Mapping[Path, Path] = {
    ("rolloutRestartTargets", 0, "selector", "matchLabels"): ("rolloutRestartTargets", 0, "name")
}
"""What the CRD's rules do not allow beside a field."""

_CONTENT = (Reason.TOKEN_PUBLISHED, Reason.SUSPENDED)
_NOTICE = 45.0
"""How long a trouble lasts before and after a change, so that both are noticed.

In silence it takes two reconciles, each of which waits 10 s for a call that is in progress and 10 s for its own.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """A change of one field: from a right value to another one or to none, or by way of an odd one back to it."""

    field: Path
    before: Spec
    after: Spec
    odd: Spec | None = None

    def __str__(self) -> str:
        return " -> ".join(json.dumps(spec) for spec in (self.before, self.odd, self.after) if spec)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a transition cost: tokens created and reset, and whether the Secret still holds the same value.

    `is_same_secret` says whether the Secret is the same in everything that an operator writes. `is_change` says whether the API server took the new spec, and for another one.
    """

    created: int
    reset: int
    is_same_value: bool
    is_same_secret: bool
    is_change: bool


def right_transitions() -> Iterator[Transition]:
    """Yield for each field the ways from one right value to another, and to none."""
    for field, schema in schema_fields(schema_of("spec")):
        specs = [_spec(field, value) for value in (*right_values(schema), ABSENT)]
        for before, after in pairwise(specs):
            yield Transition(field, before, after)


def odd_transitions() -> Iterator[Transition]:
    """Yield for each field the ways from a right value by way of an odd one back to it."""
    for field, schema in schema_fields(schema_of("spec")):
        right = _spec(field, right_values(schema)[0])
        for odd in odd_values(schema):
            yield Transition(field, right, right, changed(right, field, odd))


def _around(field: Path) -> Spec:
    """Return the spec in which a field is set: for one of a list's items with the rest of that item."""
    if 0 not in field or field[0] in _BARE:
        return _BARE
    place = field[: field.index(0)]
    spec: Spec = changed(_BARE, place, right_values(dict(schema_fields(schema_of("spec")))[place])[0])
    return spec


def _spec(field: Path, value: Any) -> Spec:
    spec: Spec = changed(_around(field), field, value)
    key = None if value is ABSENT else value
    beside = _BESIDE.get(field, {}).get(key, {}) if isinstance(key, str | None) else {}
    for name, companion in beside.items():
        spec = changed(spec, (*field[:-1], name), companion)
    is_alternative = field in _INSTEAD and value is not ABSENT
    return changed(spec, _INSTEAD[field], ABSENT) if is_alternative else spec


def cost_of(transition: Transition, trouble: Trouble, *, is_new: bool = False) -> Cost:
    """Take an object through a transition while there is trouble, then let the trouble end.

    Args:
        transition: From where to where.
        trouble: In what; it is over at the end.
        is_new: Whether the object is created into the trouble, or was served before.

    Raises:
        ViolationError: An invariant was broken, or the object did not recover.
    """
    start = _start(None if is_new else json.dumps(transition.before))
    return run_virtual(_cost_of(start, transition, trouble))


async def _cost_of(start: Saved, transition: Transition, trouble: Trouble) -> Cost:
    async with WatchedWorld(start, Network(is_counting=True)) as watched:
        world, known = watched.world, set(watched.issued)
        await world.start_operator()
        await asyncio.sleep(1)
        value, secret = _value(world), _secret(world)
        with trouble.over(world, transition.before.get("secretName", "billing")):
            watched.forgive()
            if not _api_token(world):
                await _create(world, transition.before, trouble)
            generation = _generation(world)
            if transition.odd is not None and _write(world, transition.odd):
                await asyncio.sleep(2 * _NOTICE)
                if reason_of(_api_token(world)) not in _CONTENT:
                    trouble_of(world, _api_token(world))
            is_taken = _write(world, transition.after)
            is_change = is_taken and _generation(world) != generation
            watched.forgive()
            await asyncio.sleep(_NOTICE)
            reason_of(_api_token(world))
        world.note_change()
        watched.forgive()
        if not await watched.until(_is_settled):
            raise ViolationError(f"ESR: {trouble_of(world, _api_token(world))} after the trouble was over")
        if is_served(world):
            watched.check_at_rest()
        names = [token.name for id_, token in watched.issued.items() if id_ not in known]
        created = sum(name.endswith("]") for name in names)
        is_same_value = value is not None and value == _value(world)
        is_same_secret = secret == _secret(world)
        return Cost(created, len(names) - created, is_same_value, is_same_secret, is_change)


async def _create(world: World, spec: Spec, trouble: Trouble) -> None:
    assert _write(world, spec), spec
    await asyncio.sleep(_NOTICE)
    if trouble.reason and (seen := reason_of(_api_token(world))) not in (trouble.reason, Reason.SUSPENDED):
        raise ViolationError(f"{trouble} shows as {seen}")


@cache
def _start(spec: str | None) -> Saved:
    """Return the world in which an object with this spec is served, or in which there is none."""

    async def live() -> Saved:
        world = World(Network())
        add_accounts(world)
        if spec is None:
            return world.save()
        async with WatchedWorld(world.save()) as watched:
            await watched.world.start_operator()
            for each in (_BARE, json.loads(spec)):
                assert _write(watched.world, each), spec
                assert await watched.until(_is_settled), spec
        return watched.world.save()

    return run_virtual(live())


def _write(world: World, spec: Spec) -> bool:
    """Write an object's spec as a user; return whether the API server accepted it."""
    body = deepcopy(_api_token(world))
    if body:
        method, path = "PUT", api_token_path()
    else:
        method, path = "POST", f"{GROUP}/namespaces/{NAMESPACE}/apitokens"
        body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": {"name": "billing"}}
    status, _ = world.kubernetes.request(method, path, {}, {**body, "spec": spec}, "application/json")
    world.note_change()
    return status < 300


def _api_token(world: World) -> Body:
    return world.read(api_token_path()) or {}


def _generation(world: World) -> int:
    generation: int = _api_token(world)["metadata"]["generation"]
    return generation


def _value(world: World) -> str | None:
    api_token = _api_token(world)
    return value_in(world.secret_of(api_token)) if api_token else None


def _secret(world: World) -> Mapping[str, Any]:
    """Return the Secret without what the API server counts itself."""
    api_token = _api_token(world)
    secret = (world.secret_of(api_token) if api_token else None) or {}
    counted = ("uid", "creationTimestamp", "resourceVersion", "managedFields")
    meta = {name: part for name, part in secret.get("metadata", {}).items() if name not in counted}
    return {"metadata": meta, "data": secret.get("data")}


def _is_settled(world: World) -> bool:
    """Whether an object is served, or stands still as it was told to."""
    conditions = _api_token(world).get("status", {}).get("conditions", ())
    return is_served(world) or any(c["reason"] == "Suspended" for c in conditions)
