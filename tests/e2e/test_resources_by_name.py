"""Resources given by name: looked up once; what is not found is told with what there is."""

from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

DOMAINS = {1: "shop.example", 2: "blog.example", 3: "old.example"}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("resources")) as world:
        put_domains(world, DOMAINS)
        yield world


def put_domains(world: World, domains: dict[int, str]) -> None:
    """Have the account hold these domains and nothing else."""
    tree = [{"id": id_, "name": name, "type": "domain"} for id_, name in domains.items()]
    path = f"accounts/{world.simulator.account_id}/resources"
    world.simulator.control("PUT", path, {"resources": tree})


def by_name(name: str) -> list[Body]:
    return [{"type": "domain", "name": name, "accessLevel": "Admin"}]


def granted(world: World, name: str) -> list[tuple[str, int]]:
    """Return what the one living token of an object may do."""
    (token,) = [token for token in world.tokens_of(name) if token["live"]]
    return [(each["resource_type"], each["resource_id"]) for each in token["resources"]]


def questions(world: World, since: int) -> int:
    """Return how often the account was asked for its resources."""
    return len([call for call in world.calls("resources") if since < call["seq"]])


def test_a_name_becomes_the_permission_for_the_resource_that_has_it(world: World) -> None:
    before = world.last_call()

    world.put_api_token("named", resources=by_name("shop.example"))
    assert world.works(world.becomes_ready("named"))

    assert [("domain", 1)] == granted(world, "named")
    bound = {"type": "domain", "name": "shop.example", "id": 1, "accountId": world.simulator.account_id}
    assert [bound] == world.status("named")["resources"]
    assert (["create"], 1) == (world.operations(before), questions(world, before))


def test_what_is_known_once_is_not_asked_for_again(world: World) -> None:
    world.put_api_token("known", resources=by_name("shop.example"), rotation={"strategy": "Replace"})
    old, before = world.becomes_ready("known"), world.last_call()

    world.request_rotation("known", "now")
    eventually(lambda: world.value("known") != old, "the token is replaced")
    world.becomes_ready("known")

    assert (["create"], 0) == (world.operations(before), questions(world, before))


def test_an_unknown_name_is_told_with_those_that_there_are_and_repaired_by_an_edit(world: World) -> None:
    before = world.last_call()

    world.put_api_token("unknown", resources=by_name("shop.exmaple"))
    stalled = world.becomes("unknown", "ResourceUnknown", "Stalled")

    assert (
        "No resource of type domain is named 'shop.exmaple'. Correct the name, or give the id instead. "
        "There are 'blog.example' (2), 'old.example' (3), 'shop.example' (1)."
    ) == stalled["message"]
    assert ("False", "ResourceUnknown") == (
        world.condition("unknown")["status"],
        world.condition("unknown")["reason"],
    )
    events = eventually(lambda: world.events("unknown", "ResourceUnknown"), "an Event tells it")
    assert {"Warning"} == {event["type"] for event in events}
    assert ([], None) == (world.operations(before), world.secret("unknown"))

    world.put_api_token("unknown", resources=by_name("shop.example"))
    world.becomes_ready("unknown")
    assert ["create"] == world.operations(before)
