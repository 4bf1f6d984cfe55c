"""What someone writes who may write one object's status, annotations and Secret, and wants a token of others deleted.

The three are written together and fit one another: everything says that the token was adopted, or is the object's own.
Under no policy that an account may have is a token touched that the object may not have, whatever becomes of the object.
"""

import asyncio
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from mailtrap_operator.api.names import (
    ABANDON_ANNOTATION,
    ADOPT_ANNOTATION,
    CONFIRM_ANNOTATION,
    ISSUANCE,
    PROOF_ANNOTATION,
    TOKEN_ID,
)
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import ADMIN, Grant
from tests.simulation.network import Network
from tests.simulation.situations import SITUATIONS, Situation, start_of
from tests.simulation.virtual_time import server_time
from tests.simulation.world import (
    CREDENTIAL,
    FOR_EVERYBODY,
    GROUP,
    Body,
    Saved,
    World,
    api_token_path,
    secret_path,
)
from tests.unit.clock import run_virtual, virtual_loop

_ACCOUNT = {"kind": "ClusterMailtrapAccount", "name": "default"}
_LONG = 1200.0
"""Longer than settling, overlap and the last backoff, in seconds."""
_MOST_CALLS = 600
_LONG_AGO = "2000-01-01T00:00:00Z"
_STRUCK = ("one token", "overlap", "adopted", "replacement made", "deletion claimed")

Policy = Mapping[str, Any]
Target = Callable[[World], int]
"""Finds, or makes, the token that someone is after; returns its id."""
DENIED: Policy = {**FOR_EVERYBODY, "adoption": None}
PROVEN: Policy = {**FOR_EVERYBODY, "adoption": "Proven"}
ALLOWED: Policy = FOR_EVERYBODY
ELSEWHERE: Policy = {**FOR_EVERYBODY, "allowedNamespaces": {"names": ["elsewhere"]}}
LIMITED: Policy = {
    **FOR_EVERYBODY,
    "allowedResources": [{"type": "domain", "id": 1}, {"type": "sandbox", "id": 2}],
}


def _persons(world: World) -> int:
    return min(world.foreign)


def _mighty(world: World) -> int:
    """Return a token of a person that may do more than the limited policy allows."""
    token = world.account.create(Draft("mighty", (Grant("domain", 999, ADMIN),), None), "Jane", server_time())
    world.foreign |= {token.id}
    return token.id


def _with_an_unreadable_mark(world: World) -> int:
    return next(t.id for t in world.remote_tokens().values() if "[k8s:another-" in t.name)


def _of_shop(world: World) -> int:
    return int(_read(world, "shop")["status"]["current"]["id"])


def _leaving_shop(world: World) -> int:
    return int(_read(world, "shop")["status"]["previous"][0]["id"])


def _of_the_operator(world: World) -> int:
    credential = world.account.find_value(CREDENTIAL)
    assert credential is not None
    return credential.id


def _next(world: World) -> int:
    """Return an id that there will be: they count up."""
    return max(world.remote_tokens()) + 1


TARGETS: Mapping[Target, tuple[Policy, ...]] = {
    _persons: (DENIED, PROVEN, ELSEWHERE),
    _mighty: (DENIED, PROVEN, LIMITED),
    _with_an_unreadable_mark: (ALLOWED, PROVEN),
    _of_shop: (ALLOWED, PROVEN),
    _leaving_shop: (ALLOWED, DENIED),
    _of_the_operator: (ALLOWED, PROVEN, ELSEWHERE),
    _next: (ALLOWED, DENIED),
}
PLACES: tuple[frozenset[str], ...] = (
    frozenset({"previous", "adopted", "annotations"}),
    frozenset({"previous", "adopted", "annotations", "secret"}),
    frozenset({"previous", "adopted", "annotations", "current", "secret"}),
    frozenset({"superseded", "secret"}),
    frozenset({"current", "adopted", "annotations"}),
)


