"""Why something is not done, and what to do about it: one shape, whichever rule stands in the way."""

from dataclasses import dataclass
from datetime import timedelta

from mailtrap_operator.core.reasons import Reason

RECHECK = timedelta(minutes=1)
"""How soon a state is looked at again whose end no event announces."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """What stands in the way, in a message that says what to do.

    `retry_after` says how soon it may be over with everything as it is; None: only when someone changes something.
    An answer that is missing is no such thing: that is `Unknown`.
    """

    reason: Reason
    message: str
    retry_after: timedelta | None = None
