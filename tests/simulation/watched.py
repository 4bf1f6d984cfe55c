"""A world whose invariants are checked at every change, and the wait until it is as desired or has come to rest."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from mailtrap_operator.core.causes import BY_REASON
from mailtrap_operator.core.reasons import Reason
from tests.simulation.invariants import Invariants, ViolationError, what_is_missing
from tests.simulation.log_capture import everything_logged
from tests.simulation.network import Network
from tests.simulation.world import Body, Saved, World
from tests.unit.clock import virtual_loop

PATIENCE = 400.0
"""How long nothing may change before a world counts as at rest: longer than settling, overlap and the last backoff."""
AFTERWARDS = 5.0
"""How long a world stays as desired before it counts: for second thoughts."""
_LONGEST = 7200.0
_ON_THE_WAY = BY_REASON.keys() | {
    Reason.PUBLISHING,
    Reason.ANSWER_LOST,
    Reason.FINALIZER_MISSING,
    Reason.SECRET_OUTDATED,
    Reason.UNTRACKED,
    Reason.REVOKING,
    Reason.REVOKED,
    Reason.DELETING,
}
"""Reasons of something that continues by itself: nothing may stand still with one of them."""


class WatchedWorld:
    """A saved world that continues from where it was, to be entered with `async with` in a running virtual loop.

    `issued` collects all remote tokens that there ever were. On leaving, all operators end; a write without a change,
    an unexpected error and a value in a log then raise `ViolationError`.
    """

    def __init__(self, saved: Saved, network: Network | None = None, *, seed: int = 0) -> None:
        self._loop = virtual_loop()
        self._loop.now = saved.time
        self._network = network or Network()
        self.world = World(self._network, seed=seed, saved=saved)
        self.issued = self.world.remote_tokens()
        self._invariants = Invariants(self.world)
        self._network.on_change = self._note
        self._open = ExitStack()
        self.forgive()

    async def __aenter__(self) -> Self:
        self._logged = self._open.enter_context(everything_logged())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        await self._invariants.end()
        self._invariants.note_words(self._logged)
        if error is None or kind is ViolationError:
            self._check()

    def _check(self) -> None:
        for violation in self._invariants.violations:
            raise ViolationError(violation)
        for text in self._logged:
            if "Traceback" in text:
                raise ViolationError(f"unexpected: {text.splitlines()[-1]}")

    def forgive(self) -> None:
        """Take the world as it is: what a user has just done is no operator's doing."""
        self._invariants.forgive()

    def _note(self) -> None:
        self.issued |= self.world.remote_tokens()
        self._invariants.on_change()

    async def until(self, is_done: Callable[[World], bool]) -> bool:
        """Wait until the world is as desired; return whether it is, or has come to rest otherwise.

        Raises:
            ViolationError: An invariant was broken meanwhile, or the world finds no rest.
        """
        state, since, end = None, 0.0, self._loop.time() + _LONGEST
        while True:
            if state != self._state():
                self.world.collect_garbage()
                state, since = self._state(), self._loop.time()
                self._check()
            quiet = self._loop.time() - since
            if quiet > AFTERWARDS and is_done(self.world):
                return True
            if quiet > PATIENCE:
                return False
            if self._loop.time() > end:
                statuses = [body.get("status") for body in self.world.api_tokens()]
                raise ViolationError(f"ESR: no rest in {_LONGEST:.0f} s: {statuses}")
            await asyncio.sleep(1 if quiet < 2 * AFTERWARDS else 10)

    def _state(self) -> object:
        return self.world.kubernetes.resource_version, self.world.remote_tokens().keys()

    def check_at_rest(self) -> None:
        """Check what must hold once everything is served; raises `ViolationError`."""
        self._invariants.check_at_rest()


def reason_of(api_token: Body) -> str:
    """Return the reason of an object's foremost condition.

    Raises:
        ViolationError: No condition speaks about the object as it is.
    """
    conditions = {c["type"]: c for c in api_token.get("status", {}).get("conditions", ())}
    foremost = conditions.get("Stalled") or conditions.get("Reconciling") or conditions.get("Ready")
    if not foremost or foremost["observedGeneration"] != api_token["metadata"]["generation"]:
        raise ViolationError(f"ESR: no condition speaks about this generation: {api_token.get('status')}")
    return str(foremost["reason"])


def trouble_of(world: World, api_token: Body) -> str:
    """Return the reason of the condition that says what stands in an object's way.

    Raises:
        ViolationError: No condition says so, or one that names a step on the way.
    """
    reason = reason_of(api_token)
    if reason in _ON_THE_WAY:
        raise ViolationError(f"ESR: it stands still on the way: {reason}")
    if reason == Reason.TOKEN_PUBLISHED:
        raise ViolationError(f"ESR: {what_is_missing(world, api_token)}, and no condition says why")
    return reason
