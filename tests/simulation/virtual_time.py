"""The one virtual clock: what the operators, Kubernetes and the remote API take for the time."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def server_time() -> datetime:
    """Return the loop's time as a date."""
    return START + timedelta(seconds=asyncio.get_running_loop().time())
