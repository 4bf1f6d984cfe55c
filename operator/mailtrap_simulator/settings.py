"""How the simulated server behaves, and how such settings are written (`50ms`, `365d`, `150/10s`).

A setting is a field of `Settings` and a row of `OPTIONS`; the row makes the flag and the key of the control API.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

_UNITS = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
_UNITS |= {"h": timedelta(hours=1), "d": timedelta(days=1)}
LONGEST = timedelta(days=36_500)
YEAR = timedelta(days=365)
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_RATE = re.compile(r"(\d{1,9})/(.+)")

ServerAge = Literal["old", "new"]
Paths = Literal["both", "account", "plain"]
Types = Literal["both", "new", "old"]
RetryAfter = Literal["seconds", "date", "none"]
Errors = Literal["usual", "string", "list", "object", "null-beside"]
UnprivilegedList = Literal["forbidden", "short"]
SecondReset = Literal["refused", "successor"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in any stretch of this length, per credential."""

    requests: int = 150
    window: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be changed at run time; `OPTIONS` says what each means. `default_expiry` None means never."""

    server: ServerAge = "new"
    paths: Paths = "both"
    types: Types = "both"
    default_expiry: timedelta | None = YEAR
    rate_limit: RateLimit = RateLimit()
    retry_after: RetryAfter = "seconds"
    latency: timedelta = timedelta()
    errors: Errors = "usual"
    unprivileged_list: UnprivilegedList = "forbidden"
    second_reset: SecondReset = "refused"


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is read, written and explained. `parse` raises ValueError with a message for the user."""

    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    forms: str
    help: str


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


def format_default_expiry(expiry: timedelta | None) -> str:
    """The form that `parse_default_expiry` reads."""
    return "none" if expiry is None else format_duration(expiry)


def format_rate_limit(limit: RateLimit) -> str:
    """The form that `parse_rate_limit` reads."""
    return f"{limit.requests}/{format_duration(limit.window)}"


def _choice(kind: Any, explanation: str) -> Option:
    """An option that is one word of a `Literal`."""
    words: tuple[str, ...] = get_args(kind)

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is none of the choices; write {' or '.join(words)}")
        return text

    return Option(parse, str, "|".join(words), explanation)


OPTIONS: Mapping[str, Option] = {
    "server": _choice(ServerAge, "old: ignores expires_at, takes no body on reset"),
    "paths": _choice(Paths, "the forms that are served: with the account's number, plain, or both"),
    "types": _choice(
        Types, "the spelling of types: new knows sandbox and domain, old inbox and sending_domain"
    ),
    "default_expiry": Option(parse_default_expiry, format_default_expiry, "365d", "none: never"),
    "rate_limit": Option(parse_rate_limit, format_rate_limit, "150/10s", "per credential"),
    "retry_after": _choice(RetryAfter, "the form of the header of a 429"),
    "latency": Option(parse_duration, format_duration, "50ms", "added to every answer"),
    "errors": _choice(Errors, "the form of the body of every error"),
    "unprivileged_list": _choice(UnprivilegedList, "what a LIST without admin rights gets"),
    "second_reset": _choice(SecondReset, "what a reset of a token gets that was reset already"),
}
