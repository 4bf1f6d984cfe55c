"""Who may adopt a token that was created by hand: no one, who has its value, or who may use the account."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, PROOF_ANNOTATION
from mailtrap_operator.core.keys import AccountKey
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import ADMIN, Grant, Token
from tests.simulation.network import Call, Network
from tests.simulation.virtual_time import server_time
from tests.simulation.world import (
    CREDENTIAL,
    FOR_EVERYBODY,
    GROUP,
    NAMESPACE,
    OVERLAP,
    World,
    api_token_path,
    as_text,
)
from tests.unit.clock import virtual

ACCOUNT = f"{GROUP}/clustermailtrapaccounts/default"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
MINUTE = 60.0
OF_DOMAIN = (Grant("domain", 1, ADMIN),)


async def served(adoption: str | None) -> World:
    """Return a world with an object that is served, and whose account has a rule about adoptions."""
    network = Network()
    world = World(network)
    network.on_change = world.note_change
    allow(world, adoption)
    world.put_api_token()
    await world.start_operator()
    await asyncio.sleep(MINUTE)
    network.is_counting = True
    return world


def allow(world: World, adoption: str | None) -> None:
    policy = {**FOR_EVERYBODY, "adoption": adoption}
    world.write("PATCH", ACCOUNT, {"spec": {"policy": policy}})


def by_hand(world: World, name: str = "by hand", value: str | None = None) -> Token:
    return world.account.create(Draft(name, OF_DOMAIN, None), "Jane Doe", server_time(), value)


def annotate(world: World, annotations: Mapping[str, str | None]) -> None:
    world.write("PATCH", api_token_path(), {"metadata": {"annotations": annotations}})


def ask_for(world: World, id_: int, **more: str) -> None:
    """Name a token to adopt and confirm it at once."""
    annotate(world, {ADOPT_ANNOTATION: str(id_), CONFIRM_ANNOTATION: str(id_), **more})


def hold(world: World, value: str, name: str = "mine") -> None:
    """Have a Secret hold a value under the key token."""
    data = {"token": base64.b64encode(value.encode()).decode()}
    if world.read(f"{SECRETS}/{name}"):
        world.write("PATCH", f"{SECRETS}/{name}", {"data": data})
    else:
        world.write("POST", SECRETS, {"metadata": {"name": name}, "data": data})


def lives(world: World, token: Token) -> bool:
    return token.id in world.remote_tokens()


def adopted(world: World) -> Any:
    return (world.read(api_token_path()) or {})["status"].get("adopted")


def remote_calls(world: World) -> list[str]:
    return [call.what for call in world.network.calls if call.kind.name.startswith("REMOTE")]


PROOF = {PROOF_ANNOTATION: "mine"}


@virtual
async def test_owner_of_a_value_may_retire_the_token() -> None:
    world = await served("Proven")
    token = by_hand(world)
    hold(world, f"{token.value}\n")

    ask_for(world, token.id, **PROOF)
    await asyncio.sleep(MINUTE)

    assert token.id == adopted(world)
    assert lives(world, token)
    await asyncio.sleep(OVERLAP.total_seconds())
    assert not lives(world, token)
    texts = as_text(world.read(api_token_path()) or {}) + as_text(
        world.read(f"{GROUP}/clustermailtrapaccounts/default") or {}
    )
    assert token.value not in texts


@virtual
async def test_the_proof_is_needed_to_the_end() -> None:
    world = await served("Proven")
    token = by_hand(world)
    hold(world, token.value)
    ask_for(world, token.id, **PROOF)
    await asyncio.sleep(MINUTE)
    assert token.id == adopted(world)

    hold(world, "another value of someone")
    await asyncio.sleep(10 * MINUTE)

    assert lives(world, token)
    assert "AdoptionRefused" == world.condition("Stalled")["reason"]
    assert (
        "Its value must be the one under key token of Secret mine." in world.condition("Stalled")["message"]
    )
    assert "True" == world.condition("Ready")["status"]

    hold(world, token.value)
    await asyncio.sleep(10 * MINUTE)

    assert not lives(world, token)
    assert {} == world.condition("Stalled")


@virtual
async def test_an_adoption_that_is_not_allowed_any_more_keeps_its_token_and_says_what_to_do() -> None:
    world = await served("Allowed")
    token = by_hand(world)
    ask_for(world, token.id)
    await asyncio.sleep(MINUTE)
    assert token.id == adopted(world)

    allow(world, None)
    await asyncio.sleep(2 * OVERLAP.total_seconds())
    world.network.calls.clear()
    await asyncio.sleep(60 * MINUTE)

    assert lives(world, token)
    assert "AdoptionRefused" == world.condition("RevocationPending")["reason"]
    assert "its policy.adoption is Denied, its default" in world.condition("RevocationPending")["message"]
    assert {} == world.condition("Stalled")
    assert len(world.network.calls) <= 5, "no one continues asking"

    allow(world, "Allowed")
    await asyncio.sleep(5 * MINUTE)

    assert not lives(world, token)
    assert {} == world.condition("RevocationPending")


@virtual
async def test_removed_annotations_keep_a_token_whose_adoption_is_no_longer_allowed() -> None:
    world = await served("Allowed")
    token = by_hand(world)
    ask_for(world, token.id)
    await asyncio.sleep(MINUTE)
    allow(world, "Denied")
    await asyncio.sleep(2 * OVERLAP.total_seconds())

    annotate(world, {ADOPT_ANNOTATION: None, CONFIRM_ANNOTATION: None})
    await asyncio.sleep(MINUTE)

    status = (world.read(api_token_path()) or {})["status"]
    assert ([], {}) == (status.get("previous", []), world.condition("RevocationPending"))
    assert lives(world, token)


NO_SECRET: dict[str, dict[str, str]] = {
    "no annotation": {},
    "no such Secret": {PROOF_ANNOTATION: "nowhere"},
    "no such key": {PROOF_ANNOTATION: "mine/nothing"},
    "another namespace": {PROOF_ANNOTATION: "../../mailtrap-system/secrets/mailtrap-credentials"},
}


@pytest.mark.parametrize("proof", NO_SECRET.values(), ids=NO_SECRET)
@virtual
async def test_without_a_value_no_one_is_asked(proof: dict[str, str]) -> None:
    world = await served("Proven")
    token = by_hand(world)
    hold(world, "short")
    world.network.calls.clear()

    ask_for(world, token.id, **proof)
    await asyncio.sleep(10 * MINUTE)

    assert [] == [call for call in remote_calls(world) if call != "GET {id}/api_tokens"]
    assert "AdoptionRefused" == world.condition("AdoptionPending")["reason"]
    assert lives(world, token)


@pytest.mark.parametrize("adoption", [None, "Denied"])
@virtual
async def test_where_adoption_is_denied_no_one_is_asked(adoption: str | None) -> None:
    world = World(Network(is_counting=True))
    allow(world, adoption)
    token = by_hand(world)
    world.put_api_token()
    ask_for(world, token.id)
    await world.start_operator()
    await asyncio.sleep(10 * MINUTE)

    # The account is listed for itself, once, and its resources for the spec's ids.
    assert ["GET {id}/api_tokens", "GET {id}/permissions/resources"] == remote_calls(world)
    assert "AdoptionRefused" == world.condition("Ready")["reason"]
    assert "policy.adoption is Denied" in world.condition("Ready")["message"]


def ends_alike(world: World, token: Token) -> Token:
    """Make a token whose value ends as that of another one."""
    return by_hand(world, "namesake", "0123456789abcdef" + token.value[-4:])


def of_the_operator(world: World) -> Token:
    credential = world.account.find_value(CREDENTIAL)
    assert credential is not None
    return credential


@virtual
async def test_whatever_is_not_proven_reads_the_same_and_costs_the_same() -> None:
    told, calls = set[str](), set[tuple[str, ...]]()
    for case in (
        "another's value",
        "none of that id",
        "a token that ends alike",
        "an ApiToken's",
        "the credential",
    ):
        world = await served("Proven")
        token, mine = by_hand(world), by_hand(world, "mine")
        named, value = token.id, mine.value
        match case:
            case "none of that id":
                named = 99
            case "a token that ends alike":
                value = ends_alike(world, token).value
            case "an ApiToken's":
                (body,) = world.api_tokens()
                (own,) = world.owned(body)
                named, value = own.id, own.value
            case "the credential":
                named, value = of_the_operator(world).id, CREDENTIAL
        hold(world, value)
        world.network.calls.clear()

        ask_for(world, named, **PROOF)
        await asyncio.sleep(10)

        assert named != adopted(world)
        told.add(world.condition("AdoptionPending")["message"].replace(f"Token {named} ", "Token ID "))
        calls.add(tuple(remote_calls(world)))
        await asyncio.sleep(10 * MINUTE)
        assert lives(world, token), case

    assert 1 == len(told), told
    assert 1 == len(calls), calls


def of_shop(world: World) -> int:
    """Return the token of another object."""
    (shop,) = (body for body in world.api_tokens() if body["metadata"]["name"] == "shop")
    return int(shop["status"]["tokenId"])


REFUSED: dict[str, Callable[[World], int]] = {
    "none of that id": lambda _: 99,
    "another object's": of_shop,
    "another installation's": lambda world: by_hand(world, "x [k8s:othera-abcdefghij-klmnopqr]").id,
    "the credential": lambda world: of_the_operator(world).id,
}


@virtual
async def test_for_a_first_token_too_whatever_is_refused_reads_the_same() -> None:
    told = set[str]()
    for find in REFUSED.values():
        world = World(Network())
        world.put_api_token("shop")
        await world.start_operator()
        await asyncio.sleep(MINUTE)
        named = find(world)
        world.put_api_token()
        ask_for(world, named)
        await asyncio.sleep(10)

        told.add(world.condition("Ready")["message"].replace(f"Token {named} ", "Token ID "))
        assert "AdoptionRefused" == world.condition("Stalled")["reason"]

    assert 1 == len(told), told


@virtual
async def test_a_namesake_that_is_deleted_amid_the_proof_proves_nothing() -> None:
    world = await served("Proven")
    token = by_hand(world)
    namesake = ends_alike(world, token)
    hold(world, namesake.value)

    async def delete_the_namesake(call: Call) -> None:
        if call.what == "GET {id}/api_tokens" and lives(world, namesake):
            world.account.delete(namesake)

    world.network.before = delete_the_namesake
    ask_for(world, token.id, **PROOF)
    await asyncio.sleep(10 * MINUTE)

    assert not lives(world, namesake)
    assert lives(world, token)
    assert None is adopted(world)


LOOK, DELETION = "GET {id}/api_tokens/{id}", "DELETE {id}/api_tokens/{id}"


class Last:
    """Strikes right before the last look at an adopted token whose overlap is over; notes when what is asked from then on."""

    def __init__(self, world: World, strike: Callable[[], object]) -> None:
        self._world = world
        self._strike = strike
        self._looks = 0
        self.times: list[tuple[str, float]] = []
        world.network.before = self._note

    async def _note(self, call: Call) -> None:
        leaving = (self._world.read(api_token_path()) or {}).get("status", {}).get("previous", ())
        if call.what not in {LOOK, DELETION} or not leaving:
            return
        if all(datetime.fromisoformat(each["deleteAfter"]) <= server_time() for each in leaving):
            self._looks += 1
            # The first look is the observation's.
            if self._looks == 2:
                self._strike()
                # The watch reports it.
                await asyncio.sleep(1)
            self.times.append((call.what, asyncio.get_running_loop().time()))


@pytest.mark.parametrize("what", ["annotations", "policy"])
@virtual
async def test_what_changes_between_the_look_and_the_deletion_counts(what: str) -> None:
    world = await served("Allowed")
    token = by_hand(world)
    changes = {
        "annotations": lambda: annotate(world, {CONFIRM_ANNOTATION: None}),
        "policy": lambda: allow(world, "Denied"),
    }
    last = Last(world, changes[what])

    ask_for(world, token.id)
    await asyncio.sleep(10 * MINUTE)

    assert [LOOK, LOOK] == [what for what, _ in last.times][:2]
    assert lives(world, token)


@virtual
async def test_after_a_wait_for_the_rate_limit_the_token_is_looked_at_again() -> None:
    world = await served("Allowed")
    token = by_hand(world)
    (operator,) = world.operators
    remote_account = operator.operator.accounts.at(AccountKey("ClusterMailtrapAccount", None, "default"))
    assert remote_account.pacer is not None
    pause = remote_account.pacer.pause
    last = Last(world, lambda: pause(timedelta(seconds=30)))

    ask_for(world, token.id)
    await asyncio.sleep(10 * MINUTE)

    assert not lives(world, token)
    deleted = [what for what, _ in last.times].index(DELETION)
    (_, looked_at), (_, deleted_at) = last.times[deleted - 1 : deleted + 1]
    assert deleted > 2, "it was looked at again"
    assert deleted_at - looked_at < 1


@pytest.mark.parametrize("number", range(14))
@virtual
async def test_a_policy_that_changes_at_any_call_of_a_reconcile_is_heeded(number: int) -> None:
    async def allow_at(call: Call) -> None:
        if call.number == number:
            allow(world, "Allowed")
            # Its watch reports it before the call continues.
            await asyncio.sleep(1)

    world = World(Network(is_counting=True, before=allow_at))
    allow(world, "Denied")
    token = by_hand(world)
    world.put_api_token()
    annotate(world, {ADOPT_ANNOTATION: str(token.id)})
    await world.start_operator()
    await asyncio.sleep(MINUTE)

    assert number < len(world.network.calls)
    assert "AdoptionUnconfirmed" == world.condition("Ready")["reason"]
