"""Retries at the start until the API server answers."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from mailtrap_operator.clients.errors import Retryable, Uncertain

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 1.0, 15.0


async def retry_until_available(ask: Callable[[], Awaitable[T]], rng: random.Random) -> T:
    """Return what `ask` returns once it succeeds; it must only read. What stays refused ends it: raises a `Failure`."""
    pause = _FIRST_PAUSE
    while True:
        asked = timedelta()
        try:
            return await ask()
        except (Retryable, Uncertain) as failure:
            logger.warning("the API server does not answer yet", extra={"cause": failure.message})
            asked = failure.retry_after or asked
        await asyncio.sleep(max(pause * rng.uniform(0.75, 1.25), asked.total_seconds()))
        pause = min(2 * pause, _LAST_PAUSE)
