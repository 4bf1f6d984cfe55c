"""Waits for the API server at the start, as everything else waits for it later."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailtrap_operator.clients.errors import Retryable, Uncertain

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LAST_PAUSE = 1.0, 15.0


async def patiently(ask: Callable[[], Awaitable[T]], rng: random.Random) -> T:
    """Return what `ask` returns once it succeeds; it must only read. What stays refused ends it: raises a `Failure`."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await ask()
        except (Retryable, Uncertain) as failure:
            logger.warning("the API server does not answer yet", extra={"cause": failure.message})
        await asyncio.sleep(pause * rng.uniform(0.75, 1.25))
        pause = min(2 * pause, _LAST_PAUSE)
