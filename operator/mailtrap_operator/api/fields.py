"""The base class and the field types that every model of this API is built from.

A type carries its bounds and its CEL rules, so that the schema generated from a model says all the
model means. The API server evaluates the rules; Python checks types and plain bounds only.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

_LABEL_KEY = "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
LABEL_KEYS = (
    f"self.all(key, key.matches('{_LABEL_KEY}'))",
    "keys must be label keys such as team or example.com/team",
)
"""The rule of a map whose keys are those of labels."""

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_MESSAGE_LENGTH = 2048
_TAGS = frozenset({"constrained-int", "constrained-str"})
"""What pydantic adds to the place of a value that may have either type."""


class Model(BaseModel):
    """A frozen value with camelCase names in JSON; fields it does not know are ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


def places(error: ValidationError) -> list[tuple[int | str, ...]]:
    """Return where a value is not what its model asks for, as paths of field names and indexes; never the value."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [detail["loc"] for detail in details]


def faults(error: ValidationError) -> dict[str, str]:
    """Return what is wrong with each field of a spec, all that is; it may quote the value."""
    told: dict[tuple[int | str, ...], str] = {}
    for detail in error.errors(include_url=False, include_input=False):
        loc = detail["loc"]
        place = loc[:-1] if loc[-1] in _TAGS else loc
        # What follows from a fault further inside is none of its own.
        if not any(known[: len(place)] == place for known in told):
            told[place] = detail["msg"].removeprefix("Value error, ")
    names = sorted({str(place[0]) for place in told})
    return {
        name: "; ".join(_in_words(place, told[place]) for place in told if place[0] == name) for name in names
    }


def _in_words(place: tuple[int | str, ...], fault: str) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return f"spec{path}: {fault}"


def cel(*rules: tuple[str, str]) -> dict[str, JsonValue]:
    """Return schema keywords that let the API server check pairs of (CEL rule, message)."""
    validations: list[JsonValue] = [{"rule": rule, "message": message} for rule, message in rules]
    return {"x-kubernetes-validations": validations}


def _require_text_or_datetime(value: object) -> object:
    # pydantic also reads numbers as seconds since 1970; in Kubernetes a number is a damaged field.
    if isinstance(value, str | datetime):
        return value
    raise ValueError("a time must be an RFC 3339 text such as 2030-01-31T12:00:00Z")


def _to_stored_form(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("a time must lie between the years 1 and 9999 in UTC") from None


def print_time(value: datetime) -> str:
    """Return an aware time as Kubernetes prints it: RFC 3339, UTC, whole seconds."""
    return _to_stored_form(value).isoformat().replace("+00:00", "Z")


# Whole seconds from the start, so that a value equals itself after a round trip through the API server.
Time = Annotated[
    AwareDatetime,
    BeforeValidator(_require_text_or_datetime),
    AfterValidator(_to_stored_form),
    PlainSerializer(print_time, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]

ObjectName = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=cel(
            (
                rf"self.matches('^{_LABEL}(\\.{_LABEL})*$')",
                "must be a Kubernetes object name such as billing-mailtrap: lower-case letters, digits, '-', '.'",
            )
        ),
    ),
]

SecretKey = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=cel(
            ("self.matches('^[-._a-zA-Z0-9]+$')", "must be a Secret key: letters, digits, '-', '_' and '.'")
        ),
    ),
]

LabelValue = Annotated[str, Field(max_length=63, pattern="^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]

TokenId = Annotated[int, Field(strict=True, ge=1, json_schema_extra={"format": "int64"})]
LastFour = Annotated[str, Field(max_length=16)]
Generation = Annotated[int, Field(strict=True, ge=-1, json_schema_extra={"format": "int64"})]
Reason = Annotated[
    str, Field(min_length=1, max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
]


def _cut(value: object) -> object:
    # A message over the bound would make the API server refuse the whole status.
    if isinstance(value, str) and len(value) > _MESSAGE_LENGTH:
        return value[: _MESSAGE_LENGTH - 1] + "…"
    return value


Message = Annotated[str, BeforeValidator(_cut), Field(max_length=_MESSAGE_LENGTH)]
