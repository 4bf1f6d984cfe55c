"""What a hostile or broken server in the place of Mailtrap can do: little, and it is never quoted with a value."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.errors import Failure, Terminal, Uncertain
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.mailtrap_http import http_clients
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.core.observation import CatalogueEntry
from tests.unit.clients.mailtrap_harness import (
    ANOTHER_SERVER,
    EVERY_CALL,
    ISSUES,
    LIMITED,
    MUTATIONS,
    NAME,
    NOT_KNOWN,
    READS,
    REF,
    TAG,
    UNREADABLE,
    VALUE_LOST,
    Kind,
    client_of,
    failure_of,
    kind_of,
)
from tests.unit.clients.raw_server import answer, raw_server
from tests.unit.clients.remote import CREDENTIAL, Remote, known_server
from tests.unit.clock import virtual

VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
MIB = 2**20
BOMB = gzip.compress(bytes(32 * MIB))
TOO_LONG = VALUE_LOST
"""Reads and mutations alike: there was an answer, and no one knows which."""


class Flood(httpx.AsyncBaseTransport):
    """Answers each request with a body that it repeats longer than anyone should read, and counts what was taken of it."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.status = status
        self.body = body
        self.headers = headers
        self.taken = 0
        self.closed = 0

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, stream=_Long(self))


class _Long(httpx.AsyncByteStream):
    def __init__(self, flood: Flood) -> None:
        self._flood = flood

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._flood.taken < 32 * MIB:
            self._flood.taken += len(self._flood.body)
            yield self._flood.body

    async def aclose(self) -> None:
        self._flood.closed += 1


def tries_of(call: str, kind: Kind) -> int:
    """Return how often a call is sent: a read looks for the API at the other form of paths as well."""
    return 2 if call in READS and kind == ANOTHER_SERVER else 1


def flooded(flood: Flood) -> MailtrapClient:
    return client_at("https://mailtrap.test", httpx.AsyncClient(transport=flood))


def client_at(url: str, http: httpx.AsyncClient) -> MailtrapClient:
    return MailtrapClient(
        http,
        account=REF,
        server=known_server(url),
        credential=SecretStr(CREDENTIAL),
        pacer=Pacer(140, timedelta(seconds=10)),
        request_timeout=timedelta(seconds=120),
    )


