"""What each call sends and returns when all goes well."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Resource
from mailtrap_operator.clients.errors import Retryable, Uncertain
from mailtrap_operator.clients.mailtrap_http import http_clients
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.core.actions import WantedExpiry
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_simulator.settings import RateLimit, Settings
from tests.unit.clients.mailtrap_harness import (
    ADMIN_OF_DOMAIN,
    EVERY_CALL,
    JANUARY,
    LEFT_OUT,
    NAME,
    READS,
    REF,
    TAG,
    client_of,
)
from tests.unit.clients.remote import CREDENTIAL, Remote
from tests.unit.clock import now, virtual


def sent(remote: Remote) -> Any:
    body = remote.requests[-1].body
    return json.loads(body) if body else None


@virtual
async def test_the_list_shows_every_token_without_a_value() -> None:
    remote = Remote.with_account()
    foreign = remote.seed("somebody else's", expires_at="2026-12-24T18:00:00.500Z")
    ours = remote.seed(f"{NAME} 2498715")

    credential, *tokens = await client_of(remote).list_tokens()

    assert "cafe" == credential.last_four
    assert [foreign, ours] == [token.id for token in tokens]
    assert [None, TAG] == [token.tag for token in tokens]
    assert [datetime(2026, 12, 24, 18, tzinfo=UTC), None] == [token.expires_at for token in tokens]
    assert [REF, REF] == [token.account for token in tokens]


@virtual
async def test_fields_that_no_one_knows_are_ignored() -> None:
    remote = Remote.with_account()
    body = [{"id": 5, "name": "n", "last_4_digits": "x", "colour": "red", "nested": {"a": [1]}}]
    remote.fault("list", "status", status=200, body=body)

    (token,) = await client_of(remote).list_tokens()

    assert (5, "n", "x", None) == (token.id, token.name, token.last_four, token.expires_at)


def listed(resources: object) -> list[dict[str, object]]:
    return [{"id": 5, "name": "n", "last_4_digits": "x", "resources": resources}]


@virtual
async def test_permissions_are_read_in_the_words_of_the_spec_and_of_today() -> None:
    remote = Remote.with_account()
    grants = [
        {"resource_type": "sending_domain", "resource_id": 7, "access_level": 100},
        {"resource_type": "inbox", "resource_id": "8", "access_level": 10},
        {"resource_type": "billing", "resource_id": 1, "access_level": 55},
    ]
    remote.fault("list", "status", status=200, body=listed(grants))

    (token,) = await client_of(remote).list_tokens()

    assert ("billing 1 55", "domain 7 Admin", "sandbox 8 Viewer") == tuple(map(str, token.permissions or ()))


@pytest.mark.parametrize("resources", [None, "all", [5], [{"resource_type": "domain"}]], ids=str)
@virtual
async def test_permissions_in_a_form_that_no_one_knows_do_not_hide_the_token(resources: object) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=listed(resources))

    (token,) = await client_of(remote).list_tokens()

    assert (5, None) == (token.id, token.permissions)


@virtual
async def test_no_more_than_four_characters_of_a_value_are_taken_over() -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[{"id": 5, "name": "n", "last_4_digits": "0123456789"}])

    (token,) = await client_of(remote).list_tokens()

    assert "6789" == token.last_four


@virtual
async def test_one_token_can_be_asked_for() -> None:
    remote = Remote.with_account()
    token_id = remote.seed(NAME)

    token = await client_of(remote).get_token(token_id)

    assert token is not None
    assert (token_id, NAME, TAG) == (token.id, token.name, token.tag)


@virtual
async def test_a_token_that_positively_is_not_there_is_none() -> None:
    assert None is await client_of(Remote.with_account()).get_token(12345)


@virtual
async def test_a_created_token_comes_with_its_value() -> None:
    remote = Remote.with_account()
    resources = (ADMIN_OF_DOMAIN, Resource(type="sandbox", id="abc", access_level="Viewer"))

    token, value = await client_of(remote).create_token(NAME, resources, LEFT_OUT)

    assert (NAME, TAG, value.get_secret_value()[-4:]) == (token.name, token.tag, token.last_four)
    assert remote.live_ids() == {token.id}
    assert {
        "name": NAME,
        "resources": [
            {"resource_type": "domain", "resource_id": 7, "access_level": 100},
            {"resource_type": "sandbox", "resource_id": "abc", "access_level": 10},
        ],
    } == sent(remote)


@pytest.mark.parametrize(
    ("wanted", "in_the_body", "granted"),
    [
        pytest.param(LEFT_OUT, {}, datetime(2027, 3, 1, 12, tzinfo=UTC), id="the server decides"),
        pytest.param(None, {"expires_at": None}, None, id="never"),
        pytest.param(JANUARY, {"expires_at": "2027-01-31T12:00:00Z"}, JANUARY, id="a date"),
    ],
)
@virtual
async def test_the_three_states_of_the_expiry(
    wanted: WantedExpiry, in_the_body: dict[str, Any], granted: datetime | None
) -> None:
    remote = Remote.with_account(Settings(default_expiry=timedelta(days=365)))
    client = client_of(remote)

    created, _ = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), wanted)
    body_of_create = sent(remote)
    successor, _ = await client.reset_token(created.id, wanted)
    body_of_reset = sent(remote)

    assert {"name", "resources"} | in_the_body.keys() == body_of_create.keys()
    assert in_the_body == {key: text for key, text in body_of_create.items() if key == "expires_at"}
    assert (in_the_body or None) == body_of_reset
    assert (granted, granted) == (created.expires_at, successor.expires_at)


@virtual
async def test_what_an_old_server_granted_counts_instead_of_what_was_asked_for() -> None:
    client = client_of(Remote.with_account(Settings(server="old")))

    created, _ = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), JANUARY)

    assert None is created.expires_at


@virtual
async def test_a_reset_yields_a_successor_of_the_same_tag() -> None:
    remote = Remote.with_account()
    client = client_of(remote)
    base, old_value = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)

    token, value = await client.reset_token(base.id, LEFT_OUT)

    assert (f"{NAME} {token.id}", TAG) == (token.name, token.tag)
    assert token.id != base.id
    assert [True, True] == [await client.is_accepted(old_value), await client.is_accepted(value)]


@virtual
async def test_a_deleted_token_is_dead_and_deleting_it_again_is_no_failure() -> None:
    remote = Remote.with_account()
    client = client_of(remote)
    token, value = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)

    await client.delete_token(token.id)
    await client.delete_token(token.id)

    assert set() == remote.live_ids()
    assert not await client.is_accepted(value)


@virtual
async def test_some_other_success_statuses_are_accepted() -> None:
    remote = Remote.with_account()
    body = {"id": 9, "name": NAME, "last_4_digits": "beef", "token": "d" * 28 + "beef"}
    remote.fault("create", "status", status=201, body=body)
    remote.fault("delete", "status", status=200, body={"id": 9})

    token, value = await client_of(remote).create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)
    await client_of(remote).delete_token(9)

    assert (9, "d" * 28 + "beef") == (token.id, value.get_secret_value())


@pytest.mark.parametrize("length", [0, 7, 4097])
@virtual
async def test_a_value_that_is_none_by_its_length_is_not_taken(length: int) -> None:
    remote = Remote.with_account()
    body = {"id": 9, "name": NAME, "last_4_digits": "dddd", "token": "d" * length}
    remote.fault("create", "status", status=200, body=body)

    with pytest.raises(Uncertain):
        await client_of(remote).create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 403}),
        ("html", {"status": 401}),
        ("lost-before-commit", {}),
        ("hang", {"commit": False}),
        ("garbage", {}),
    ],
)
@virtual
async def test_only_a_clear_refusal_says_that_a_value_is_bad(kind: str, settings: dict[str, Any]) -> None:
    remote = Remote.with_account()
    remote.fault("accounts", kind, **settings)

    assert await client_of(remote).is_accepted(SecretStr("unknown"))
    assert not await client_of(remote).is_accepted(SecretStr("unknown"))


@virtual
async def test_a_value_opens_the_account_that_its_token_belongs_to() -> None:
    remote = Remote.with_account()
    client = client_of(remote)
    _, value = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)
    remote.control("POST", "accounts", {"id": 4711, "credential": "b" * 32})

    assert await client.opens_account(value)
    assert not await client.opens_account(SecretStr("b" * 32))
    assert not await client.opens_account(SecretStr("unknown-value"))


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        pytest.param("status", {"status": 403}, False, id="it is forbidden"),
        pytest.param("status", {"status": 404}, False, id="there is nothing"),
        pytest.param("status", {"status": 200, "body": []}, False, id="no account"),
        pytest.param("status", {"status": 200, "body": {}}, None, id="no list"),
        pytest.param("status", {"status": 429}, None, id="too many"),
        pytest.param(
            "status", {"status": 500, "body": {"error": CREDENTIAL}}, None, id="an error that repeats it"
        ),
        pytest.param("html", {"status": 401}, None, id="a proxy"),
    ],
)
@virtual
async def test_a_value_is_not_said_to_open_an_account_unless_mailtrap_says_so(
    kind: str, settings: dict[str, Any], *, says: bool | None
) -> None:
    remote = Remote.with_account()
    remote.fault("accounts", kind, **settings)

    if says is None:
        with pytest.raises(Retryable) as raised:
            await client_of(remote).opens_account(SecretStr(CREDENTIAL))
        assert CREDENTIAL not in raised.value.message
    else:
        assert says == await client_of(remote).opens_account(SecretStr(CREDENTIAL))


@virtual
async def test_a_value_is_probed_with_the_value_itself() -> None:
    remote = Remote.with_account()

    await client_of(remote).is_accepted(SecretStr("unknown"))
    await client_of(remote).list_tokens()

    assert ["unknown", CREDENTIAL] == [request.headers["api-token"] for request in remote.requests]
    assert not any("authorization" in request.headers for request in remote.requests)


@virtual
async def test_what_the_server_says_is_left_of_the_rate_is_heeded() -> None:
    remote = Remote.with_account(Settings(rate_limit=RateLimit(3, timedelta(seconds=10))))
    pacer = Pacer(100, timedelta(seconds=10))
    client = client_of(remote, pacer=pacer)

    begun = []
    for _ in range(7):
        async with pacer.slot(Priority.ROUTINE, None):
            begun.append(now())
            await client.list_tokens()

    assert [0, 0, 0, 10, 10, 10, 20] == [round(time) for time in begun]


@pytest.mark.parametrize(
    ("retry_after", "pause"),
    [
        ("3", 3),
        ("0", 10),
        (None, 10),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 10),
    ],
)
@virtual
async def test_after_a_429_no_call_is_admitted_for_a_while(retry_after: str | None, pause: int) -> None:
    remote = Remote.with_account()
    pacer = Pacer(100, timedelta(seconds=10))
    client = client_of(remote, pacer=pacer)
    remote.fault("list", "status", status=429, retry_after=retry_after)

    with pytest.raises(Retryable):
        await client.list_tokens()
    async with pacer.slot(Priority.URGENT, None):
        assert pause == round(now())


@pytest.mark.parametrize("call", EVERY_CALL)
@virtual
async def test_where_nothing_may_be_changed_only_reads_are_sent(call: str) -> None:
    def refuse() -> None:
        raise Retryable(Reason.NOT_LEADING, "not now")

    remote = Remote.with_account()
    token_id = remote.seed()
    client = client_of(remote, before_mutation=refuse)

    if call in READS:
        await EVERY_CALL[call](client, token_id)
    else:
        with pytest.raises(Retryable):
            await EVERY_CALL[call](client, token_id)

    assert (1 if call in READS else 0) == len(remote.requests)


async def test_connection_pools_bound_nothing_themselves_and_say_who_calls() -> None:
    new_http = http_clients(Proxies({}))
    first, second = new_http(), new_http()

    assert httpx.Timeout(None) == first.timeout
    assert first.headers["User-Agent"].startswith("mailtrap-operator/")
    assert first is not second
    assert not first.follow_redirects, "a credential never follows a redirect"
    for client in (first, second):
        await client.aclose()
