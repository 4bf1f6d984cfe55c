"""A tenant with many objects or connections, or with a server that has it wait, delays no one else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import httpx
import pytest

from local_cluster import Cluster
from tests.e2e.accounts import Account
from tests.e2e.kube import Body, Kube
from tests.e2e.tenant import ADOPT, Platform, Scene, by_hand, is_ready, own_account, platform_of, spoil
from tests.e2e.world import World, eventually

RATE = "14/10s"
"""A tenth of the default, so that few objects are many."""


@pytest.fixture(scope="module")
def platform(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Provide a platform whose operator makes few calls for each credential."""
    folder = tmp_path_factory.mktemp("platform")
    with platform_of(cluster, kube, folder, "--rate-limit", RATE) as platform:
        yield platform


def test_connections_that_never_end_a_request_keep_no_one_from_the_health_pages(scene: Scene) -> None:
    port = scene.operator.port
    with ExitStack() as open_ones:
        for _ in range(200):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=120))
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-Filler: y\r\n" * 10)

        eventually(lambda: answers(port, "livez"), "/livez answers")
        eventually(lambda: answers(port, "readyz"), "/readyz answers")
    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")


def answers(port: int, page: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/{page}", timeout=60).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("rules", [{}, {"adoption": "Allowed"}], ids=["by default", "allowed"])
def test_adoptions_that_no_one_confirms_do_not_come_before_the_tokens_of_others(
    scene: Scene, rules: Body
) -> None:
    scene.serve(scene.alice, scene.mallory, **rules)
    token = by_hand(scene.admin, "mailer")
    for number in range(150):
        scene.mallory.put_annotated_api_token(f"adopts-{number}", {ADOPT: str(token["id"])})
    eventually(lambda: scene.mallory.condition("adopts-0"), "they are looked at")
    before = scene.admin.last_call()

    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")

    calls = [call for call in scene.account.calls() if before < call["seq"]]
    operations = [call["operation"] for call in calls]
    # How many looks at tokens come first: none needs to, and those that had begun are few.
    assert operations[: operations.index("create")].count("get") < 20


def test_a_server_that_has_a_tenant_wait_delays_no_other(scene: Scene) -> None:
    accounts = [own_account(scene.mallory, f"slow-{number}", refreshInterval="1h") for number in range(4)]
    for account in accounts:
        is_ready(account)
        spoil(scene.admin, account.credential, "status", status=429, retry_after="3600")
    names = {f"{account.name}-{number}": account.name for account in accounts for number in range(12)}
    for turn in range(3):
        for name, account_name in names.items():
            ref = {"kind": "MailtrapAccount", "name": account_name}
            scene.mallory.put_api_token(name, accountRef=ref, displayName=f"turn {turn}")
        eventually(partial(is_refused, scene.admin, accounts), "the server has them wait")

        scene.alice.put_api_token(f"mailer-{turn}")

        scene.alice.becomes_ready(f"mailer-{turn}")


def is_refused(admin: World, accounts: list[Account]) -> bool:
    credentials = {account.credential[-4:] for account in accounts}
    return any(call["status"] == 429 for call in admin.calls() if call["credential"] in credentials)