@pytest.mark.parametrize(
    ("status", "most", "kind"),
    [
        (200, 8 * MIB, TOO_LONG),
        (201, 8 * MIB, TOO_LONG),
        (401, MIB // 16, ANOTHER_SERVER),
        (500, MIB // 16, NOT_KNOWN),
    ],
)
@pytest.mark.parametrize("call", EVERY_CALL)
async def test_no_more_is_read_of_an_answer_than_one_of_the_api_can_have(
    call: str, status: int, most: int, kind: Kind
) -> None:
    flood = Flood(status, b" " * 4096, {"Content-Type": "application/json"})

    with pytest.raises(Failure) as caught:
        await EVERY_CALL[call](flooded(flood), 5)

    assert kind == kind_of(caught.value)
    tries = tries_of(call, kind)
    assert (tries * (most + 4096), tries) == (flood.taken, flood.closed)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x-unknown"])
@pytest.mark.parametrize(
    ("status", "kind"), [(200, TOO_LONG), (204, TOO_LONG), (401, ANOTHER_SERVER), (429, LIMITED)]
)
@pytest.mark.parametrize("call", ["list", "create", "delete"])
async def test_nothing_of_a_compressed_answer_is_read(
    call: str, status: int, kind: Kind, encoding: str
) -> None:
    flood = Flood(status, BOMB, {"Content-Encoding": encoding})

    with pytest.raises(Failure) as caught:
        await EVERY_CALL[call](flooded(flood), 5)

    assert kind == kind_of(caught.value)
    assert (0, tries_of(call, kind)) == (flood.taken, flood.closed)


async def test_a_compressed_refusal_says_nothing_about_a_value() -> None:
    flood = Flood(401, gzip.compress(b'{"error": "Incorrect API token"}'), {"Content-Encoding": "gzip"})

    assert await flooded(flood).is_accepted(SecretStr(VALUE))


async def test_plain_answers_are_asked_for_and_told_as_such_are_read() -> None:
    body = json.dumps([{"id": 5, "name": NAME, "last_4_digits": "beef"}]).encode()
    plain = answer(200, body).replace(b"Connection:", b"Content-Encoding: identity\r\nConnection:")
    async with raw_server(plain) as server, http_clients(Proxies({}))() as http:
        (token,) = await client_at(server.url, http).list_tokens()

    assert (5, TAG) == (token.id, token.tag)
    assert ["identity"] == [request.headers["accept-encoding"] for request in server.received]


async def test_a_compressed_list_from_a_socket_is_no_list() -> None:
    packed = answer(200, BOMB).replace(b"Connection:", b"Content-Encoding: gzip\r\nConnection:")
    async with raw_server(packed) as server, http_clients(Proxies({}))() as http:
        with pytest.raises(Uncertain, match="compressed or too long"):
            await client_at(server.url, http).list_tokens()


async def test_no_cookie_is_kept() -> None:
    def with_cookies(body: bytes) -> bytes:
        return body.replace(
            b"Connection:", b"Set-Cookie: session=1; Path=/\r\nSet-Cookie: a=b\r\nConnection:"
        )

    refused = with_cookies(answer(401, {"error": "Incorrect API token"}))
    async with (
        raw_server(with_cookies(answer(200, [])), refused) as server,
        http_clients(Proxies({}))() as http,
    ):
        client = client_at(server.url, http)
        await client.list_tokens()
        await client.is_accepted(SecretStr(VALUE))
        await client.is_accepted(SecretStr(VALUE))

    assert [None] * 3 == [request.headers.get("cookie") for request in server.received]
    assert [] == list(http.cookies.jar)


@pytest.mark.parametrize(
    "body",
    [
        "[" * 60_000,
        '{"error": ' * 6_000,
        '{"errors": {"a": ' + "9" * 5_000 + "}}",
        '{"error": "\\ud800"}',
        "\xff",
    ],
    ids=["deep", "deep objects", "a long number", "half a character", "no text"],
)
@pytest.mark.parametrize("call", EVERY_CALL)
@virtual
async def test_what_no_parser_likes_is_not_the_apis_answer(call: str, body: str) -> None:
    remote = Remote.with_account()
    remote.fault(call, "status", times=2, status=422, body=body)

    assert ANOTHER_SERVER == kind_of(await failure_of(EVERY_CALL[call], remote, 5))


ECHOES: list[Callable[[str], Any]] = [
    lambda value: {"error": f"token {value} is not known"},
    lambda value: {"errors": {"base": [f"token {value[:12]} is not known"]}},
    lambda value: {"errors": {value: ["is not known"]}},
    lambda value: {"errors": {"base": {"token": value}}},
    lambda value: {"error": value.upper()},
    lambda value: {"error": " ".join(value)},
    lambda value: {"error": "long " * 58 + value},
]


@pytest.mark.parametrize("status", [401, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("echo", ECHOES)
@virtual
async def test_an_answer_that_quotes_the_credential_is_not_quoted(
    status: int, echo: Callable[[str], Any]
) -> None:
    remote = Remote.with_account()
    remote.fault("create", "status", status=status, body=echo(CREDENTIAL))

    failure = await failure_of(ISSUES["create"], remote, 5)

    assert f'Mailtrap answered {status}: "[left out]"' in failure.message
    for text in (failure.message, failure.said, repr(failure), failure.as_unknown().message):
        assert not pieces_in(CREDENTIAL, text)


@pytest.mark.parametrize("call", MUTATIONS)
@virtual
async def test_a_value_that_no_one_knows_any_more_is_not_quoted(call: str) -> None:
    remote = Remote.with_account()
    remote.fault(call, "status", status=422, body={"error": f"was '{VALUE}' before"})

    failure = await failure_of(MUTATIONS[call], remote, remote.seed())

    assert "was '[left out]' before" in failure.message


@virtual
async def test_a_refused_deletion_does_not_quote_the_credential_either() -> None:
    remote = Remote.with_account()
    remote.fault("delete", "status", status=403, body={"error": f"not with {CREDENTIAL}"})

    failure = await failure_of(EVERY_CALL["delete"], remote, 5)

    assert isinstance(failure, Terminal)
    assert not pieces_in(CREDENTIAL, failure.message + failure.said)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f"mailer {CREDENTIAL}", "[left out]"),
        (f"mailer {VALUE}", "mailer [left out]"),
        (f"{CREDENTIAL[:9]} {NAME}", f"[left out]{TAG}"),
        (f"{VALUE} {TAG} 17", f"[left out] {TAG} 17"),
        (f"a\u202eb\x1b[31m {TAG}", f"a b [31m {TAG}"),
        (f"team-7f3a/billing mailer 2 {TAG} 17 18", f"team-7f3a/billing mailer 2 {TAG} 17 18"),
        ("x" * 1000 + f" {TAG} 17", "x" * (512 - len(f" {TAG} 17")) + f" {TAG} 17"),
        ("y" * 1000, "y" * 512),
        (None, ""),
    ],
)
@virtual
async def test_the_name_of_a_token_is_one_to_show_and_the_tag_is_the_real_one(
    name: str | None, shown: str
) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=[{"id": 5, "name": name, "last_4_digits": None}])

    (token,) = await client_of(remote).list_tokens()

    assert (shown, "") == (token.name, token.last_four)
    assert (TAG if name and str(TAG) in name else None) == token.tag


