"""The two forms of paths: each server is served whatever it has, and no answer but the API's own says what is there."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Resource
from mailtrap_operator.clients.errors import Failure, Misrouted, Terminal, Unauthorized
from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.reasons import Reason
from mailtrap_simulator.settings import Paths, Settings
from tests.unit.clients.mailtrap_harness import (
    ANOTHER_SERVER,
    EVERY_CALL,
    LEFT_OUT,
    MUTATIONS,
    NAME,
    READS,
    REF,
    client_of,
    kind_of,
)
from tests.unit.clients.remote import ACCOUNT, CREDENTIAL, Remote, known_server
from tests.unit.clock import virtual

FORMS: tuple[Paths, ...] = ("both", "account", "plain")
VERSION = {"X-Mailtrap-Version": "v2"}


def serve(remote: Remote, paths: str) -> None:
    remote.control("POST", "settings", {"paths": paths})


def asked(remote: Remote) -> list[str]:
    """Return the calls that came in since the last look, and forget them."""
    calls = [f"{request.method} {request.path}" for request in remote.requests]
    remote.requests.clear()
    return calls


@pytest.mark.parametrize("paths", FORMS)
@pytest.mark.parametrize("call", EVERY_CALL)
@virtual
async def test_every_call_works_on_every_server_once_a_list_was_read(call: str, paths: Paths) -> None:
    remote = Remote.with_account(Settings(paths=paths))
    token_id = remote.seed()
    client = client_of(remote)
    await client.list_tokens()
    asked(remote)

    await EVERY_CALL[call](client, token_id)

    prefix = "/api/" if paths == "plain" else f"/api/accounts/{ACCOUNT}/"
    assert [True] == [call.split()[1].startswith(prefix) for call in asked(remote)]


@pytest.mark.parametrize("call", READS)
@virtual
async def test_a_read_finds_out_what_a_server_has_and_keeps_to_it(call: str) -> None:
    remote = Remote.with_account(Settings(paths="plain"))
    token_id = remote.seed()
    client = client_of(remote)

    await READS[call](client, token_id)
    first = asked(remote)
    await READS[call](client, token_id)

    place = {"list": "api_tokens", "get": f"api_tokens/{token_id}", "resources": "permissions/resources"}[
        call
    ]
    assert [f"GET /api/accounts/{ACCOUNT}/{place}", "GET /api/accounts", f"GET /api/{place}"] == first
    assert [f"GET /api/{place}"] == asked(remote)


@pytest.mark.parametrize(("before", "after"), [("account", "plain"), ("plain", "account")])
@pytest.mark.parametrize("call", MUTATIONS)
@virtual
async def test_a_mutation_is_sent_once_and_the_next_read_goes_over(
    call: str, before: str, after: str
) -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    serve(remote, before)
    client = client_of(remote)
    await client.list_tokens()
    serve(remote, after)
    asked(remote)

    with pytest.raises(Misrouted) as caught:
        await MUTATIONS[call](client, token_id)

    assert (ANOTHER_SERVER, 1) == (kind_of(caught.value), len(asked(remote)))
    assert {token_id} == remote.live_ids()
    await client.list_tokens()
    await MUTATIONS[call](client, token_id)
    assert {token_id} != remote.live_ids()


@pytest.mark.parametrize("paths", FORMS)
@virtual
async def test_a_token_that_is_not_there_is_not_looked_for_by_other_paths(paths: Paths) -> None:
    remote = Remote.with_account(Settings(paths=paths))
    client = client_of(remote)
    await client.list_tokens()
    asked(remote)

    assert await client.get_token(5) is None
    assert 1 == len(asked(remote))


@virtual
async def test_a_token_that_only_the_other_paths_can_tell_is_not_there_counts_as_gone() -> None:
    remote = Remote.with_account(Settings(paths="plain"))

    assert await client_of(remote).get_token(5) is None


@pytest.mark.parametrize("call", EVERY_CALL)
@virtual
async def test_a_credential_of_another_account_does_nothing_where_no_path_names_the_account(
    call: str,
) -> None:
    remote = Remote.with_account(Settings(paths="plain"))
    token_id = remote.seed()
    other = known_server(account_id=ACCOUNT + 1)
    client = client_of(remote, server=other)

    with pytest.raises(Failure) as caught:
        await client.list_tokens()
    asked(remote)
    with pytest.raises(Failure):
        await EVERY_CALL[call](client, token_id)

    assert (Terminal, Reason.ACCOUNT_MISMATCH) == kind_of(caught.value)
    assert f"The credential does not open account {ACCOUNT + 1}." == caught.value.said
    assert [] == [
        call for call in asked(remote) if call.split()[1] in {"/api/api_tokens", "/api/permissions/resources"}
    ]
    assert {token_id} == remote.live_ids()


def client_told(
    answers: Callable[[httpx.Request], httpx.Response], server: KnownServer | None = None
) -> MailtrapClient:
    return MailtrapClient(
        httpx.AsyncClient(transport=httpx.MockTransport(answers)),
        account=REF,
        server=server or known_server(),
        credential=SecretStr(CREDENTIAL),
        pacer=Pacer(140, timedelta(seconds=10)),
        request_timeout=timedelta(seconds=10),
    )


@virtual
async def test_a_credential_of_several_accounts_cannot_be_used_where_no_path_names_one() -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/accounts":
            return httpx.Response(200, json=[{"id": ACCOUNT}, {"id": 7}])
        return httpx.Response(404, html="<h1>Not Found</h1>")

    client = client_told(answers)

    with pytest.raises(Terminal, match="opens 2 accounts") as caught:
        await client.list_tokens()
    assert Reason.ACCOUNT_MISMATCH == caught.value.reason


ODD_PROXIES: dict[str, tuple[int, Any]] = {
    "an empty list": (200, []),
    "a list of nothing": (200, [{}]),
    "the wrong credential": (401, {"error": "Incorrect API token"}),
    "no such thing": (404, {"error": "Not Found"}),
    "forbidden": (403, {"errors": "Access forbidden"}),
    "refused": (422, {"errors": {"base": ["no"]}}),
}


@pytest.mark.parametrize("call", ["list", "get", "resources"])
@pytest.mark.parametrize("proxy", ODD_PROXIES)
@virtual
async def test_what_the_api_did_not_say_is_not_believed_though_it_is_json(proxy: str, call: str) -> None:
    status, body = ODD_PROXIES[proxy]
    answers = iter([httpx.Response(200, json=[], headers=VERSION)])
    client = client_told(lambda _: next(answers, httpx.Response(status, json=body)))
    await client.list_tokens()

    with pytest.raises(Misrouted) as caught:
        await READS[call](client, 5)

    assert Reason.REMOTE_UNAVAILABLE == caught.value.reason


@virtual
async def test_a_refusal_of_a_mutation_that_the_api_did_not_give_leaves_it_open() -> None:
    answers = iter([httpx.Response(200, json=[], headers=VERSION)])
    client = client_told(lambda _: next(answers, httpx.Response(422, json={"errors": {"base": ["no"]}})))
    await client.list_tokens()

    with pytest.raises(Misrouted):
        await MUTATIONS["create"](client, 5)


@virtual
async def test_a_server_that_names_no_version_is_believed() -> None:
    client = client_told(lambda _: httpx.Response(401, json={"error": "Incorrect API token"}))

    with pytest.raises(Unauthorized):
        await client.list_tokens()


async def create(client: MailtrapClient, type_: str) -> None:
    await client.create_token(NAME, (Resource(type=type_, id=7, access_level="Admin"),), LEFT_OUT)


TREE = [{"id": ACCOUNT, "name": "Acme", "type": "account", "access_level": 100, "resources": []}]


def sent_types(request: httpx.Request) -> list[str]:
    return [each["resource_type"] for each in json.loads(request.content)["resources"]]


@pytest.mark.parametrize(("asked_for", "in_tree"), [("domain", "sending_domain"), ("inbox", "sandbox")])
@virtual
async def test_a_type_is_spelled_as_the_accounts_tree_spells_it(asked_for: str, in_tree: str) -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            inside = {"id": 7, "name": "n", "type": in_tree, "access_level": 100, "resources": []}
            return httpx.Response(200, json=[TREE[0] | {"resources": [inside]}])
        seen.extend(sent_types(request))
        return httpx.Response(500, json={"error": "later"})

    client = client_told(answers)
    await client.list_resources()
    with pytest.raises(Failure):
        await create(client, asked_for)

    assert [in_tree] == seen


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ({"resource_type": ["is not included in the list"]}, 2),
        ({"resources": ["type is unknown"]}, 2),
        ({"name": ["is too long"]}, 1),
    ],
)
@virtual
async def test_after_a_refusal_that_blames_the_type_its_other_spelling_is_tried_once(
    said: Any, times: int
) -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.extend(sent_types(request))
        return httpx.Response(422, json={"errors": said})

    with pytest.raises(Terminal):
        await create(client_told(answers), "domain")

    assert ["domain", "sending_domain"][:times] == seen


@pytest.mark.parametrize("asked_for", ["domain", "sending_domain"])
@virtual
async def test_what_is_tried_after_a_refusal_is_another_spelling_than_the_one_that_was_sent(
    asked_for: str,
) -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.extend(sent_types(request))
        return httpx.Response(422, json={"errors": {"resource_type": ["is not included in the list"]}})

    server = known_server()
    server.note_types({"sending_domain"})
    with pytest.raises(Terminal):
        await create(client_told(answers, server=server), asked_for)

    assert ["sending_domain", "domain"] == seen


@virtual
async def test_the_spelling_that_was_taken_is_the_one_from_then_on() -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        (type_,) = sent_types(request)
        seen.append(type_)
        if type_ == "domain":
            return httpx.Response(422, json={"errors": {"resource_type": ["is not included in the list"]}})
        token = {"id": 5, "name": NAME, "last_4_digits": "cafe", "expires_at": None, "token": "0" * 32}
        return httpx.Response(200, json=token)

    client = client_told(answers)
    await create(client, "domain")
    await create(client, "domain")

    assert ["domain", "sending_domain", "sending_domain"] == seen


@virtual
async def test_a_type_with_one_spelling_is_not_tried_again() -> None:
    seen: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.extend(sent_types(request))
        return httpx.Response(422, json={"errors": {"resource_type": ["is not included in the list"]}})

    with pytest.raises(Terminal):
        await create(client_told(answers), "billing")

    assert ["billing"] == seen
