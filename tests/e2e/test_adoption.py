"""A token that someone made by hand comes under the operator's care: reported first, then taken over."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from local_cluster import Cluster
from tests.e2e.accounts import Account
from tests.e2e.aging import moment
from tests.e2e.kube import Body, Kube
from tests.e2e.world import World, eventually, served

ADOPT, CONFIRM = "mailtrap-operator.io/adopt-token-id", "mailtrap-operator.io/adopt-confirm"
EVERYBODY = {"allowedNamespaces": {"names": ["*"]}}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("adoption")) as world:
        world.put_account(policy=EVERYBODY | {"adoption": "Allowed"})
        yield world


def by_hand(world: World, name: str, **more: Any) -> Body:
    """Make a token as a person does; return its id and its value."""
    resources = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
    body = {"name": name, "resources": resources, "created_by": "Jane Doe", **more}
    made: Body = world.simulator.control("POST", "tokens", body)
    return made


def put(world: World, name: str, annotations: dict[str, str], overlap: str = "3s", **spec: Any) -> None:
    """Create an ApiToken that has annotations from its birth."""
    world.put_annotated_api_token(name, annotations, rotation={"overlap": overlap}, **spec)


def annotate(world: World, name: str, annotations: dict[str, str | None]) -> None:
    world.kube.merge(world.api_token_path(name), {"metadata": {"annotations": annotations}})


def test_a_token_is_reported_first_and_taken_over_when_that_is_confirmed(world: World) -> None:
    token = by_hand(world, "old mailer")
    before = world.last_call()

    put(world, "adopts", {ADOPT: str(token["id"])})

    message = world.becomes("adopts", "AdoptionUnconfirmed")["message"]
    assert f"Token {token['id']} 'old mailer'" in message
    assert "domain 1 Admin" in message
    assert ([], None) == (world.operations(before), world.secret("adopts"))

    annotate(world, "adopts", {CONFIRM: str(token["id"])})

    own = world.becomes_ready("adopts")
    eventually(lambda: world.status("adopts").get("adopted") == token["id"], "it is adopted")
    eventually(lambda: not world.works(token["token"]), "the adopted token is deleted after its overlap")
    assert ["create", "delete"] == world.operations(before)
    create, delete = (call for call in world.mutations() if before < call["seq"])
    lived = moment(delete["time"]) - moment(create["time"])
    assert timedelta(seconds=3) <= lived
    eventually(lambda: world.events("adopts", "Adopted"), "an Event reports it")
    assert own == world.value("adopts")
    world.becomes_ready("adopts")


def of_a_neighbour(world: World) -> int:
    put(world, "neighbour", {})
    world.becomes_ready("neighbour")
    return int(world.status("neighbour")["tokenId"])


def of_another_installation(world: World) -> int:
    token = by_hand(world, "shop/mailer [k8s:othera-abcdefghij-klmnopqr]", foreign=True)
    return int(token["id"])


def of_the_operator(world: World) -> int:
    accounts = world.simulator.control("GET", "state")["accounts"]
    return int(next(t["id"] for account in accounts for t in account["tokens"] if t["credential"]))


def of_nobody(_: World) -> int:
    return 99


REFUSED: list[Callable[[World], int]] = [of_a_neighbour, of_another_installation, of_the_operator, of_nobody]


@pytest.mark.parametrize("find", REFUSED)
def test_what_is_not_to_be_had_is_refused_and_left_alone(world: World, find: Callable[[World], int]) -> None:
    token_id, name = find(world), find.__name__.replace("_", "-")
    before = world.last_call()

    put(world, name, {ADOPT: str(token_id), CONFIRM: str(token_id)})

    message = world.becomes(name, "AdoptionRefused")["message"]
    # One text for all: it tells nothing of the token, not even whether there is one.
    assert message == (
        f"Token {token_id} is not adopted. It must be a token of {world.account_kind} {world.account} that no ApiToken has "
        "marked as its own, that the operator does not work with, and that may do no more than the account's policy allows. "
        f"Correct the annotations. Or remove the annotation {ADOPT}."
    )
    assert [] == world.operations(before)
    assert [] == world.tripped()

    annotate(world, name, {ADOPT: None})
    world.becomes_ready(name)


def test_a_shared_account_denies_adoptions_unless_its_policy_allows_them(world: World) -> None:
    account = Account(world, "denies")
    account.put(policy=EVERYBODY)
    token = by_hand(world, "sixth mailer")
    before = world.last_call()

    put(
        world,
        "denied",
        {ADOPT: str(token["id"]), CONFIRM: str(token["id"])},
        accountRef={"name": account.name},
    )

    assert (
        "its policy.adoption is Denied, its default" in world.becomes("denied", "AdoptionRefused")["message"]
    )
    assert [] == world.operations(before)
    assert world.works(token["token"])
