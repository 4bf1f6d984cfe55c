"""How the simulated server behaves, and how such settings are written (`50ms`, `365d`, `150/10s`)."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar, get_args

_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
_UNITS |= {"h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=36_500)
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_RATE = re.compile(r"(\d{1,9})/(.+)")


ServerAge = Literal["old", "new"]
Paths = Literal["both", "account", "plain"]
SERVER_AGES: tuple[ServerAge, ...] = get_args(ServerAge)
PATHS: tuple[Paths, ...] = get_args(Paths)
_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in any stretch of this length, per credential."""

    requests: int = 150
    window: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be changed at run time.

    An `old` server ignores `expires_at` and takes no body on reset; `default_expiry` None means never. `paths` are the
    forms that are served: with the account's number, `/api/accounts/3229/api_tokens`, or `plain`, `/api/api_tokens`.
    """

    server: ServerAge = "new"
    paths: Paths = "both"
    default_expiry: timedelta | None = None
    rate_limit: RateLimit = RateLimit()
    retry_after: bool = True
    latency: timedelta = timedelta()


def parse_choice(text: str, choices: tuple[_Choice, ...]) -> _Choice:
    """One of the choices, word for word.

    Raises:
        ValueError: with a message for the user.
    """
    for choice in choices:
        if text == choice:
            return choice
    raise ValueError(f"{text!r} is none of the choices; write {' or '.join(choices)}")


def parse_duration(text: str) -> timedelta:
    """`50ms`, `10s`, `5m`, `12h`, `365d`.

    Raises:
        ValueError: with a message for the user.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a whole number and ms, s, m, h or d, such as 50ms")
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > LONGEST:
        raise ValueError(f"{text!r} is too long; the longest is {LONGEST.days}d")
    return duration


def parse_default_expiry(text: str) -> timedelta | None:
    """A duration, or `none`.

    Raises:
        ValueError: with a message for the user.
    """
    return None if text == "none" else parse_duration(text)


def parse_rate_limit(text: str) -> RateLimit:
    """`150/10s`: requests per duration, both above zero.

    Raises:
        ValueError: with a message for the user.
    """
    match = _RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no rate limit; write requests/duration, such as 150/10s")
    limit = RateLimit(int(match[1]), parse_duration(match[2]))
    if not limit.requests or not limit.window:
        raise ValueError(f"{text!r} would let nothing through; both numbers must be above zero")
    return limit


def format_duration(duration: timedelta) -> str:
    """The shortest exact form that `parse_duration` reads."""
    for unit in ("d", "h", "m", "s"):
        if duration and not duration % _UNITS[unit]:
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration // _UNITS['ms']}ms"
