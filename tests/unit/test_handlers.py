"""What kopf asks the API server for: pages of bounded size, and of Secrets no more than their metadata."""

import kopf
import pytest

from mailtrap_operator.handlers import session_of
from tests.unit.clients.raw_server import HANG, Received, answer, raw_server

SECRETS = ("/api/v1/secrets", "/api/v1/namespaces/team/secrets")
API_TOKENS = "/apis/mailtrap-operator.io/v1alpha1/namespaces/secrets/apitokens"


async def asked(path: str) -> Received:
    """Return the request of a session as the server gets it."""
    async with raw_server(answer(200, {})) as server:
        login = session_of(kopf.ConnectionInfo(server=server.url, scheme="Bearer", token="token"))
        async with login.aiohttp_session as session, session.get(f"{server.url}{path}"):
            return server.received[0]


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("limit=200&labelSelector=a%3Db", "partialobjectmetadatalist"),
        ("watch=true&resourceVersion=5", "partialobjectmetadata"),
    ],
    ids=["a list", "a watch"],
)
async def test_of_secrets_the_metadata_is_asked_for(path: str, query: str, kind: str) -> None:
    request = await asked(f"{path}?{query}")

    assert f"application/json;as={kind};g=meta.k8s.io;v=v1" == request.headers["accept"]
    assert f"{path}?{query}" == request.target


@pytest.mark.parametrize("path", [f"{API_TOKENS}?watch=true", "/api/v1", "/api/v1/namespaces/secrets"])
async def test_everything_else_is_asked_for_as_a_whole(path: str) -> None:
    assert "*/*" == (await asked(path)).headers["accept"]


@pytest.mark.parametrize("body", [{"kind": "Status"}, {"items": None}, {"items": [1]}])
async def test_an_empty_list_is_a_list(body: dict[str, object]) -> None:
    async with raw_server(answer(200, body)) as server:
        login = session_of(kopf.ConnectionInfo(server=server.url))
        async with login.aiohttp_session as session, session.get(server.url) as response:
            assert (body if body.get("items", ()) is not None else {"items": []}) == await response.json()


async def test_a_session_has_the_credentials_of_its_login() -> None:
    assert "bearer token" == (await asked("/api/v1")).headers["authorization"]


async def test_a_session_keeps_server_and_number_of_its_login() -> None:
    login = session_of(kopf.ConnectionInfo(server="http://here", priority=7))

    assert ("http://here", 7) == (login.server, login.priority)
    await login.aiohttp_session.close()


async def listed(*answers: bytes, limit: str = "200") -> tuple[list[str], list[tuple[int, object]]]:
    """List so many pages by the same address; return what was asked for and what came."""
    async with raw_server(*answers) as server:
        login = session_of(kopf.ConnectionInfo(server=server.url))
        bodies = list[tuple[int, object]]()
        async with login.aiohttp_session as session:
            while len(server.received) < len(answers):
                async with session.get(
                    f"{server.url}{API_TOKENS}?limit={limit}&continue=x%2By%3D"
                ) as response:
                    bodies.append((response.status, await response.json()))
        return [received.target for received in server.received], bodies


SMALL, LARGE = {"items": [1]}, {"items": ["x" * 5_000_000]}


async def test_a_page_that_is_too_large_is_asked_for_with_fewer_objects() -> None:
    # The announced rest never comes: no one waits for it.
    too_large = answer(200, LARGE, length=9_000_000) + HANG
    small = answer(200, SMALL)

    asked_for, came = await listed(too_large, too_large, small, small, too_large, small)

    lengths = (200, 50, 12, 24, 48, 12)
    assert [f"{API_TOKENS}?limit={length}&continue=x%2By%3D" for length in lengths] == asked_for
    assert [(200, SMALL)] * 3 == came


async def test_one_object_is_taken_however_large_it_is() -> None:
    too_large = answer(200, LARGE, length=9_000_000) + HANG

    asked_for, came = await listed(*[too_large] * 4, answer(200, LARGE))

    assert f"{API_TOKENS}?limit=1&continue=x%2By%3D" == asked_for[-1]
    assert [(200, LARGE)] == came


async def test_a_refusal_of_a_page_is_passed_on() -> None:
    _, came = await listed(answer(410, {"kind": "Status"}))

    assert [(410, {"kind": "Status"})] == came