@virtual
async def test_a_successor_is_known_by_its_name_whatever_is_left_out_of_it() -> None:
    remote = Remote.with_account()
    names = [f"{CREDENTIAL} {TAG}", f"{CREDENTIAL} {TAG} 6", f"\u202e{VALUE} {TAG}", f"\u202e{VALUE} {TAG} 8"]
    body = [{"id": id_, "name": name, "last_4_digits": "beef"} for id_, name in enumerate(names, 5)]
    remote.fault("list", "status", status=200, body=body)

    first, second, third, fourth = await client_of(remote).list_tokens()

    assert second.name == f"{first.name} 6"
    assert fourth.name == f"{third.name} 8"


@pytest.mark.parametrize("issue", ISSUES)
@virtual
async def test_the_name_of_a_new_token_does_not_show_its_value(issue: str) -> None:
    remote = Remote.with_account()
    value = "correct-horse-battery"
    body = {"id": 9, "name": f"{value} {TAG}", "last_4_digits": "tery", "token": value}
    remote.fault(issue, "status", status=200, body=body)

    result = await ISSUES[issue](client_of(remote), remote.seed())

    assert not pieces_in(value, repr(result))


@pytest.mark.parametrize("id_", [0, -1, 2**63, 10**30])
@virtual
async def test_a_token_whose_id_no_one_can_write_hides_no_other(id_: int) -> None:
    remote = Remote.with_account()
    token = {"name": NAME, "last_4_digits": "beef"}
    remote.fault("list", "status", status=200, body=[{**token, "id": id_}, {**token, "id": 2**63 - 1}])
    remote.fault("get", "status", status=200, body={**token, "id": id_})
    remote.fault("create", "status", status=200, body={**token, "id": id_, "token": VALUE})

    assert [2**63 - 1] == [token.id for token in await client_of(remote).list_tokens()]
    assert UNREADABLE == kind_of(await failure_of(READS["get"], remote, 5))
    assert VALUE_LOST == kind_of(await failure_of(ISSUES["create"], remote, 5))


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"])
@virtual
async def test_a_time_beyond_the_calendar_is_no_answer(moment: str) -> None:
    remote = Remote.with_account()
    body = [{"id": 5, "name": NAME, "last_4_digits": "beef", "expires_at": moment}]
    remote.fault("list", "status", status=200, body=body)

    assert UNREADABLE == kind_of(await failure_of(READS["list"], remote, 5))


