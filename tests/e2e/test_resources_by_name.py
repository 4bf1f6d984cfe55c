"""Resources given by name or id: looked up once; what is not found is told with what there is, and changes no token."""

from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

DOMAINS = {1: "shop.example", 2: "blog.example", 3: "old.example"}
TWINS = (5, 6)


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("resources")) as world:
        put_domains(world, DOMAINS)
        yield world


def put_domains(world: World, domains: dict[int, str]) -> None:
    """Have the account hold these domains, and a project with two sandboxes of one name."""
    sandboxes = [{"id": id_, "name": "main", "type": "sandbox"} for id_ in TWINS]
    tree = [{"id": id_, "name": name, "type": "domain"} for id_, name in domains.items()]
    tree.append({"id": 4, "name": "shop", "type": "project", "resources": sandboxes})
    path = f"accounts/{world.simulator.account_id}/resources"
    world.simulator.control("PUT", path, {"resources": tree})


def by_name(name: str, type_: str = "domain") -> list[Body]:
    return [{"type": type_, "name": name, "accessLevel": "Admin"}]


def by_id(id_: int, type_: str = "domain") -> list[Body]:
    return [{"type": type_, "id": id_, "accessLevel": "Admin"}]


def granted(world: World, name: str) -> list[tuple[str, int]]:
    """Return what the one living token of an object may do."""
    (token,) = [token for token in world.tokens_of(name) if token["live"]]
    return [(each["resource_type"], each["resource_id"]) for each in token["resources"]]


def questions(world: World, since: int) -> int:
    """Return how often the account was asked for its resources."""
    return len([call for call in world.calls("resources") if since < call["seq"]])


def test_a_name_becomes_the_permission_for_the_resource_that_bears_it(world: World) -> None:
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


def test_an_unknown_name_is_told_with_those_that_there_are_and_mended_by_an_edit(world: World) -> None:
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
    assert ["Warning"] == [event["type"] for event in world.events("unknown", "ResourceUnknown")]
    assert ([], None) == (world.operations(before), world.secret("unknown"))

    world.put_api_token("unknown", resources=by_name("shop.example"))
    world.becomes_ready("unknown")
    assert ["create"] == world.operations(before)


def test_a_name_that_two_resources_bear_is_told_with_their_ids_and_mended_by_one(world: World) -> None:
    before = world.last_call()

    world.put_api_token("twins", resources=by_name("main", "sandbox"))
    stalled = world.becomes("twins", "ResourceAmbiguous", "Stalled")

    assert (
        "2 resources of type sandbox are named 'main': 5, 6. Give the id of the one that is meant."
    ) == stalled["message"]
    assert [] == world.operations(before)

    world.put_api_token("twins", resources=by_id(6, "sandbox"))
    world.becomes_ready("twins")
    assert [("sandbox", 6)] == granted(world, "twins")


@pytest.mark.parametrize(
    ("name", "type_", "id_", "words"),
    [
        pytest.param(
            "wrong-id",
            "domain",
            999_999,
            "No resource of type domain has the id 999999. Correct the type or the id. "
            "There are 'blog.example' (2), 'old.example' (3), 'shop.example' (1).",
            id="id",
        ),
        pytest.param(
            "wrong-type",
            "domains",
            1,
            "No resource of type domains has the id 1. Correct the type or the id. "
            "The account shows none of type domains, but of account, domain, project, sandbox.",
            id="type",
        ),
    ],
)
def test_an_id_that_the_account_lacks_gets_no_token_and_is_mended_by_an_edit(
    world: World, name: str, type_: str, id_: int, words: str
) -> None:
    before = world.last_call()

    world.put_api_token(name, resources=by_id(id_, type_))

    assert words == world.becomes(name, "ResourceUnknown", "Stalled")["message"]
    assert ([], None) == (world.operations(before), world.secret(name))
    world.put_api_token(name, resources=by_id(1))
    world.becomes_ready(name)
    assert [("domain", 1)] == granted(world, name)


def test_a_resource_that_vanishes_takes_no_token_away(world: World) -> None:
    put_domains(world, DOMAINS | {7: "gone.example"})
    world.put_api_token("vanished", resources=by_id(7))
    value, before = world.becomes_ready("vanished"), world.last_call()

    put_domains(world, DOMAINS)
    world.request_rotation("vanished", "now")
    eventually(lambda: world.value("vanished") != value, "the token is renewed")
    world.becomes_ready("vanished")
    assert (["reset"], 0) == (world.operations(before), questions(world, before))

    former = world.value("vanished")
    world.put_api_token("looks", resources=by_name("shop.example"))
    world.becomes_ready("looks")
    before = world.last_call()
    world.put_api_token("vanished", resources=by_id(7), displayName="other")
    world.becomes("vanished", "ResourceUnknown", "Stalled")
    assert ("True", former) == (world.condition("vanished")["status"], world.value("vanished"))
    assert [] == world.operations(before)


