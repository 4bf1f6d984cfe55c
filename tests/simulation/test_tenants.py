"""What one tenant does delays no other: neither accounts that answer 429 for ever nor objects that ask again and again."""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION
from mailtrap_operator.core.priorities import AGEING
from mailtrap_operator.settings import RateLimit, Settings
from mailtrap_simulator import refusals
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.messages import Request, Response
from mailtrap_simulator.tokens import ADMIN, Grant
from tests.simulation.network import Network
from tests.simulation.operator_instance import Setup
from tests.simulation.virtual_time import server_time
from tests.simulation.world import (
    API_VERSION,
    CREDENTIAL,
    GROUP,
    REMOTE_SETTINGS,
    Remote,
    World,
    api_token_path,
)
from tests.unit.clock import now, virtual

EVIL = "evil"
OTHERS = tuple(f"also-evil-{number}" for number in range(5))
BUSY = 666
WORKERS = 4
MOST_IN_PROGRESS = 16 * WORKERS // 2
"""Of one namespace: fewer than it has objects that wait."""


class Busy(Remote):
    """A remote API one account of which answers 429 from some time on, and asks for an hour's patience each time."""

    is_busy = False

    def handle(self, request: Request, now: datetime) -> Response:
        """Answer a request."""
        if self.is_busy and f"/accounts/{BUSY}" in request.path:
            return replace(refusals.too_many_requests(), headers={"Retry-After": "3600"})
        return super().handle(request, now)


def world_of(calls: int = 140) -> tuple[World, Busy]:
    """Return a world with a second tenant, whose operator has few workers."""
    usual = Settings(
        namespace="mailtrap-system",
        resync_interval=timedelta(hours=1),
        workers=WORKERS,
        rate_limit=RateLimit(calls, timedelta(seconds=10)),
    )
    world = World(Network(), setup=Setup(settings=usual))
    remote = Busy(Random(0), REMOTE_SETTINGS)
    remote.accounts = world.remote.accounts
    remote.add_account(BUSY, "Busy")
    world.remote = remote
    for namespace in (EVIL, *OTHERS):
        world.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    return world, remote


def put_account(world: World, name: str, namespace: str = EVIL) -> None:
    """Create an account of the second tenant, with a credential of its own."""
    account, value = world.remote.accounts[BUSY], f"{namespace}-{name}-{CREDENTIAL}"
    account.create(Draft(name, (account.admin_grant,), None), "Mallory", server_time(), value)
    data = {"token": base64.b64encode(value.encode()).decode()}
    secret = {"metadata": {"name": name}, "data": data}
    world.write("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)
    spec = {"accountId": BUSY, "credentialsSecretRef": {"name": name}}
    body = {"apiVersion": API_VERSION, "kind": "MailtrapAccount", "metadata": {"name": name}, "spec": spec}
    world.write("POST", f"{GROUP}/namespaces/{namespace}/mailtrapaccounts", body)


def put_object(
    world: World,
    name: str,
    annotations: dict[str, str] | None = None,
    *,
    namespace: str = EVIL,
    **spec: object,
) -> None:
    """Create an ApiToken of the second tenant."""
    full = {"resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}], **spec}
    meta = {"name": name, "annotations": annotations or {}}
    body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": meta, "spec": full}
    world.write("POST", f"{GROUP}/namespaces/{namespace}/apitokens", body)


async def time_to_serve(world: World, name: str) -> float:
    """Create an ApiToken of the first tenant and return how many seconds its Secret takes."""
    begun = now()
    world.put_api_token(name)
    while now() - begun < 1000:
        await asyncio.sleep(0.1)
        if world.secret_of(world.read(api_token_path(name)) or {"spec": {}, "metadata": {"name": name}}):
            break
    return now() - begun


@asynccontextmanager
async def edited(world: World, names: list[tuple[str, str]]) -> AsyncIterator[None]:
    """Have ApiTokens of the second tenant changed again and again, twelve times a second."""

    async def edit() -> None:
        number = 0
        while True:
            namespace, name = names[number % len(names)]
            spec = {"displayName": f"number {number}"}
            world.write("PATCH", f"{GROUP}/namespaces/{namespace}/apitokens/{name}", {"spec": spec})
            number += 1
            await asyncio.sleep(1 / 12)

    task = asyncio.create_task(edit())
    try:
        yield
    finally:
        task.cancel()


@pytest.mark.parametrize(
    ("namespaces", "accounts", "objects"),
    [((EVIL,), 4, 12), ((EVIL,), 40, 2), (OTHERS, 1, 12)],
    ids=["four accounts", "forty accounts", "five namespaces"],
)
@virtual
async def test_accounts_that_answer_429_delay_no_other_objects(
    namespaces: tuple[str, ...], accounts: int, objects: int
) -> None:
    world, remote = world_of()
    names = []
    for namespace, number in itertools.product(namespaces, range(accounts)):
        put_account(world, f"slow{number}", namespace)
        ref = {"kind": "MailtrapAccount", "name": f"slow{number}"}
        for name in (f"object{number}-{each}" for each in range(objects)):
            put_object(world, name, namespace=namespace, accountRef=ref)
            names.append((namespace, name))
    queue = (await world.start_operator()).operator.queue
    await asyncio.sleep(60)

    remote.is_busy = True
    async with edited(world, names):
        await asyncio.sleep(60)
        took = [await time_to_serve(world, f"shop{number}") for number in range(5)]
        under_way = [task.get_name() for task in asyncio.all_tasks() if "evil" in task.get_name()]

    assert max(took) < 1
    each = [sum(name.startswith(f"reconcile {namespace}/") for name in under_way) for namespace in namespaces]
    assert [] == [number for number in each if number > MOST_IN_PROGRESS]
    assert 0 == queue.running
    await world.stop_operators()


@virtual
async def test_objects_that_also_wait_for_an_account_that_answers_429_delay_no_one_at_the_shared_one() -> (
    None
):
    world, remote = world_of()
    names = list(itertools.product(OTHERS[:2], (f"object{number}" for number in range(12))))
    for namespace in OTHERS[:2]:
        put_account(world, "slow", namespace)
    for namespace, name in names:
        put_object(world, name, namespace=namespace)
    await world.start_operator()
    await asyncio.sleep(60)

    remote.is_busy = True
    for namespace, name in names:
        spec = {"accountRef": {"kind": "MailtrapAccount", "name": "slow"}}
        world.write("PATCH", f"{GROUP}/namespaces/{namespace}/apitokens/{name}", {"spec": spec})
    async with edited(world, names):
        await asyncio.sleep(60)
        took = [await time_to_serve(world, f"shop{number}") for number in range(5)]

    assert max(took) < 1
    await world.stop_operators()


@virtual
async def test_objects_that_ask_again_and_again_delay_no_other_by_more_than_priorities_age() -> None:
    world, _ = world_of(calls=14)
    draft = Draft("by hand", (Grant("domain", 1, ADMIN),), None)
    token = world.account.create(draft, "Jane Doe", server_time())
    for number in range(150):
        put_object(world, f"object{number}", {ADOPT_ANNOTATION: str(token.id)})
    await world.start_operator()
    await asyncio.sleep(60)

    took = [await time_to_serve(world, f"shop{number}") for number in range(5)]

    # It waits for the window of the rate limit, not for the others.
    assert max(took) < AGEING
    await world.stop_operators()
