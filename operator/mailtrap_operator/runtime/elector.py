"""Which of several replicas works: the one whose name stands in the Lease, as long as it renews that in time.

No other clock is trusted. A replica takes the Lease over when the record has stood unchanged for the whole lease while
it watched, by its own monotonic clock; a leader stops a good while before that, calculated from the moment at which it
sent its last renewal that succeeded. So no two may write at once, whatever is slow, stopped or cut off. (Where someone
deletes or empties the Lease by hand, or a machine was suspended and its clock with it, they may until the next renewal;
the claims in the statuses keep them apart then.)

A leader that has lost the Lease ends its process: what it has in memory may be old. Nothing here works on objects.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from mailtrap_operator.clients.errors import Conflict, Failure, Retryable
from mailtrap_operator.clients.lease_client import LeaseRecord
from mailtrap_operator.core.reasons import Reason

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=9)
"""How long a record must stand unchanged before another replica takes over."""

RENEWAL_DEADLINE = timedelta(seconds=6)
"""How long a leader may write after it sent its last renewal that succeeded; what was sent by then has 3 s to arrive."""

CALL_TIMEOUT = timedelta(seconds=2)
"""Bounds one call about the Lease, so that a renewal can be tried again before the deadline."""

_LONGEST_LEASE = timedelta(seconds=60)
_RENEW_EVERY = 2.0
_RETRY_EVERY = 0.5
_LOOK_EVERY = 1.0
_LAST_BACKOFF = 8.0
_RELEASE_PATIENCE = 3.0
_MOST_TRANSITIONS = 2**31 - 1
"""The field's largest number; the API server refuses a larger one."""