@virtual
async def test_a_time_without_a_zone_is_one_of_utc() -> None:
    remote = Remote.with_account()
    token = {"id": 5, "name": NAME, "last_4_digits": "beef"}
    moments = ["2027-01-31", "2027-01-31T00:00:00", "2027-01-31T01:00:00+01:00"]
    remote.fault("list", "status", status=200, body=[{**token, "expires_at": moment} for moment in moments])

    tokens = await client_of(remote).list_tokens()

    assert ["2027-01-31T00:00:00+00:00"] * 3 == [
        str(t.expires_at and t.expires_at.isoformat()) for t in tokens
    ]


@pytest.mark.parametrize(
    "permission",
    [
        {"resource_type": f"x{CREDENTIAL}"},
        {"resource_id": CREDENTIAL[4:14]},
        {"resource_type": "x" * 65},
        {"resource_id": "x" * 65},
        {"resource_id": 2**63},
        {"access_level": 10**30},
        {"access_level": -1},
    ],
    ids=str,
)
@virtual
async def test_permissions_that_quote_the_credential_or_have_no_end_count_as_not_told(
    permission: dict[str, object],
) -> None:
    remote = Remote.with_account()
    resources = [{"resource_type": "domain", "resource_id": 7, "access_level": 100, **permission}]
    body = [{"id": 5, "name": NAME, "last_4_digits": "beef", "resources": resources}]
    remote.fault("list", "status", status=200, body=body)

    (token,) = await client_of(remote).list_tokens()

    assert (5, None) == (token.id, token.permissions)


@virtual
async def test_permissions_are_compared_as_they_are_and_shown_without_values() -> None:
    remote = Remote.with_account()
    resources = [{"resource_type": "domain", "resource_id": VALUE, "access_level": 100}]
    body = [{"id": 5, "name": NAME, "last_4_digits": "beef", "resources": resources}]
    remote.fault("list", "status", status=200, body=body)

    (token,) = await client_of(remote).list_tokens()

    (permission,) = token.permissions or ()
    assert (VALUE, "domain [left out] Admin") == (permission.id, str(permission))


@pytest.mark.parametrize(
    ("resource", "entry"),
    [
        ({"name": f"shop {CREDENTIAL}"}, CatalogueEntry("domain", "", 7)),
        ({"id": CREDENTIAL[:9]}, None),
        ({"type": CREDENTIAL[:9]}, None),
        ({"name": "x" * 256}, CatalogueEntry("domain", "", 7)),
        ({"type": VALUE}, CatalogueEntry("[left out]", "shop", 7)),
        ({"name": VALUE}, CatalogueEntry("domain", VALUE, 7)),
    ],
    ids=str,
)
@virtual
async def test_what_quotes_the_credential_is_left_out_of_a_resource(
    resource: dict[str, object], entry: CatalogueEntry | None
) -> None:
    remote = Remote.with_account()
    remote.fault(
        "resources", "status", status=200, body=[{"id": 7, "name": "shop", "type": "domain", **resource}]
    )

    catalogue = await client_of(remote).list_resources()

    assert (() if entry is None else (entry,)) == catalogue.entries


@pytest.mark.parametrize("value", ["", "short", "x" * 4097, f"{VALUE}\n", f"{VALUE} x", "gr\xfc\xdfe" * 8])
@virtual
async def test_what_could_not_be_sent_in_a_header_is_no_value(value: str) -> None:
    remote = Remote.with_account()
    body = {"id": 9, "name": NAME, "last_4_digits": "beef", "token": value}
    remote.fault("create", "status", status=200, body=body)

    assert VALUE_LOST == kind_of(await failure_of(ISSUES["create"], remote, 5))


@pytest.mark.parametrize("value", ["", f"{VALUE}\n", f"{VALUE} x", f"{VALUE}\r\nX: y", "gr\xfc\xdfe" * 8])
@virtual
async def test_what_could_not_be_sent_in_a_header_is_not_accepted_and_not_sent(value: str) -> None:
    remote = Remote.with_account()

    assert not await client_of(remote).is_accepted(SecretStr(value))
    assert [] == remote.requests


def pieces_in(value: str, text: str) -> list[str]:
    """Return the parts of a value, of eight characters, that a text shows."""
    return [value[i : i + 8] for i in range(len(value) - 7) if value[i : i + 8] in text]
