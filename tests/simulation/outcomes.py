"""What can become of one I/O of the operator, for each kind of I/O.

The lists are the fault model. Each entry says whether the call took effect and what its caller gets to see.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an I/O is to the protocol."""

    REMOTE_MUTATION = "remote mutation"
    REMOTE_READ = "remote read"
    KUBERNETES_WRITE = "kubernetes write"
    KUBERNETES_READ = "kubernetes read"
    DRY_RUN = "dry run"
    EVENT = "event"


READS = frozenset({Kind.REMOTE_READ, Kind.KUBERNETES_READ, Kind.DRY_RUN})
"""What changes nothing."""


class Effect(Enum):
    """Whether, and when, the call takes effect."""

    NONE = "none"
    NOW = "now"
    LATE = "late"


class Seen(Enum):
    """What the caller gets to see."""

    ANSWER = "the answer"
    STATUS = "an error status"
    HTML = "a proxy's page"
    GARBAGE = "a body that cannot be read"
    NO_VALUE = "an answer without the value"
    REDIRECT = "a redirect"
    STALE = "what was true before"
    SHORT = "a list that lacks our tokens"
    SILENCE = "nothing until it gives up"
    MOVED = "a page, for what lies elsewhere from now on"
    REFUSED = "no connection"
    RESET = "a broken connection"
    CRASH = "nothing: the operator is dead"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way an I/O can end."""

    name: str
    seen: Seen
    effect: Effect = Effect.NONE
    status: int = 0
    retry_after: int | None = None

    def __str__(self) -> str:
        return self.name


OK = Outcome("ok", Seen.ANSWER, Effect.NOW)
CRASH_BEFORE = Outcome("crash before", Seen.CRASH)
CRASH_AFTER = Outcome("crash after", Seen.CRASH, Effect.NOW)
LOST = Outcome("answer lost", Seen.SILENCE, Effect.NOW)
TIMEOUT = Outcome("timeout without effect", Seen.SILENCE)
LATE = Outcome("late effect", Seen.SILENCE, Effect.LATE)
UNREACHABLE = Outcome("reset before send", Seen.REFUSED)
RESET = Outcome("reset after send", Seen.RESET)
RESET_AFTER_EFFECT = Outcome("reset after effect", Seen.RESET, Effect.NOW)


def _status(status: int, retry_after: int | None = None) -> Outcome:
    name = f"{status}" if retry_after is None else f"{status} with Retry-After"
    return Outcome(name, Seen.STATUS, status=status, retry_after=retry_after)


_HTML = Outcome("502 HTML", Seen.HTML, status=502)
_HTML_AFTER_EFFECT = Outcome("502 HTML after effect", Seen.HTML, Effect.NOW, 502)
_GARBAGE = Outcome("broken JSON", Seen.GARBAGE, Effect.NOW)
_NO_VALUE = Outcome("200 without token", Seen.NO_VALUE, Effect.NOW)
_REDIRECT = Outcome("redirect", Seen.REDIRECT, status=302)
_MOVED = Outcome("the other paths from now on", Seen.MOVED)
_STALE = Outcome("stale", Seen.STALE)
SHORT = Outcome("short list", Seen.SHORT)

_CRASHES = (CRASH_BEFORE, CRASH_AFTER)
_BROKEN_CONNECTIONS = (LOST, TIMEOUT, UNREACHABLE, RESET, RESET_AFTER_EFFECT)

_WRITE = (
    *_CRASHES,
    *_BROKEN_CONNECTIONS,
    *(_status(status) for status in (403, 404, 409, 422, 429, 500, 503)),
)

ALL: dict[Kind, tuple[Outcome, ...]] = {
    Kind.REMOTE_MUTATION: (
        *_CRASHES,
        *_BROKEN_CONNECTIONS,
        LATE,
        *(_status(status) for status in (401, 403, 404, 409, 422, 429, 500)),
        _status(429, retry_after=7),
        _HTML,
        _HTML_AFTER_EFFECT,
        _GARBAGE,
        _NO_VALUE,
        _REDIRECT,
        _MOVED,
    ),
    Kind.KUBERNETES_WRITE: _WRITE,
    Kind.DRY_RUN: _WRITE,
    Kind.EVENT: _WRITE,
    Kind.REMOTE_READ: (
        CRASH_BEFORE,
        TIMEOUT,
        RESET,
        *(_status(status) for status in (401, 403, 404, 429, 500)),
        _HTML,
        _GARBAGE,
        _REDIRECT,
        _MOVED,
        SHORT,
    ),
    Kind.KUBERNETES_READ: (
        CRASH_BEFORE,
        TIMEOUT,
        RESET,
        _STALE,
        *(_status(status) for status in (401, 403, 404, 500)),
    ),
}
"""Every outcome but the good one."""

DISTINCT: dict[Kind, tuple[Outcome, ...]] = {
    Kind.REMOTE_MUTATION: (CRASH_BEFORE, CRASH_AFTER, LOST, TIMEOUT, LATE, _status(403), _status(429)),
    Kind.KUBERNETES_WRITE: (CRASH_AFTER, LOST, TIMEOUT, _status(409), _status(403)),
    Kind.REMOTE_READ: (TIMEOUT, _status(401), SHORT),
    Kind.KUBERNETES_READ: (TIMEOUT, _STALE, _status(404)),
    Kind.DRY_RUN: (TIMEOUT, _status(409), _status(403)),
    Kind.EVENT: (CRASH_AFTER, TIMEOUT),
}
"""One outcome of each class that the operator treats alike: what pairs are made of.

A crash before a read, or before a write, leaves what a crash after the write before it leaves: it is no class of
its own. Only a remote mutation follows its claim so closely that both sides of it count. Nothing depends on an Event.
"""
