"""Durations as Kubernetes users write them: 2160h, 1h30m, 60s.

The subset of Go's notation that needs no rounding: hours, minutes and seconds, in this order.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from mailtrap_operator.api.fields import cel

# The digits are limited so that the sum fits into the 64-bit nanoseconds that CEL counts in.
PATTERN = "^([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?$"
_PARTS = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,9})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Read a duration such as "1h30m".

    Raises:
        ValueError: The text is not hours, minutes and seconds in this order.
    """
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text[:40]!r} is not a duration; write it like 2160h, 1h30m or 60s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def print_duration(value: timedelta) -> str:
    """Return a duration of zero or more in its shortest form, such as "1h30m"; parts of a second go."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count}{unit}" for count, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if count]
    return "".join(parts) or "0s"


def _parse(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration must be a text such as 2160h, 1h30m or 60s")


def _between(low: str, high: str, example: str) -> WithJsonSchema:
    rule = (
        f"self.matches('{PATTERN}') && self != '' "
        f"&& duration(self) >= duration('{low}') && duration(self) <= duration('{high}')"
    )
    message = f"must be a duration from {low} to {high} in hours, minutes and seconds, such as {example}"
    return WithJsonSchema({"type": "string", "maxLength": 32, **cel((rule, message))})


Duration = Annotated[
    timedelta,
    BeforeValidator(_parse),
    PlainSerializer(print_duration, return_type=str, when_used="json"),
]
# The server grants five years at most; 43800h are five years without a leap day.
Lifetime = Annotated[Duration, _between("1m", "43800h", "2160h")]
Period = Annotated[Duration, _between("1h", "43800h", "720h")]
WindowLength = Annotated[Duration, _between("1m", "168h", "4h")]
Overlap = Annotated[Duration, _between("0s", "720h", "12h")]
RefreshInterval = Annotated[Duration, _between("10s", "1h", "60s")]
