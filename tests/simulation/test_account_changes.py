"""What a change of an account or of an annotation leads to for a served object: every field and annotation in turn."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mailtrap_operator.api.manifests import crds
from mailtrap_operator.core.deletion import ABANDON_ANNOTATION
from mailtrap_operator.core.digests import ROTATE_ANNOTATION
from mailtrap_operator.core.references import ADOPT_ANNOTATION, CONFIRM_ANNOTATION
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import ADMIN, Grant
from tests.simulation.invariants import Invariants
from tests.simulation.network import Network
from tests.simulation.time import server_time
from tests.simulation.world import GROUP, OVERLAP, World, api_token_path
from tests.unit.clock import virtual

IMMUTABLE = "accountId"
"""The API server refuses its change."""

ACCOUNT_FIELDS: Mapping[str, Any] = {
    "credentialsSecretRef": {"name": "nowhere"},
    "baseUrl": "https://elsewhere.example.com",
    "refreshInterval": "10s",
    "policy": {"maxAccessLevel": "Viewer"},
    "orphanPolicy": "Delete",
}
"""A field that the CRD has and this table has not is a failing test."""

Mutations = list[tuple[str, str]]


async def mutations_of(change: Callable[[World], object]) -> Mutations:
    """Return what a change of a served world has led to at the remote API, long after; it breaks no promise."""
    world = World(Network())
    await world.start_operator()
    world.put_api_token()
    await asyncio.sleep(30)
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


def edited(field: str, value: Any) -> Callable[[World], object]:
    path = f"{GROUP}/clustermailtrapaccounts/default"
    return lambda world: world.write("PATCH", path, {"spec": {field: value}})


def annotated(name: str, text: str) -> Callable[[World], object]:
    marks = {"metadata": {"annotations": {name: text}}}
    return lambda world: world.write("PATCH", api_token_path(), marks)


@pytest.mark.parametrize("kind", ["MailtrapAccount", "ClusterMailtrapAccount"])
def test_every_field_of_an_account_has_its_row(kind: str) -> None:
    (crd,) = (crd for crd in crds() if crd["spec"]["names"]["kind"] == kind)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

    assert {*ACCOUNT_FIELDS, IMMUTABLE} == set(schema["properties"])


@pytest.mark.parametrize("field", ACCOUNT_FIELDS)
@virtual
async def test_a_change_of_an_account_touches_no_token(field: str) -> None:
    assert [] == await mutations_of(edited(field, ACCOUNT_FIELDS[field]))


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
