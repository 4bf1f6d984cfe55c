"""A server in place of Mailtrap that is hostile or broken: it has no value told, and stops no one."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.tenant import Platform, Scene, own_account, platform_of, spoil
from tests.e2e.world import eventually

DECODED = 64 * 1024 * 1024
"""Bytes of a list of tokens without a token; compressed it is small."""


class Bomb(BaseHTTPRequestHandler):
    """Answers every request with a list that is small until it is decoded."""

    body = gzip.compress(b"[" + b" " * DECODED + b"]")

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def bomb() -> Iterator[str]:
    """Serve as long as the block lasts; yield the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Bomb) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def bomb_url() -> Iterator[str]:
    """Provide the URL of a server that answers with bombs."""
    with bomb() as url:
        yield url


@pytest.fixture(scope="module")
def platform(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, bomb_url: str
) -> Iterator[Platform]:
    """Provide a platform whose operator may call the bombs."""
    folder = tmp_path_factory.mktemp("platform")
    with platform_of(cluster, kube, folder, server=bomb_url) as platform:
        yield platform


LEAST = 8
"""So many characters of a credential in a row tell too much of it."""


def pieces(value: str) -> set[str]:
    return {value[start : start + LEAST] for start in range(len(value) - LEAST + 1)}


QUOTES = {
    "whole": "token {value} is not known",
    "in the middle of other words": "x{value}y",
    "half": "token {half}… is not known",
    "before a cut": "{filler}{value}",
    "as an error of a field": {"token": ["{value} is not known"]},
}


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_a_server_that_quotes_the_credential_is_not_quoted(scene: Scene, quote: object) -> None:
    value = scene.account.credential
    words = {"value": value, "half": value[: len(value) // 2], "filler": "x" * (300 - LEAST - 1)}
    body = {"error": filled(quote, words), "errors": filled(quote, words)}
    scene.alice.put_api_token("before")
    scene.alice.becomes_ready("before")
    spoil(scene.admin, value, "status", status=422, body=body)

    scene.account.put(policy={"allowedNamespaces": {"names": ["*"]}}, refreshInterval="10s")
    scene.alice.put_api_token("mailer")
    eventually(lambda: scene.account.condition().get("status") == "False", "the account says what is wrong")
    eventually(lambda: scene.alice.condition("mailer").get("status") == "False", "the ApiToken does")
    scene.alice.request_rotation("before", "now")
    eventually(lambda: has_failed(scene, "before"), "the rotation is tried")

    kube = scene.admin.kube
    texts = {
        "account": json.dumps(kube.get(scene.account.path)),
        "ApiTokens": json.dumps([scene.alice.api_token(name) for name in ("mailer", "before")]),
        "Events": said((kube.get("/api/v1/events") or {})["items"]),
        "log": scene.operator.log.read_text(),
    }
    quoted = pieces(words["half"] if quote == QUOTES["half"] else value)
    assert [] == [place for place, text in texts.items() if any(piece in text for piece in quoted)]


def said(events: list[Body]) -> str:
    # Among all their uids and names is, once in a while, one that has eight hexadecimal digits of a credential.
    return json.dumps(
        [
            {name: value for name, value in event.items() if name not in {"metadata", "involvedObject"}}
            for event in events
        ]
    )


def filled(quote: object, words: dict[str, str]) -> object:
    text = json.dumps(quote)
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", word)
    return json.loads(text)


def has_failed(scene: Scene, name: str) -> bool:
    return bool(scene.alice.condition(name, "Reconciling") or scene.alice.condition(name, "Stalled"))


def test_an_answer_that_is_small_until_it_is_decoded_is_not_taken(scene: Scene, bomb_url: str) -> None:
    account = own_account(scene.mallory, "bomb", baseUrl=bomb_url)

    eventually(lambda: account.condition().get("status") == "False", "the account cannot be used")

    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")
    assert scene.operator.is_running
