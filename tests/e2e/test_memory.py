"""What the largest objects that the API server admits cost an operator: a bounded part of its memory, anyone who made them."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailtrap_operator.api.names import MANAGED_BY, MANAGED_BY_LABEL
from tests.e2e.kube import GROUP
from tests.e2e.world import API_VERSION, World, eventually

MIB = 1024 * 1024
SECRETS, API_TOKENS = 50, 100
MOST = 60 * MIB


def grow(world: World) -> None:
    """Create Secrets of 1 MiB that have our label, and ApiTokens of 400 KiB, half of it in annotations under our group."""
    text = base64.b64encode(b"x" * (MIB - 1024)).decode()
    labels = {f"{number:03}.{'x' * 60}.{'x' * 60}.example/{'y' * 50}": "z" * 63 for number in range(400)}
    annotations = {f"mailtrap-operator.io/note-{number}": "x" * 60_000 for number in range(4)}
    resource = {"type": "domain", "id": 1, "accessLevel": "Admin"}
    spec = {"accountRef": world.account_ref("none"), "resources": [resource]}

    def secret(number: int) -> None:
        metadata = {"name": f"large-{number}", "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
        path = f"/api/v1/namespaces/{world.namespace}/secrets"
        world.kube.create(path, {"metadata": metadata, "data": {"text": text}})

    def api_token(number: int) -> None:
        metadata = {"name": f"large-{number}", "labels": labels, "annotations": annotations}
        body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": metadata, "spec": spec}
        world.kube.create(f"{GROUP}/namespaces/{world.namespace}/apitokens", body)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(secret, range(SECRETS)))
        list(threads.map(api_token, range(API_TOKENS)))


def shrink(world: World) -> None:
    """Delete them again: they are much of what the API server's store may hold."""
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: world.kube.delete(world.secret_path(f"large-{n}")), range(SECRETS)))
        list(threads.map(lambda n: world.delete_api_token(f"large-{n}"), range(API_TOKENS)))


def lists(world: World) -> int:
    """Count how often the ApiTokens were listed from the beginning, by the operator or by its watch."""
    uris = [entry["requestURI"] for entry in world.requests() if entry["verb"] == "list"]
    return sum("/apitokens?" in uri and "continue=" not in uri for uri in uris)


def peak_of_start(world: World, name: str) -> int:
    """Return the most memory that a process had which has listed everything, and verified its watches, in bytes."""
    before = lists(world)
    with world.operator("--request-timeout", "10s", "--resync-interval", "5s") as operator:
        world.put_api_token(name)
        world.becomes_ready(name)
        for number in range(API_TOKENS) if world.api_token("large-0") else ():
            reason = "SecretNotOwned" if number < SECRETS else "AccountNotFound"
            world.becomes(f"large-{number}", reason)
        # A watch reports changes once it has listed everything.
        world.kube.merge(world.secret_path(name), {"metadata": {"labels": {MANAGED_BY_LABEL: None}}})
        eventually(
            lambda: MANAGED_BY_LABEL in (world.secret(name) or {})["metadata"].get("labels", {}),
            "the label is there again",
        )
        eventually(lambda: lists(world) >= before + 4, "the watches were verified")
        return operator.peak_memory


def test_large_objects_cost_a_start_and_a_relist_a_bounded_part(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    small = peak_of_start(world, "first")
    grow(world)
    try:
        large = peak_of_start(world, "second")
    finally:
        shrink(world)

    with capsys.disabled():
        print(f" peak {small // MIB} MiB, {large // MIB} MiB with large objects")  # noqa: T201 - a figure
    assert MOST >= large - small