@dataclass(frozen=True, slots=True, eq=False)
class Forgery:
    """A target, the policy of the account, and where its id is written, in a situation."""

    situation: Situation
    target: Target
    policy: Policy
    places: frozenset[str]

    def __str__(self) -> str:
        policy = next(name for name, value in globals().items() if value is self.policy)
        return f"{self.situation}: {self.target.__name__} in {', '.join(sorted(self.places))}, {policy}"


FORGERIES: tuple[Forgery, ...] = tuple(
    Forgery(situation, target, policy, places)
    for situation in SITUATIONS
    if situation.name in _STRUCK
    for target, policies in TARGETS.items()
    for policy in policies
    for places in PLACES
)


def check(number: int) -> str | None:
    """Run the forgery of a number among all; return what it violates, if anything."""
    forgery = FORGERIES[number]
    violations = run(forgery)
    return f"{forgery}: {violations[0]}" if violations else None


def run(forgery: Forgery) -> list[str]:
    """Run a forgery once; return what went wrong."""
    return run_virtual(_run(forgery, start_of(forgery.situation).saved))


async def _run(forgery: Forgery, saved: Saved) -> list[str]:
    virtual_loop().now = saved.time
    network, violations = Network(), list[str]()
    world = World(network, saved=saved)
    account = f"{GROUP}/clustermailtrapaccounts/default"
    world.write("PATCH", account, {"spec": {"policy": forgery.policy}})
    target = forgery.target(world)
    _forge(world, target, forgery.places)
    others = {id_: world.remote_tokens()[id_] for id_ in world.foreign & world.remote_tokens().keys()}
    others |= {token.id: token for token in world.owned(_read(world, "shop"))}

    def note() -> None:
        world.note_change()
        there = world.remote_tokens()
        touched = [id_ for id_, token in others.items() if there.get(id_) != token]
        violations.extend(f"I4: token {id_} was touched" for id_ in touched)

    network.on_change, network.is_counting = note, True
    await world.start_operator()
    await asyncio.sleep(1)
    # An id that was foretold comes into being: it is another object's.
    world.put_api_token("newcomer")
    await asyncio.sleep(_LONG)
    others |= {token.id: token for token in world.owned(_read(world, "newcomer"))}
    world.delete(api_token_path())
    await asyncio.sleep(_LONG)
    if len(network.calls) > _MOST_CALLS:
        violations.append(f"{len(network.calls)} calls in {2 * _LONG} s")
    if world.read(api_token_path()):
        marks = {ABANDON_ANNOTATION: "true"}
        world.write("PATCH", api_token_path(), {"metadata": {"annotations": marks}})
        await asyncio.sleep(_LONG)
    if world.read(api_token_path()):
        violations.append("the object does not go, although its tokens are given up")
    await world.stop_operators()
    return violations


def _forge(world: World, id_: int, places: frozenset[str]) -> None:
    body = _read(world, "billing")
    status = deepcopy(body["status"])
    reason = "Superseded" if "superseded" in places else "Adopted"
    entry = {
        "id": id_,
        "lastFour": "0000",
        "deleteAfter": _LONG_AGO,
        "retiredAt": _LONG_AGO,
        "reason": reason,
        "account": _ACCOUNT,
    }
    if places & {"previous", "superseded"}:
        others = [each for each in status.get("previous", ()) if each["id"] != id_]
        status["previous"] = [entry, *others]
    if "adopted" in places:
        status["adopted"] = id_
    if "current" in places and "current" in status:
        status["current"] |= {"id": id_, "lastFour": "0000"}
    world.write("PUT", f"{api_token_path()}/status", {**body, "status": status})
    marks = {ADOPT_ANNOTATION: str(id_), CONFIRM_ANNOTATION: str(id_), PROOF_ANNOTATION: "billing"}
    if "annotations" in places:
        world.write("PATCH", api_token_path(), {"metadata": {"annotations": marks}})
    secret = world.read(secret_path())
    if "secret" in places and secret:
        annotations = {TOKEN_ID: str(id_), ISSUANCE: secret["metadata"]["annotations"][ISSUANCE]}
        world.write("PATCH", secret_path(), {"metadata": {"annotations": annotations}})


def _read(world: World, name: str) -> Body:
    return world.read(api_token_path(name)) or {}
