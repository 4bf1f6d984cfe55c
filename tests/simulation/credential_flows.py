"""Flows of an account whose credential is the value of an ApiToken: it comes from one that a person made, and stays alive."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mailtrap_operator.api.names import HAND_OVER_ANNOTATION
from mailtrap_simulator.drafts import Draft
from mailtrap_simulator.tokens import Token
from tests.simulation.flows import Flow, delete, held_token, is_served
from tests.simulation.virtual_time import START, server_time
from tests.simulation.world import (
    ACCOUNT_ID,
    API_VERSION,
    GROUP,
    NAMESPACE,
    OVERLAP,
    World,
    secret_path,
    value_in,
)

_LATER = 30.0
"""Seconds after which a user does the second half of something."""

_LIFETIME = timedelta(hours=1)
_TWO_PERIODS = 2 * (_LIFETIME * 2 / 3 - _LIFETIME / 30)
"""When the second successor is due at the earliest: a third of a lifetime before the end, and a tenth of that earlier."""

_FIRST, _SECOND = "a1" * 16, "b2" * 16
"""Credentials that a person makes."""

_OWN: dict[str, Any] = {
    "accountRef": {"kind": "MailtrapAccount", "name": "own"},
    "resources": [{"type": "account", "id": ACCOUNT_ID, "accessLevel": "Admin"}],
    "expiration": {"policy": "After", "after": f"{_LIFETIME.total_seconds():.0f}s"},
    "rotation": {"overlap": f"{OVERLAP.total_seconds():.0f}s"},
    "creationPolicy": "Orphan",
}
"""Of the ApiToken whose Secret the account names."""


def _make_by_hand(world: World, value: str) -> str:
    """Make a credential as a person, and return it as a Secret holds it."""
    draft = Draft("by hand", (world.account.admin_grant,), None)
    world.foreign |= {world.account.create(draft, "Jane Doe", server_time(), value).id}
    return base64.b64encode(value.encode()).decode()


def _bootstrap(world: World) -> None:
    """Have an account whose credential a person made, and hands over to the ApiToken that is still to come."""
    spec = {"accountId": ACCOUNT_ID, "credentialsSecretRef": {"name": "billing"}, "refreshInterval": "1h"}
    body = {"apiVersion": API_VERSION, "kind": "MailtrapAccount", "metadata": {"name": "own"}, "spec": spec}
    world.write("POST", f"{GROUP}/namespaces/{NAMESPACE}/mailtrapaccounts", body)
    meta = {"name": "billing", "annotations": {HAND_OVER_ANNOTATION: "billing"}}
    data = {"token": _make_by_hand(world, _FIRST)}
    world.write("POST", secret_path("").rstrip("/"), {"metadata": meta, "data": data})


def _create(world: World) -> None:
    world.put_api_token(**_OWN)


def _is_renewed(world: World) -> bool:
    """Whether the credential has had two successors in time, each of them created again, and the former ones are gone."""
    held, (body,) = held_token(world), world.api_tokens()
    is_late = held is not None and held.created_at - START >= _TWO_PERIODS
    is_alone = is_served(world) and [held] == world.owned(body)
    return is_late and is_alone and held is not None and _is_made_anew(held)


def _is_made_anew(token: Token) -> bool:
    return token.name.endswith("]")


def _expire(world: World) -> None:
    """Have the credential end in Mailtrap; later a person puts another one into the very Secret."""
    token = held_token(world)
    assert token is not None
    world.account.put(replace(token, expires_at=world.remote_time() - timedelta(seconds=1)))
    world.request_list()
    _later(world)


def _later(world: World) -> None:
    asyncio.get_running_loop().call_later(_LATER, _put_another, world)


def _put_another(world: World) -> None:
    world.write("PATCH", secret_path(), {"data": {"token": _make_by_hand(world, _SECOND)}})


def _is_healed(world: World) -> bool:
    held = held_token(world)
    is_new = held is not None and held.created_at - START >= timedelta(seconds=_LATER)
    return is_new and is_served(world)


def _delete(world: World) -> None:
    """Delete the ApiToken; later a person who finds the credential alive puts another one into the very Secret."""
    delete(world)
    asyncio.get_running_loop().call_later(_LATER, _put_another_if_alive, world)


def _put_another_if_alive(world: World) -> None:
    if held_token(world) is not None:
        _put_another(world)


def _is_released(world: World) -> bool:
    """Whether the ApiToken and its tokens are gone, and the credential that a person made is in its place."""
    is_in_place = value_in(world.read(secret_path())) == _SECOND
    return not world.api_tokens() and is_in_place and world.remote_tokens().keys() <= world.foreign


_RECOVERY = 36
"""An operator that starts again is refused again, and asks again which account the credential opens."""

CREDENTIAL_FLOWS: tuple[Flow, ...] = (
    Flow(
        "own credential",
        _create,
        spec=None,
        is_done=_is_renewed,
        prepare=_bootstrap,
        recovery=_RECOVERY,
    ),
    Flow(
        "own credential expired",
        _expire,
        spec=_OWN,
        is_done=_is_healed,
        prepare=_bootstrap,
        recovery=_RECOVERY,
    ),
    Flow("own credential deleted", _delete, spec=_OWN, is_done=_is_released, prepare=_bootstrap),
)
