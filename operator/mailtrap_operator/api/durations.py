"""Durations as Kubernetes users write them: 2160h, 1h30m, 60s.

The subset of Go's notation that needs no rounding: hours, minutes and seconds, in this order.
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


@dataclass(frozen=True, slots=True)
class _Between:
    """The bounds of a duration, for the API server and for what was stored before it knew them."""

    low: str
    high: str
    example: str

    @property
    def _message(self) -> str:
        return f"must be a duration from {self.low} to {self.high} in hours, minutes and seconds, such as {self.example}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, JsonValue]:
        rule = (
            f"self.matches('{PATTERN}') && self != '' "
            f"&& duration(self) >= duration('{self.low}') && duration(self) <= duration('{self.high}')"
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
# The server grants five years at most; 43800h are five years without a leap day.
Lifetime = Annotated[Duration, _Between("1m", "43800h", "2160h")]
Period = Annotated[Duration, _Between("1h", "43800h", "720h")]
WindowLength = Annotated[Duration, _Between("1m", "168h", "4h")]
Overlap = Annotated[Duration, _Between("0s", "720h", "12h")]
MaxOverlap = Annotated[Duration, _Between("1h", "2160h", "72h")]
LongestOverlap = Annotated[Duration, _Between("0s", "2160h", "12h")]
RefreshInterval = Annotated[Duration, _Between("10s", "1h", "60s")]
