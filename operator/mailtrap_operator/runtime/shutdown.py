"""Ends the process in order: first the running reconciles, then the watches.

kopf takes the signals over when it starts and cancels every task of the loop within seconds; so our handler is
installed before its own and once more after it, and kopf is stopped last. A watch of kopf's that is cancelled while it waits for a login may
begin again and wait for ever; so no one waits for kopf without a bound.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta

logger = logging.getLogger(__name__)

LONGEST_END = timedelta(seconds=8)
"""kopf gives what it cancels 5 s."""


async def serve_until_signal(
    watches: asyncio.Task[None],
    *,
    is_up: asyncio.Event,
    on_stop: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    on_stuck: Callable[[int], None],
) -> None:
    """Run until SIGTERM or SIGINT, or until the watches end by themselves.

    Args:
        watches: The task that runs kopf.
        is_up: Set by kopf once it has installed its own signal handlers.
        on_stop: What is done before the watches end.
        stop: Set to have the watches end.
        on_stuck: Called with an exit status if the watches do not end; ends the process.

    Raises:
        Exception: Whatever ended the watches.
    """
    told = asyncio.Event()
    _install_signal_handlers(told)
    up = asyncio.create_task(is_up.wait())
    await asyncio.wait([watches, up], return_when=asyncio.FIRST_COMPLETED)
    _install_signal_handlers(told)
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait([watches, waiting], return_when=asyncio.FIRST_COMPLETED)
    up.cancel()
    waiting.cancel()
    await on_stop()
    stop.set()
    ended, _ = await asyncio.wait([watches], timeout=LONGEST_END.total_seconds())
    if not ended:
        logger.error("the watches do not end; the process ends without them")
        on_stuck(0 if told.is_set() else 1)
    await watches


def _install_signal_handlers(told: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
