"""Two account objects for one account in Mailtrap, one of them managed with an ApiToken's own token: it is never taken away."""

import asyncio
import base64
from typing import Any

from tests.simulation.network import Network
from tests.simulation.world import (
    ACCOUNT_ID,
    API_VERSION,
    CREDENTIAL,
    GROUP,
    NAMESPACE,
    OVERLAP,
    World,
    api_token_path,
    secret_path,
)
from tests.unit.clock import virtual

ACCOUNTS = f"{GROUP}/namespaces/{NAMESPACE}/mailtrapaccounts"
COPY = "copy-of-the-value"
LONG = 2 * OVERLAP.total_seconds() + 60


def put_value(world: World, value: str) -> None:
    """Write the credential of the second account object."""
    data = {"token": base64.b64encode(value.encode()).decode()}
    body: dict[str, Any] = {"metadata": {"name": COPY}, "data": data}
    path = secret_path(COPY)
    world.write("PATCH", path, body) if world.read(path) else world.write(
        "POST", path.rpartition("/")[0], body
    )


async def managed_with_its_own_token() -> tuple[World, str]:
    """Return a world whose second account object works with the token of its only ApiToken, and that token's value."""
    world = World(Network())
    await world.start_operator()
    world.put_api_token()
    await asyncio.sleep(30)
    value = world.published_value()
    assert value is not None
    put_value(world, value)
    spec = {
        "accountId": ACCOUNT_ID,
        "credentialsSecretRef": {"name": COPY},
        "refreshInterval": "60s",
    }
    body = {
        "apiVersion": API_VERSION,
        "kind": "MailtrapAccount",
        "metadata": {"name": "second"},
        "spec": spec,
    }
    world.write("POST", ACCOUNTS, body)
    await asyncio.sleep(30)
    return world, value


def works(world: World, value: str) -> bool:
    token = world.account.find_value(value)
    return token is not None and token.is_live(world.remote_time())


@virtual
async def test_a_rotation_replaces_it_and_leaves_it_until_another_one_is_at_work() -> None:
    world, value = await managed_with_its_own_token()

    world.request_rotation()
    await asyncio.sleep(LONG)

    assert value != world.published_value()
    assert works(world, value)
    assert "CredentialInUse" == world.condition("RevocationPending")["reason"]
    assert f"MailtrapAccount {NAMESPACE}/second" in world.condition("RevocationPending")["message"]

    put_value(world, CREDENTIAL)
    await asyncio.sleep(180)
    assert not works(world, value)
    assert {} == world.condition("RevocationPending")
    await world.stop_operators()


@virtual
async def test_a_deletion_waits_for_it_also_right_after_a_restart() -> None:
    world, value = await managed_with_its_own_token()
    await world.stop_operators()

    world.delete(api_token_path())
    await world.start_operator()
    await asyncio.sleep(LONG)

    assert works(world, value)
    assert "CredentialInUse" == world.condition("Ready")["reason"]

    put_value(world, CREDENTIAL)
    await asyncio.sleep(600)
    assert [] == world.api_tokens()
    assert not works(world, value)
    await world.stop_operators()
