"""What a resync by versions costs, and what it finds: changes and ends that the watch has not reported."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.kube import Body
from mailtrap_operator.core.keys import Key
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.runtime.listing import list_all, verify
from mailtrap_operator.runtime.scope import EVERYTHING, Scope
from mailtrap_operator.runtime.watchdog import Watchdog
from tests.simulation.kubernetes.connection import Request
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import ACCOUNTS, API_TOKENS, INSTALLATION, account, api_token, secret
from tests.unit.clock import now, virtual
from tests.unit.runtime.informer_harness import BILLING, DEFAULT, MAILER, SECRETS, Harness

EVERYWHERE = "/apis/mailtrap-operator.io/v1alpha1/apitokens"


class Scene:
    """An operator that knows one object of each kind, its resync, and an API server where things happen untold."""

    def __init__(self, kube: FakeKube | None = None) -> None:
        self.harness = Harness()
        self.kube = kube or FakeKube()
        self.watchdog = Watchdog(now)
        self.kube.seed(ACCOUNTS, account())
        uid = self.kube.seed(API_TOKENS, api_token())["metadata"]["uid"]
        self.owner = f"{INSTALLATION}-{owner_of(INSTALLATION, 'team', 'billing', uid)}"
        self.kube.seed(SECRETS, secret(owner=self.owner))

    async def begin(self) -> "Scene":
        await list_all(self.kube, self.harness.informer.listings(EVERYTHING))
        await self.harness.woken()
        self.kube.calls.clear()
        return self

    async def verify(self) -> list[Key]:
        await verify(self.kube, self.harness.informer.listings(EVERYTHING), self.watchdog)
        return await self.harness.woken()

    @property
    def read(self) -> list[str]:
        """The paths of the objects that were read one by one."""
        return [call.path for call in self.kube.calls if "limit" not in call.query]

    def change(self, path: str) -> dict[str, Any]:
        return self.kube.edit(path, lambda body: body["metadata"].update(annotations={"changed": "yes"}))


@virtual
async def test_resync_without_changes_costs_one_list_of_versions_per_kind() -> None:
    scene = await Scene().begin()

    assert [] == await scene.verify()

    assert 4 == len(scene.kube.calls)
    assert {"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"} == {
        call.accept for call in scene.kube.calls
    }


@virtual
async def test_a_change_that_was_not_told_is_read() -> None:
    scene = await Scene().begin()
    changed = scene.change(f"{API_TOKENS}/billing")

    assert [BILLING] == await scene.verify()

    assert [f"{API_TOKENS}/billing"] == scene.read
    known = scene.harness.cache.api_token(BILLING)
    assert known is not None
    assert changed["metadata"]["resourceVersion"] == known.metadata.resource_version
    assert [] == await scene.verify(), "it is known from then on"


@virtual
async def test_an_object_that_was_not_told_is_read() -> None:
    scene = await Scene().begin()
    scene.kube.seed(API_TOKENS, api_token("mailer"))

    assert [MAILER] == await scene.verify()
    assert [f"{API_TOKENS}/mailer"] == scene.read


@virtual
async def test_a_secret_that_was_edited_untold_wakes_its_owner() -> None:
    scene = await Scene().begin()
    scene.change(f"{SECRETS}/billing")

    assert [BILLING] == await scene.verify()
    assert [f"{SECRETS}/billing"] == scene.read


@virtual
async def test_an_account_that_was_changed_untold_is_looked_at() -> None:
    scene = await Scene().begin()
    scene.kube.edit(f"{ACCOUNTS}/default", lambda body: body["spec"].update(refreshInterval="5m"))

    assert [DEFAULT] == await scene.verify()
    assert [f"{ACCOUNTS}/default"] == scene.read


@pytest.mark.parametrize(
    ("path", "woken"),
    [
        (f"{SECRETS}/billing", BILLING),
        (f"{API_TOKENS}/billing", BILLING),
        (f"{ACCOUNTS}/default", DEFAULT),
    ],
)
@virtual
async def test_deletion_that_no_watch_reported_is_noticed(path: str, woken: Key) -> None:
    scene = await Scene().begin()
    scene.kube.remove(path)

    assert [woken] == await scene.verify()
    assert [] == await scene.verify(), "it is forgotten"


class Unchecked(FakeKube):
    """An API server that has objects which their CRD would not admit."""

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Body:
        """Read an object."""
        return await super().get(path, query) | {"spec": {"resources": "all"}}


@virtual
async def test_an_object_that_its_crd_would_not_admit_is_read_once_a_version() -> None:
    scene = await Scene(Unchecked()).begin()
    scene.kube.seed(API_TOKENS, api_token("odd"))

    for _ in range(3):
        await scene.verify()

    assert [f"{API_TOKENS}/odd"] == scene.read
    assert None is scene.watchdog.unhealthy_reason()


class Interrupted(FakeKube):
    """An API server where something happens once, right after a path was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.after: dict[str, Callable[[], object]] = {}

    def carry_out(self, request: Request) -> tuple[int, Any]:
        answer = super().carry_out(request)
        self.after.pop(request.path, lambda: None)()
        return answer


