"""The JSON of the remote API: how tokens and resources read there, and how a permission is written.

Fields that are not known are ignored; the value of an issued token is read into a type that does not print it. What
the server calls a token leaves this module as it may be shown.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from mailtrap_operator.api.v1alpha1 import AccountRef, Resource, ResourceId
from mailtrap_operator.clients.errors import visible
from mailtrap_operator.clients.secret_marks import LONGEST_VALUE, SHORTEST_VALUE
from mailtrap_operator.core.observation import CatalogueEntry, Permission, RemoteToken
from mailtrap_operator.core.ownership import parse_tag
from mailtrap_operator.core.redaction import Redaction, without_tokens
from mailtrap_operator.core.resource_types import canonical_type

_ACCESS_LEVELS = {"Admin": 100, "Viewer": 10}
_LEVELS = {number: name for name, number in _ACCESS_LEVELS.items()}

_INT64 = 2**63 - 1
_LONGEST_NAME = 512
"""So much of a name's end is kept, where the tag stands; names of ours have about 300 characters at most."""
_LONGEST_WORD = 64
_LONGEST_RESOURCE_NAME = 255
"""A longer one cannot be given in a spec."""


def resource_body(resource: Resource, type_: str) -> dict[str, str | int | None]:
    """Return a permission as the remote API takes it, with its type spelled as given; the resource has its id."""
    return {
        "resource_type": type_,
        "resource_id": resource.id,
        "access_level": _ACCESS_LEVELS[resource.access_level],
    }


_Word = Annotated[str, Field(max_length=_LONGEST_WORD)]


class _Resource(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    resource_type: _Word
    resource_id: Annotated[int, Field(le=_INT64)] | _Word
    access_level: int = Field(ge=0, le=_INT64)

    def is_quoting(self, redaction: Redaction) -> bool:
        return redaction.is_quoted_in(f"{self.resource_type} {self.resource_id}")

    def as_permission(self) -> Permission:
        level = _LEVELS.get(self.access_level, str(self.access_level))
        return Permission(canonical_type(self.resource_type), str(self.resource_id), level)


def _or_not_told(value: object, validate: ValidatorFunctionWrapHandler) -> list[_Resource] | None:
    try:
        resources: list[_Resource] | None = validate(value)
    except ValidationError:
        return None
    return resources


def _in_utc(moment: datetime) -> datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("a time must lie between the years 1 and 9999 in UTC") from None


class TokenBody(BaseModel):
    """A token without its value."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: int
    # What may be null in tokens of others must not hide ours.
    name: str | None
    last_4_digits: str | None
    expires_at: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    # A form that is not understood must not hide the token: then its permissions count as not told.
    resources: Annotated[list[_Resource] | None, WrapValidator(_or_not_told)] = None

    @property
    def has_id(self) -> bool:
        """Whether the id is one that can be written down; without it nothing can be done with the token."""
        return 1 <= self.id <= _INT64

    def as_token(self, account: AccountRef, redaction: Redaction) -> RemoteToken:
        """Return what matters of it, as it may be shown; its tag is that of the real name."""
        name = (self.name or "")[-_LONGEST_NAME:]
        tag = parse_tag(name)
        end = name.rindex(str(tag)) if tag else len(name)
        told = self.resources
        if told is not None and any(each.is_quoting(redaction) for each in told):
            told = None
        return RemoteToken(
            id=self.id,
            name=redaction.shown(visible(name[:end])) + name[end:],
            last_four=visible((self.last_4_digits or "")[-4:]),
            expires_at=self.expires_at,
            account=account,
            tag=tag,
            permissions=None if told is None else tuple(sorted(each.as_permission() for each in told)),
        )


def is_sendable(value: SecretStr) -> bool:
    """Whether a text can stand in a header, as a token value must."""
    text = value.get_secret_value()
    return text != "" and text.isascii() and text.isprintable() and " " not in text


class IssuedBody(TokenBody):
    """A token as it is shown once, with its value."""

    id: int = Field(ge=1, le=_INT64)
    token: SecretStr = Field(min_length=SHORTEST_VALUE, max_length=LONGEST_VALUE)

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, value: SecretStr) -> SecretStr:
        if not is_sendable(value):
            raise ValueError("a token value has printable ASCII characters alone")
        return value


_LIST = TypeAdapter(list[dict[str, Any]], config=ConfigDict(hide_input_in_errors=True))


def read_tokens(content: bytes) -> Iterator[TokenBody]:
    """Yield the tokens of a LIST; one of others that is odd beside its id is left out: who has it on record asks for it.

    Raises:
        ValidationError: It is no list of tokens, or one with a tag cannot be read.
    """
    for item in _LIST.validate_json(content):
        try:
            token = TokenBody.model_validate(item)
        except ValidationError:
            if not _is_of_others(item):
                raise
        else:
            if token.has_id:
                yield token


def _is_of_others(item: Mapping[str, Any]) -> bool:
    """Whether something in a LIST is a token, and has no tag."""
    is_token = type(item.get("id")) is int and {"name", "last_4_digits"} <= item.keys()
    name = item.get("name")
    return is_token and not (isinstance(name, str) and parse_tag(name))


class _AccountBody(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: int


ACCOUNT_LIST = TypeAdapter(list[_AccountBody], config=ConfigDict(hide_input_in_errors=True))
"""Which accounts a value opens."""


class ResourceBody(BaseModel):
    """A resource of the account with those inside it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: ResourceId
    name: str | None = None
    type: _Word
    resources: list[Self] | None = None
    # Whatever stands here must not hide the resource.
    access_level: object = None

    def is_administered(self, account_id: int) -> bool:
        """Whether this is the account itself, and the credential may do everything there."""
        is_account = (canonical_type(self.type), str(self.id)) == ("account", str(account_id))
        return (
            is_account and isinstance(self.access_level, int) and self.access_level >= _ACCESS_LEVELS["Admin"]
        )

    def flat(self, redaction: Redaction) -> Iterator[CatalogueEntry]:
        """Yield the resource and all inside it; one whose type or id quotes the credential is left out.

        The name is the real one, since specs are compared with it.
        """
        name = self.name or ""
        if len(name) > _LONGEST_RESOURCE_NAME or redaction.is_quoted_in(name):
            name = ""
        if not redaction.is_quoted_in(f"{self.type} {self.id}"):
            yield CatalogueEntry(without_tokens(visible(self.type)), name, self.id)
        for inside in self.resources or ():
            yield from inside.flat(redaction)


RESOURCE_TREE = TypeAdapter(list[ResourceBody], config=ConfigDict(hide_input_in_errors=True))
"""What the account's permissions tree answers."""
