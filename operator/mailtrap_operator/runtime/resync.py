"""When everything is listed: until it has succeeded once, and then at intervals. It ends only when it is cancelled."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from datetime import timedelta

from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.runtime.listing import Listing, list_all, verify
from mailtrap_operator.runtime.watchdog import Watchdog

logger = logging.getLogger(__name__)

_FIRST_RETRY = 1.0
_LAST_RETRY = 15.0


class Resync:
    """The first full list, and what verifies the watches from then on."""

    def __init__(
        self,
        kube: KubeClient,
        listings: tuple[Listing, ...],
        watchdog: Watchdog,
        *,
        interval: timedelta,
        rng: random.Random,
    ) -> None:
        self._kube = kube
        self._listings = listings
        self._watchdog = watchdog
        self._interval = interval
        self._rng = rng

    async def begin(self) -> None:
        """List everything in full, as often as it takes."""
        delay = _FIRST_RETRY
        while not await _succeeds(list_all(self._kube, self._listings)):
            await asyncio.sleep(delay * self._rng.uniform(0.75, 1.25))
            delay = min(2 * delay, _LAST_RETRY)

    async def go_on(self) -> None:
        """Verify the watches at intervals, for ever."""
        while True:
            await asyncio.sleep(self._interval.total_seconds() * self._rng.uniform(1, 1.25))
            if not await _succeeds(verify(self._kube, self._listings, self._watchdog)):
                self._watchdog.forget()


async def _succeeds(listing: Awaitable[object]) -> bool:
    try:
        await listing
    except Failure as failure:
        logger.warning("the objects could not be listed", extra={"cause": failure.message})
        return False
    except Exception:
        # One object that no one foresaw must not end the listing of all others for good.
        logger.exception("the objects could not be listed")
        return False
    return True