def test_while_the_account_does_not_tell_an_id_is_taken_as_it_is(world: World) -> None:
    world.fault("resources", "status", times="forever", status=403)

    world.put_api_token("taken", resources=by_id(2))
    world.becomes_ready("taken")
    world.clear_faults()

    assert [("domain", 2)] == granted(world, "taken")


def test_a_resource_that_is_renamed_in_mailtrap_changes_nothing_nor_does_its_new_name_nor_its_id(
    world: World,
) -> None:
    world.put_api_token("renamed", resources=by_name("old.example"))
    value, before = world.becomes_ready("renamed"), world.last_call()

    put_domains(world, DOMAINS | {3: "new.example"})
    world.put_api_token("renamed", resources=by_name("old.example"), suspend=True)
    world.becomes("renamed", "Suspended")
    world.put_api_token("renamed", resources=by_name("old.example"), suspend=False)
    assert value == world.becomes_ready("renamed")
    assert 0 == questions(world, before)

    world.put_api_token("renamed", resources=by_name("new.example"))
    eventually(
        lambda: [r["name"] for r in world.status("renamed")["resources"]] == ["new.example"], "the new name"
    )
    assert value == world.becomes_ready("renamed")

    world.put_api_token("renamed", resources=by_id(3))
    eventually(lambda: not world.status("renamed")["resources"], "no name is left")
    assert value == world.becomes_ready("renamed")
    assert [] == world.operations(before)


def test_a_lost_status_is_made_whole_without_a_rotation(world: World) -> None:
    world.put_api_token("forgetful", resources=by_name("blog.example"))
    value, before = world.becomes_ready("forgetful"), world.last_call()

    world.lose_status("forgetful")
    eventually(lambda: world.status("forgetful").get("resources"), "the name is looked up anew")

    assert (value, []) == (world.becomes_ready("forgetful"), world.operations(before))


def test_a_token_that_works_is_kept_while_a_new_name_is_not_known_and_is_renewed_all_the_same(
    world: World,
) -> None:
    world.put_api_token("kept", resources=by_name("blog.example"))
    value, before = world.becomes_ready("kept"), world.last_call()

    world.put_api_token("kept", resources=by_name("nowhere.example"))
    world.becomes("kept", "ResourceUnknown", "Stalled")
    assert ("True", value) == (world.condition("kept")["status"], world.value("kept"))
    assert [] == world.operations(before)

    world.request_rotation("kept", "now")
    eventually(lambda: world.value("kept") != value, "the token is reset")
    world.becomes("kept", "ResourceUnknown", "Stalled")
    assert "True" == world.condition("kept")["status"]
    assert ["reset"] == world.operations(before)

    world.put_api_token("kept", resources=by_name("shop.example"), rotation={"overlap": "0s"})
    world.becomes_ready("kept")
    eventually(lambda: world.status("kept")["history"][-1]["cause"] == "AccessChanged", "it is replaced")
    assert "create" == world.operations(before)[1]


def test_while_the_account_does_not_tell_nothing_is_guessed(world: World) -> None:
    world.fault("resources", "status", times="forever", status=403)
    before = world.last_call()

    world.put_api_token("waiting", resources=by_name("shop.example"))
    condition = world.becomes("waiting", "AccessForbidden", "Reconciling")
    assert "The names in spec.resources cannot be looked up: Mailtrap answered 403" in condition["message"]
    assert [] == world.operations(before)

    world.clear_faults()
    world.becomes_ready("waiting")
    assert [("domain", 1)] == granted(world, "waiting")


def test_a_resource_that_was_made_anew_is_found_by_its_name_after_a_refusal(world: World) -> None:
    world.put_api_token("anew", resources=by_name("blog.example"), rotation={"overlap": "0s"})
    value = world.becomes_ready("anew")

    put_domains(world, {1: "shop.example", 9: "blog.example"})
    world.put_api_token("anew", resources=by_name("blog.example"), displayName="anew")
    eventually(lambda: world.value("anew") != value, "the token is replaced")

    world.becomes_ready("anew")
    assert [9] == [each["id"] for each in world.status("anew")["resources"]]
