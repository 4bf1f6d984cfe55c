"""What a resync brings in, and what it finds gone."""

import pytest

from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.runtime.scope import EVERYTHING, Scope
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import ACCOUNTS, API_TOKENS, INSTALLATION, account, api_token, secret
from tests.unit.clock import virtual
from tests.unit.runtime.informer_harness import BILLING, DEFAULT, MAILER, SECRETS, Harness, mark


class Cluster(FakeKube):
    """An API server with two objects of each kind, one of them not in the watched namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.seed(ACCOUNTS, account())
        for namespace in ("team", "other"):
            self.seed(
                f"/apis/mailtrap-operator.io/v1alpha1/namespaces/{namespace}/mailtrapaccounts",
                account(namespace=namespace),
            )
            self.seed(f"/api/v1/namespaces/{namespace}/secrets", secret(owner=mark("billing")))
            self.seed(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "foreign"}})
            self.seed(API_TOKENS.replace("/team/", f"/{namespace}/"), api_token())


@pytest.mark.parametrize(("watched", "namespaces"), [((), {"team", "other"}), (("team",), {"team"})])
@virtual
async def test_a_resync_takes_everything_in_that_is_watched(
    watched: tuple[str, ...], namespaces: set[str]
) -> None:
    harness = Harness()

    await list_all(Cluster(), harness.informer.listings(Scope(watched)))

    assert namespaces == {key.namespace for key in harness.cache.api_token_keys()}
    assert {(namespace, "billing") for namespace in namespaces} == harness.cache.secret_versions().keys()
    assert {None, *namespaces} == {key.namespace for key in harness.cache.account_keys()}
    woken = await harness.woken()
    assert len(woken) == len(set(woken)) == 2 * len(namespaces) + 1


@virtual
async def test_a_second_resync_of_the_same_wakes_no_one() -> None:
    harness, cluster = Harness(), Cluster()
    await list_all(cluster, harness.informer.listings(EVERYTHING))
    await harness.woken()

    await list_all(cluster, harness.informer.listings(EVERYTHING))

    assert [] == await harness.woken()


@virtual
async def test_a_resync_notices_what_is_gone() -> None:
    harness, cluster = Harness(), Cluster()
    await list_all(cluster, harness.informer.listings(EVERYTHING))
    billing = harness.cache.api_token(BILLING)
    assert billing is not None
    owner = f"{INSTALLATION}-{owner_of(INSTALLATION, 'team', 'billing', billing.metadata.uid)}"
    cluster.edit(
        f"{SECRETS}/billing",
        lambda body: body["metadata"]["annotations"].update({"mailtrap-operator.io/owner": owner}),
    )
    await list_all(cluster, harness.informer.listings(EVERYTHING))
    await harness.woken()

    cluster.remove(f"{SECRETS}/billing")
    await list_all(cluster, harness.informer.listings(EVERYTHING))
    assert [BILLING] == await harness.woken(), "the owner of the Secret"
    cluster.remove(f"{API_TOKENS}/billing")
    cluster.remove(f"{ACCOUNTS}/default")
    await list_all(cluster, harness.informer.listings(EVERYTHING))

    assert {BILLING, DEFAULT} == set(await harness.woken())
    assert (None, None, None) == (
        harness.cache.api_token(BILLING),
        harness.cache.account(DEFAULT),
        harness.cache.secret("team", "billing"),
    )


@virtual
async def test_a_resync_wakes_what_it_missed_in_the_routine_priority() -> None:
    harness, cluster = Harness(), Cluster()
    await list_all(cluster, harness.informer.listings(EVERYTHING))
    cluster.remove(f"{API_TOKENS}/billing")
    await harness.woken()

    harness.queue.add(MAILER, Priority.ROUTINE)
    for listing in harness.informer.listings(EVERYTHING):
        if listing.kind == "ApiToken":
            listing.missed(("team", "billing"))

    assert [MAILER, BILLING] == await harness.woken()
