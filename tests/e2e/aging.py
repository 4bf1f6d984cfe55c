"""Time that has passed: what a test cannot wait for is dated back where the operator reads it.

When a token was issued stands in its Secret. The operator does not remember it, so an hour has passed where that says so.
"""

import json
from datetime import UTC, datetime, timedelta

from tests.e2e.world import World

_ISSUANCE = "mailtrap-operator.io/issuance"


def moment(text: str) -> datetime:
    """Read a time of the status, or of the simulator's journal."""
    return datetime.fromisoformat(text)


def shortly(seconds: int) -> datetime:
    """Return a whole second so soon from now, as a moment to have something due at."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def date_issuance(world: World, name: str, at: datetime) -> None:
    """Have the token in a Secret be one that was issued at another moment."""
    secret = world.secret(name)
    assert secret is not None
    mark = json.loads(secret["metadata"]["annotations"][_ISSUANCE])
    mark["wishes"]["issuedAt"] = _print(at)
    annotations = {_ISSUANCE: json.dumps(mark)}
    world.kube.merge(world.secret_path(name), {"metadata": {"annotations": annotations}})


def _print(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
