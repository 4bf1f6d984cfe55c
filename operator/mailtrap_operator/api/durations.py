"""Durations as Kubernetes users write them: 90d, 12h, 1h30m, 60s.

The subset of Go's notation that needs no rounding, and days of 24 hours: days, hours, minutes and seconds, in this order.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, PlainSerializer
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from mailtrap_operator.api.fields import cel

# The digits are limited so that the sum fits into the 64-bit nanoseconds that CEL counts in.
PATTERN = "^([0-9]{1,4}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?$"
_PARTS = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,9})s)?", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Read a duration such as "1d12h".

    Raises:
        ValueError: The text is not days, hours, minutes and seconds in this order.
    """
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text[:40]!r} is not a duration; write it like 90d, 1h30m or 60s")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def print_duration(value: timedelta) -> str:
    """Return a duration of zero or more in its shortest form, such as "1d12h"; parts of a second go."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    counts = (value.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")
    return "".join(f"{count}{unit}" for count, unit in counts if count) or "0s"


def in_cel(place: str) -> str:
    """Return the CEL expression of the seconds that the text at a place stands for; CEL itself knows no days."""
    # The API server must see how long each text is at most, so that it can tell what the rule costs.
    rest = f"{place}.indexOf('d') + 1"
    days = f"int('0' + {place}.substring(0, {rest}).replace('d', ''))"
    return f"{days} * 86400 + duration('0s' + {place}.substring({rest})).getSeconds()"


def _parse(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration must be a text such as 90d, 1h30m or 60s")


@dataclass(frozen=True, slots=True)
class _Between:
    """The bounds of a duration, for the API server and for what was stored before it knew them."""

    low: str
    high: str
    example: str

    @property
    def _message(self) -> str:
        return (
            f"must be a duration from {self.low} to {self.high} in days, hours, minutes and seconds, "
            f"such as {self.example}"
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, JsonValue]:
        low, high = (int(parse_duration(bound).total_seconds()) for bound in (self.low, self.high))
        rule = (
            f"self.matches('{PATTERN}') && self != '' "
            f"&& [{in_cel('self')}].all(seconds, seconds >= {low} && seconds <= {high})"
        )
        return {"type": "string", "maxLength": 32, **cel((rule, self._message))}

    def _checked(self, value: timedelta) -> timedelta:
        if not parse_duration(self.low) <= value <= parse_duration(self.high):
            raise ValueError(self._message)
        return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_parse),
    PlainSerializer(print_duration, return_type=str, when_used="json"),
]
# The server grants five years at most; 1825d are five years without a leap day.
Lifetime = Annotated[Duration, _Between("1m", "1825d", "90d")]
Period = Annotated[Duration, _Between("1h", "1825d", "30d")]
WindowLength = Annotated[Duration, _Between("1m", "7d", "4h")]
Overlap = Annotated[Duration, _Between("0s", "30d", "12h")]
MaxOverlap = Annotated[Duration, _Between("1h", "90d", "72h")]
LongestOverlap = Annotated[Duration, _Between("0s", "90d", "12h")]
RefreshInterval = Annotated[Duration, _Between("10s", "1h", "60s")]
