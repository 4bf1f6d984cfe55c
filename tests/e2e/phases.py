"""ApiTokens in every phase that an operator may leave them in: those that rest there, and those amid something."""

from typing import Any

from tests.e2e.world import World, eventually

NEVER = {"policy": "Never"}
VIEWER = {"type": "domain", "id": 1, "accessLevel": "Viewer"}
REMOTE_ADMIN, REMOTE_VIEWER = (
    [{"resource_type": "domain", "resource_id": 1, "access_level": level}] for level in (100, 10)
)
# The first value of each is published before anything happens to it.
BEGINNINGS: dict[str, dict[str, Any]] = {
    "ready": {},
    "rotating": {},
    "suspended": {},
    "pending": {"rotation": {"policy": "Manual"}},
    "drifted": {"driftPolicy": "Report"},
    "restarting": {
        "rotation": {"strategy": "Replace", "overlap": "1s"},
        "rolloutRestartTargets": [{"kind": "Deployment", "name": "missing"}],
    },
}
RESTING = {
    "ready": ("Ready", "TokenPublished"),
    "rotating": ("Ready", "TokenPublished"),
    "suspended": ("Ready", "Suspended"),
    "pending": ("RotationPending", "ExpirationChanged"),
    "drifted": ("Drifted", "AccessDrifted"),
    "restarting": ("RolloutRestart", "TargetMissing"),
    "stalled": ("Stalled", "SpecInvalid"),
    "adopting": ("Ready", "AdoptionRefused"),
}
"""What each of those shows that stay as they are until a user, or a far date, continues with them."""


def have_some_rest(world: World) -> None:
    """Bring ApiTokens into each phase of `RESTING`."""
    for name, spec in BEGINNINGS.items():
        world.put_api_token(name, **spec)
    for name in BEGINNINGS:
        world.becomes_ready(name)
    world.put_api_token("rotating", resources=[VIEWER])
    world.put_api_token("suspended", suspend=True, expiration=NEVER)
    world.put_api_token("pending", **BEGINNINGS["pending"], expiration=NEVER)
    (token,) = world.tokens_of("drifted")
    world.simulator.control("PATCH", f"tokens/{token['id']}", {"resources": REMOTE_VIEWER})
    world.request_rotation("restarting", "once")
    world.put_api_token("stalled", rotation={"windows": [{"schedule": "61 * * * *", "duration": "1m"}]})
    _put_one_that_adopts(world, "adopting")
    world.becomes_ready("rotating")
    eventually(lambda: len(world.tokens_of("restarting")) > 1, "the old token waits for a workload")
    for name, (type_, reason) in RESTING.items():
        world.becomes(name, reason, type_)


def have_some_under_way(world: World) -> None:
    """Have ApiTokens amid each kind of operation, none of which can end before the faults do."""
    for name in ("reset", "deleted"):
        world.put_api_token(name)
        world.becomes_ready(name)
    world.fault("create", "lost-after-commit", times="forever")
    world.fault("reset", "lost-after-commit", times="forever")
    world.fault("delete", "status", times="forever", status=503)
    since = world.last_call()
    world.put_api_token("created")
    world.request_rotation("reset", "once")
    world.delete_api_token("deleted")
    eventually(
        lambda: {"create", "reset", "delete"} <= set(world.operations(since)),
        f"each operation is tried: {world.operations(since)}",
    )


def _put_one_that_adopts(world: World, name: str) -> None:
    """Create an ApiToken that is to adopt a token made by hand, which no one has confirmed."""
    made = world.simulator.control("POST", "tokens", {"name": "old mailer", "resources": REMOTE_ADMIN})
    world.put_annotated_api_token(name, {"mailtrap-operator.io/adopt-token-id": str(made["id"])})