class RacingScene(Scene):
    def __init__(self) -> None:
        self.race = Interrupted()
        super().__init__(self.race)

    def told(self, body: dict[str, Any], *, is_gone: bool = False) -> None:
        """Have the watch tell."""
        self.harness.informer.api_token(body | {"kind": "ApiToken"}, is_gone=is_gone)


@virtual
async def test_object_that_the_watch_reported_later_than_the_list_fits() -> None:
    scene = RacingScene()
    await scene.begin()
    scene.race.after[EVERYWHERE] = lambda: scene.told(scene.change(f"{API_TOKENS}/billing"))

    await scene.verify()

    assert [] == scene.read


@virtual
async def test_what_was_made_and_told_after_the_list_began_is_no_ghost() -> None:
    scene = RacingScene()
    await scene.begin()
    scene.race.after[EVERYWHERE] = lambda: scene.told(scene.kube.seed(API_TOKENS, api_token("mailer")))

    assert [MAILER] == await scene.verify(), "woken by the watch"

    assert None is not scene.harness.cache.api_token(MAILER)
    assert [] == scene.read


@virtual
async def test_what_is_listed_and_told_gone_before_it_is_compared_stays_gone() -> None:
    scene = RacingScene()
    await scene.begin()
    body = scene.kube.object(f"{API_TOKENS}/billing") or {}

    def end() -> None:
        scene.kube.remove(f"{API_TOKENS}/billing")
        scene.told(body, is_gone=True)

    scene.race.after[EVERYWHERE] = end
    await scene.verify()

    assert ([], None) == (scene.read, scene.harness.cache.api_token(BILLING))


@virtual
async def test_what_the_watch_tells_while_another_object_is_read_is_not_read() -> None:
    scene = RacingScene()
    await scene.begin()
    scene.change(f"{API_TOKENS}/billing")
    mailer = scene.kube.seed(API_TOKENS, api_token("mailer"))
    scene.race.after[f"{API_TOKENS}/billing"] = lambda: scene.told(mailer)

    await scene.verify()

    assert [f"{API_TOKENS}/billing"] == scene.read


@virtual
async def test_what_is_created_again_under_its_name_after_the_list_is_no_ghost() -> None:
    scene = RacingScene()
    await scene.begin()
    scene.kube.remove(f"{API_TOKENS}/billing")
    scene.race.after[EVERYWHERE] = lambda: scene.told(scene.kube.seed(API_TOKENS, api_token()))

    await scene.verify()

    known, there = scene.harness.cache.api_token(BILLING), scene.kube.object(f"{API_TOKENS}/billing")
    assert known is not None
    assert there is not None
    assert there["metadata"]["uid"] == known.metadata.uid
    assert [] == scene.read


@virtual
async def test_object_gone_before_it_is_read_causes_no_error() -> None:
    scene = RacingScene()
    await scene.begin()
    scene.change(f"{API_TOKENS}/billing")
    scene.race.after[EVERYWHERE] = lambda: scene.kube.remove(f"{API_TOKENS}/billing")

    assert [BILLING] == await scene.verify(), "what was known of it is looked at"

    assert None is scene.harness.cache.api_token(BILLING)


@virtual
async def test_a_resync_that_fails_says_so() -> None:
    scene = await Scene().begin()
    scene.kube.fail("GET", "secrets", 503)

    with pytest.raises(Failure):
        await scene.verify()


@virtual
async def test_a_namespace_that_refuses_keeps_no_other_from_being_verified() -> None:
    scene = await Scene().begin()
    scene.kube.seed(API_TOKENS, api_token("new"))
    listings = scene.harness.informer.listings(
        Scope(namespaces=("away", "team"), sees_cluster_accounts=False)
    )
    scene.kube.fail("GET", "/namespaces/away/", 403, times=3)

    await verify(scene.kube, listings, scene.watchdog)

    assert [f"{API_TOKENS}/new"] == scene.read
