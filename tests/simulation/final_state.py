"""How a run ended, without what differs from run to run: ids, nonces, values, dates and how many tokens went astray.

Two runs of a flow that came to the same have equal endings.
"""

import re
from datetime import timedelta
from typing import Any

from mailtrap_simulator.tokens import Token
from tests.simulation.world import Body, World, value_in

_OWN_PART = re.compile(r"-[a-z2-7]{10}-[a-z2-7]{8}\](?: \d+)*$")
"""Of a tag: the owner, which comes from a uid and is checked on its own, and the nonce."""

_KEPT_METADATA = ("name", "labels", "finalizers")
_NEXT_DELETION = re.compile(r" Token \d+ is deleted after .*")
_DATE_OR_ID = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z|\b\d{7,}\b")


def final_state_of(world: World) -> list[Any]:
    """Return what users are left with: each object, its Secret, and the remote token whose value that holds."""
    return [_ending(world, body) for body in world.api_tokens()]


def _ending(world: World, body: Body) -> dict[str, Any]:
    secret = world.secret_of(body) or {}
    value = value_in(secret)
    held = next((token for token in world.owned(body) if token.value == value), None)
    return {
        "object": _metadata(body) | {"spec": body["spec"], "status": _status(body.get("status", {}))},
        "Secret": _metadata(secret) | {"data": sorted(secret.get("data", ())), "type": secret.get("type")},
        "token": held and _token(held),
    }


def _metadata(body: Body) -> dict[str, Any]:
    meta = body.get("metadata", {})
    kept = {name: meta.get(name) for name in _KEPT_METADATA}
    owners = [(owner["kind"], owner["name"]) for owner in meta.get("ownerReferences", ())]
    return kept | {"annotations": sorted(meta.get("annotations") or ()), "owners": owners}


def _status(status: Body) -> dict[str, Any]:
    conditions = [
        (c["type"], c["status"], c["reason"], _words(c["message"])) for c in status.get("conditions", ())
    ]
    return {"keys": sorted(status.keys() - {"previous"}), "conditions": conditions}


def _words(message: str) -> str:
    return _DATE_OR_ID.sub("…", _NEXT_DELETION.sub("", message))


def _token(token: Token) -> dict[str, Any]:
    lifetime = token.expires_at and (token.expires_at - token.created_at) / timedelta(hours=1)
    return {
        "name": _OWN_PART.sub("", token.name),
        "grants": token.grants,
        "hours": lifetime and round(lifetime),
    }
