"""What a change of an account or of an annotation leads to for a served object: every field and annotation in turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mailtrap_operator.api.names import (
    ABANDON_ANNOTATION,
    ADOPT_ANNOTATION,
    CONFIRM_ANNOTATION,
    ROTATE_ANNOTATION,
)
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import ADMIN, Grant
from tests.simulation.invariants import Invariants
from tests.simulation.network import Network
from tests.simulation.persisted import named
from tests.simulation.schema_fields import schema_fields, schema_of
from tests.simulation.virtual_time import server_time
from tests.simulation.world import GROUP, NAMESPACE, OVERLAP, World, api_token_path
from tests.unit.clock import virtual

IMMUTABLE = "spec.accountId"
"""The API server refuses its change."""

VIOLATED = "PolicyViolated"
NAMES, LABELS = "spec.policy.allowedNamespaces.names", "spec.policy.allowedNamespaces.selector.matchLabels"


@dataclass(frozen=True)
class Change:
    """Another value of a field, and why nothing can be issued any more with it; None: as ever."""

    field: str
    value: Any
    stops: str | None = None

    def __str__(self) -> str:
        return f"{self.field} = {self.value}"

    @property
    def spec(self) -> dict[str, Any]:
        """The spec with that value alone, what it cannot stand beside taken away; a list is given as a whole."""
        spec, (place, *_) = self.value, self.field.removeprefix("spec.").split("[")
        for name in reversed(place.split(".")):
            spec = {name: spec}
        if self.field == LABELS:
            spec["policy"]["allowedNamespaces"]["names"] = None
        return dict(spec)


CHANGES = (
    Change("spec.credentialsSecretRef.name", "nowhere", "CredentialMissing"),
    Change("spec.credentialsSecretRef.key", "nothing", "CredentialMissing"),
    Change("spec.baseUrl", "https://elsewhere.example.com", "BaseUrlNotAllowed"),
    Change("spec.refreshInterval", "10s"),
    Change("spec.orphanPolicy", "Delete"),
    Change("spec.policy", None, VIOLATED),
    Change(NAMES, [NAMESPACE, "other"]),
    Change(NAMES, ["other", "another"], VIOLATED),
    Change(f"{NAMES}[0]", [NAMESPACE]),
    Change(f"{NAMES}[0]", ["other"], VIOLATED),
    Change(LABELS, {"kubernetes.io/metadata.name": NAMESPACE}),
    Change(LABELS, {"kubernetes.io/metadata.name": "other"}, VIOLATED),
    Change("spec.policy.maxAccessLevel", "Admin"),
    Change("spec.policy.maxAccessLevel", "Viewer", VIOLATED),
    Change("spec.policy.allowedResources", [{"type": "project"}, {"type": "domain"}]),
    Change("spec.policy.allowedResources", [{"type": "project"}, {"type": "account"}], VIOLATED),
    Change("spec.policy.allowedResources[0].type", [{"type": "sending_domain"}]),
    Change("spec.policy.allowedResources[0].type", [{"type": "sandbox"}], VIOLATED),
    Change("spec.policy.allowedResources[0].id", [{"type": "domain", "id": "1"}]),
    Change("spec.policy.allowedResources[0].id", [{"type": "domain", "id": 2}], VIOLATED),
    Change("spec.policy.maxLifetime", "2160h"),
    Change("spec.policy.maxLifetime", "2159h", VIOLATED),
    Change("spec.policy.requireExpiration", value=True),
    Change("spec.policy.maxTokensPerNamespace", 2),
    Change("spec.policy.maxTokensPerNamespace", 1),
    Change("spec.policy.maxOverlap", "72h"),
    Change("spec.policy.deletionPolicies", ["Retain", "Delete"]),
    Change("spec.policy.deletionPolicies", ["Retain"], VIOLATED),
    Change("spec.policy.deletionPolicies[0]", ["Delete"]),
    Change("spec.policy.adoption", "Denied"),
    Change("spec.policy.adoption", "Proven"),
)
"""A field that the CRD has and this table has not is a failing test."""

Mutations = list[tuple[str, str]]


async def served() -> World:
    """Return a world with an object that has a token for 90 days."""
    world = World(Network())
    await world.start_operator()
    world.put_api_token(expiration={"policy": "After", "after": "2160h"})
    await asyncio.sleep(30)
    return world


async def mutations_of(change: Callable[[World], object], world: World | None = None) -> Mutations:
    """Return what a change of a served world has led to at the remote API, long after; it breaks no promise."""
    world = world or await served()
    invariants, value = Invariants(world), world.published_value()
    world.network.on_change = invariants.on_change
    world.network.is_counting = True

    change(world)
    invariants.forgive()
    await asyncio.sleep(2 * OVERLAP.total_seconds() + 60)

    await invariants.end()
    assert [] == invariants.violations
    mutations = [call.what for call in world.network.calls if call.kind.name == "REMOTE_MUTATION"]
    assert (value == world.published_value()) != any("POST" in what for what in mutations)
    return [(what.partition(" ")[0], what.rpartition("/")[2]) for what in mutations]


def edited(change: Change) -> Callable[[World], object]:
    path = f"{GROUP}/clustermailtrapaccounts/default"
    return lambda world: world.write("PATCH", path, {"spec": change.spec})


def annotated(name: str, text: str) -> Callable[[World], object]:
    marks = {"metadata": {"annotations": {name: text}}}
    return lambda world: world.write("PATCH", api_token_path(), marks)


@pytest.mark.parametrize("kind", ["MailtrapAccount", "ClusterMailtrapAccount"])
def test_every_field_of_an_account_has_its_row(kind: str) -> None:
    fields = {named("spec", field) for field, _ in schema_fields(schema_of("spec", kind))}

    assert fields == {IMMUTABLE, *(change.field for change in CHANGES)} - {"spec.policy"}


each_change = pytest.mark.parametrize("change", CHANGES, ids=str)


@each_change
@virtual
async def test_a_change_of_an_account_touches_no_token(change: Change) -> None:
    assert [] == await mutations_of(edited(change))


@each_change
@virtual
async def test_a_change_of_an_account_has_a_say_in_what_is_issued_later(change: Change) -> None:
    world = await served()
    edited(change)(world)
    await asyncio.sleep(30)

    mutations = await mutations_of(lambda world: world.request_rotation(), world)

    assert ([] if change.stops else [("POST", "reset")]) == mutations
    (body,) = world.api_tokens()
    reasons = {condition["reason"] for condition in body["status"]["conditions"]}
    assert ({change.stops} if change.stops else set()) == reasons - {"TokenPublished"}


def adopting(confirmed: bool) -> Callable[[World], object]:  # noqa: FBT001 - named at each call
    def do(world: World) -> None:
        draft = Draft("by hand", (Grant("domain", 1, ADMIN),), None)
        id_ = str(world.account.create(draft, "Jane Doe", server_time()).id)
        marks = {ADOPT_ANNOTATION: id_} | ({CONFIRM_ANNOTATION: id_} if confirmed else {})
        world.write("PATCH", api_token_path(), {"metadata": {"annotations": marks}})

    return do


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(annotated(ROTATE_ANNOTATION, "now"), [("POST", "reset")], id="rotate"),
        pytest.param(adopting(confirmed=False), [], id="adopt, not confirmed"),
        pytest.param(adopting(confirmed=True), [("DELETE", "{id}")], id="adopt, confirmed"),
        pytest.param(annotated(ABANDON_ANNOTATION, "true"), [], id="abandon, while it lives"),
        pytest.param(annotated("example.com/note", "x"), [], id="another annotation"),
    ],
)
@virtual
async def test_what_an_annotation_leads_to(change: Callable[[World], object], expected: Mutations) -> None:
    assert expected == await mutations_of(change)


@virtual
async def test_a_label_touches_no_token() -> None:
    labels = {"metadata": {"labels": {"team": "shop"}}}

    assert [] == await mutations_of(lambda world: world.write("PATCH", api_token_path(), labels))
