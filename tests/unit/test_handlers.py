"""What kopf asks the API server for: of Secrets no more than their metadata."""

import kopf
import pytest

from mailtrap_operator.handlers import configure_kopf, session_of
from tests.unit.clients.raw_server import Received, answer, raw_server

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
        ("limit=10&labelSelector=a%3Db", "partialobjectmetadatalist"),
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


async def test_a_session_bears_the_credentials_of_its_login() -> None:
    assert "bearer token" == (await asked("/api/v1")).headers["authorization"]


async def test_a_session_keeps_server_and_number_of_its_login() -> None:
    login = session_of(kopf.ConnectionInfo(server="http://here", priority=7))

    assert ("http://here", 7) == (login.server, login.priority)
    await login.aiohttp_session.close()


def test_a_page_of_kopf_is_small_enough_for_the_largest_objects() -> None:
    settings = kopf.OperatorSettings()

    configure_kopf(settings)

    assert 10 == settings.watching.chunk_size