class Leases(Protocol):
    """Where the record is kept; both methods raise a `Failure`."""

    async def read(self) -> LeaseRecord | None:
        """Return the record, None when there is none."""
        ...

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Write over the version that the record names, or create it; raises `Conflict`."""
        ...


class Elector:
    """One replica's side of the election, a `Leadership`: `acquire`, then `hold`, and at the end `release`.

    `holder` is a name that no other process has. `on_lost` is called once when leadership was lost; it is expected to
    end the process.
    """

    def __init__(
        self,
        leases: Leases,
        *,
        holder: str,
        clock: Callable[[], datetime],
        rng: random.Random,
        on_lost: Callable[[], None],
    ) -> None:
        self._leases = leases
        self._holder = holder
        self._clock = clock
        self._rng = rng
        self._on_lost = on_lost
        self._seen: LeaseRecord | None = None
        self._seen_at = 0.0
        self._own: LeaseRecord | None = None
        self._leads_until: float | None = None
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def role(self) -> str:
        """What this replica does, and who leads as far as it knows."""
        if self.leads:
            return "leading"
        leader = self._seen.holder if self._seen else ""
        return f"standby; leader: {leader or 'none'}"

    @property
    def leads(self) -> bool:
        """Whether this replica may write now."""
        return self._leads_until is not None and _now() < self._leads_until

    def check(self) -> None:
        """Raise `Retryable` where this replica must not write now."""
        if not self.leads:
            message = "Nothing was sent: this replica does not lead."
            raise Retryable(Reason.NOT_LEADING, message)

    async def acquire(self) -> None:
        """Return as soon as this replica leads."""
        failures, said, leader = 0, "", ""
        while True:
            delay = _LOOK_EVERY
            try:
                if await self._try():
                    return
                failures = 0
                if self._seen and self._seen.holder not in ("", leader):
                    leader = self._seen.holder
                    logger.info("this replica stands by", extra={"leader": leader})
            except Failure as failure:
                delay = min(_LOOK_EVERY * 2 ** min(failures, 16), _LAST_BACKOFF)
                failures += 1
                if said != failure.message:
                    said = failure.message
                    logger.warning("the Lease cannot be acquired", extra={"cause": said})
            await asyncio.sleep(self._jittered(delay))

    async def hold(self) -> None:
        """Renew the Lease until it is lost."""
        delay = _RENEW_EVERY
        while self._leads_until is not None:
            await asyncio.sleep(self._jittered(delay))
            delay = _RENEW_EVERY
            try:
                await self._renew()
            except Failure as failure:
                # Whether it was written, and by whom, is seen before the next attempt.
                self._own, delay = None, _RETRY_EVERY
                logger.warning("the Lease was not renewed", extra={"cause": failure.message})

    async def release(self) -> None:
        """Let another replica lead at once; this one writes nothing else any more."""
        was_leading = self.leads
        self._end()
        # A standby has a record of its own only while it takes the Lease over.
        if not was_leading and self._own is None:
            return
        try:
            async with asyncio.timeout(_RELEASE_PATIENCE):
                await self._free()
        except TimeoutError:
            logger.warning("the Lease was not released; it runs out")

    async def _free(self) -> None:
        own = self._own
        while True:
            try:
                own = own or await self._found()
                if own is not None:
                    await self._leases.write(replace(own, holder="", renewed_at=self._clock()))
            except Conflict:
                # A renewal that was given up may have arrived before.
                own = None
            except Failure as failure:
                own = None
                logger.warning("the Lease was not released yet", extra={"cause": failure.message})
                await asyncio.sleep(self._jittered(_RETRY_EVERY))
            else:
                return

    async def _try(self) -> bool:
        record = await self._leases.read()
        self._note(record)
        self._own = None
        if not self._is_free(record):
            return False
        now = self._clock()
        former = record or self._seen
        self._own = own = LeaseRecord(
            holder=self._holder,
            duration=LEASE,
            acquired_at=now,
            renewed_at=now,
            transitions=min(former.transitions + 1, _MOST_TRANSITIONS) if former else 0,
            version=record.version if record else "",
        )
        sent = _now()
        try:
            self._extend(await self._leases.write(own), sent)
        except Conflict:
            self._own = None
            return False
        return True

    async def _renew(self) -> None:
        if not self.leads:
            self._lose()
            return
        own = self._own or await self._found()
        if own is None:
            self._lose()
            return
        sent = _now()
        # The look may have taken long.
        if self.leads:
            written = await self._leases.write(replace(own, renewed_at=self._clock()))
            # It may be released, or lost, by the time of the answer.
            if self._leads_until is not None:
                self._extend(written, sent)

    async def _found(self) -> LeaseRecord | None:
        """Return the record to write over where it is still ours, a new one where it is gone."""
        record = await self._leases.read()
        if record is None and self._seen is not None:
            return replace(self._seen, version="")
        self._note(record)
        return record if record and record.holder == self._holder else None

    def _note(self, record: LeaseRecord | None) -> None:
        # That a Lease is gone does not say that its holder is.
        if record is not None and record != self._seen:
            self._seen, self._seen_at = record, _now()

    def _is_free(self, record: LeaseRecord | None) -> bool:
        known = record or self._seen
        if known is None or known.holder in ("", self._holder):
            return True
        lease = max(LEASE, min(known.duration, _LONGEST_LEASE)).total_seconds()
        return _now() - self._seen_at >= lease

    def _extend(self, record: LeaseRecord, sent: float) -> None:
        self._own = record
        self._note(record)
        self._leads_until = sent + RENEWAL_DEADLINE.total_seconds()
        if self._deadline is not None:
            self._deadline.cancel()
        # A process that was stopped for long comes here before anything that it had in progress can continue.
        self._deadline = asyncio.get_running_loop().call_at(self._leads_until, self._lose)

    def _lose(self) -> None:
        if self._leads_until is not None:
            self._end()
            self._on_lost()

    def _end(self) -> None:
        self._leads_until = None
        if self._deadline is not None:
            self._deadline.cancel()

    def _jittered(self, delay: float) -> float:
        return delay * self._rng.uniform(0.75, 1.25)


def _now() -> float:
    return asyncio.get_running_loop().time()
