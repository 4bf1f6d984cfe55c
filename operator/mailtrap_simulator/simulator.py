"""The server with everything tests need around it: faults, journal, tripwire, a clock that can be moved.

Runs in process: hand `receive` a request and act on the delivery it returns. No I/O and no waiting here; a late commit
takes effect, with the time it was due, before whatever is asked next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from .calls import Call
from .clock import Clock, written
from .effects import Delivery, Effect
from .faults import FaultScript
from .journal import Entry, Journal, Tripwire
from .messages import Request, Response
from .rate import RATE_HEADERS
from .server import Server
from .settings import Settings

MOST_LATE_COMMITS = 1_000
_OUTCOMES = {
    "answer": "answered",
    "truncate": "truncated",
    "close": "closed",
    "reset": "reset",
    "hang": "hung",
}


@dataclass(frozen=True, slots=True)
class LateCommit:
    """A request that will be handled when its client has long gone; at most a thousand wait, more are lost."""

    due: datetime
    request: Request
    call: Call
    seq: int


class Simulator:
    """One simulated provider. `rng` should be seeded where runs must repeat."""

    def __init__(self, clock: Clock, rng: Random, settings: Settings) -> None:
        self.clock = clock
        self.server = Server(rng, settings)
        self.faults = FaultScript()
        self.journal = Journal()
        self.tripwire = Tripwire()
        self._late: list[LateCommit] = []

    def receive(self, request: Request) -> Delivery:
        """Handle one API call, faults included, and say how it ends for the client."""
        self.settle()
        now = self.clock.now()
        call = self.server.classify(request)
        effect = self.faults.take(request, call)
        seq = self.journal.last_seq + 1
        self._watch(call, seq, now)
        handled, rate = self._handle(request, effect, now)
        if effect.commit == "late" and len(self._late) < MOST_LATE_COMMITS:
            self._late.append(LateCommit(now + effect.delay, request, call, seq))
        delivery = effect.delivery(handled, rate, self.server.settings)
        self._record(
            request,
            call,
            now,
            outcome=_OUTCOMES[delivery.ending],
            fault=effect.kind,
            status=None if delivery.response is None else delivery.response.status,
            handled=handled,
        )
        return delivery

    def settle(self) -> None:
        """Commit what is due; called before anything that could see the difference."""
        now = self.clock.now()
        due = sorted((late for late in self._late if late.due <= now), key=lambda late: late.due)
        self._late = [late for late in self._late if late.due > now]
        for late in due:
            handled = self.server.answer(late.request, late.due)
            self._record(
                late.request,
                late.call,
                late.due,
                outcome="late",
                fault="late-commit",
                status=None,
                handled=handled,
                late_for=late.seq,
            )

    def _handle(
        self, request: Request, effect: Effect, now: datetime
    ) -> tuple[Response | None, Mapping[str, str]]:
        if effect.commit == "now":
            handled = self.server.handle(request, now)
            rate = {name: text for name, text in handled.headers.items() if name in RATE_HEADERS}
            return handled, rate
        return None, self.server.meter(request, now).headers

    def _watch(self, call: Call, seq: int, now: datetime) -> None:
        if call.operation not in ("reset", "delete") or call.token_id is None:
            return
        account = self.server.accounts.get(call.account_id or 0)
        token = None if account is None else account.find(call.token_id, now)
        if self.tripwire.is_foreign(call.token_id, None if token is None else token.name):
            self.tripwire.record(call.operation, call.token_id, seq, now)

    def _record(
        self,
        request: Request,
        call: Call,
        time: datetime,
        *,
        outcome: str,
        fault: str,
        status: int | None,
        handled: Response | None,
        late_for: int | None = None,
    ) -> None:
        change = None if handled is None else handled.change
        entry = Entry(
            seq=self.journal.last_seq + 1,
            time=written(time),
            method=request.method,
            path=request.path,
            operation=call.operation,
            account_id=call.account_id,
            credential=call.last_four,
            user_agent=request.headers.get("user-agent", ""),
            outcome=outcome,
            status=status,
            fault=None if fault == "none" else fault,
            committed=change is not None,
            token_id=call.token_id if change is None else change.token_id,
            successor_id=None if change is None else change.successor_id,
            late_for=late_for,
        )
        self.journal.add(entry)
        if change is not None and change.successor_id and change.token_id in self.tripwire.ids:
            self.tripwire.ids.add(change.successor_id)
