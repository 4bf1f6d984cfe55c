"""The JSON of the remote API: how tokens and resources read there, and how a permission is written.

Fields that are not known are ignored; the value of an issued token is read into a type that does not print it.
"""

from collections.abc import Iterator
from datetime import UTC
from typing import Annotated, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from mailtrap_operator.api.v1alpha1 import AccountRef, Resource, ResourceId
from mailtrap_operator.clients.secret_marks import LONGEST_VALUE, SHORTEST_VALUE
from mailtrap_operator.core.observation import CatalogueEntry, Permission, RemoteToken
from mailtrap_operator.core.ownership import parse_tag
from mailtrap_operator.core.resource_types import todays_type

_ACCESS_LEVELS = {"Admin": 100, "Viewer": 10}
_LEVELS = {number: name for name, number in _ACCESS_LEVELS.items()}


def resource_body(resource: Resource) -> dict[str, str | int | None]:
    """Return a permission as the remote API takes it; the resource has its id."""
    return {
        "resource_type": resource.type,
        "resource_id": resource.id,
        "access_level": _ACCESS_LEVELS[resource.access_level],
    }


class _Resource(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    resource_type: str
    resource_id: int | str
    access_level: int

    def as_permission(self) -> Permission:
        level = _LEVELS.get(self.access_level, str(self.access_level))
        return Permission(todays_type(self.resource_type), str(self.resource_id), level)


def _or_not_told(value: object, validate: ValidatorFunctionWrapHandler) -> list[_Resource] | None:
    try:
        resources: list[_Resource] | None = validate(value)
    except ValidationError:
        return None
    return resources


class TokenBody(BaseModel):
    """A token without its value."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: int = Field(ge=1)
    name: str
    last_4_digits: str
    expires_at: AwareDatetime | None = None
    # A form that is not understood must not hide the token: then its permissions count as not told.
    resources: Annotated[list[_Resource] | None, WrapValidator(_or_not_told)] = None

    def as_token(self, account: AccountRef) -> RemoteToken:
        """Return what matters of it."""
        told = self.resources
        return RemoteToken(
            id=self.id,
            name=self.name,
            last_four=self.last_4_digits[-4:],
            expires_at=self.expires_at.astimezone(UTC).replace(microsecond=0) if self.expires_at else None,
            account=account,
            tag=parse_tag(self.name),
            permissions=None if told is None else tuple(sorted(each.as_permission() for each in told)),
        )


class IssuedBody(TokenBody):
    """A token as it is shown once, with its value."""

    token: Annotated[SecretStr, Field(min_length=SHORTEST_VALUE, max_length=LONGEST_VALUE)]


TOKEN_LIST = TypeAdapter(list[TokenBody], config=ConfigDict(hide_input_in_errors=True))
"""What a LIST answers."""


class ResourceBody(BaseModel):
    """A resource of the account with those inside it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: ResourceId
    name: str | None = None
    type: str
    resources: list[Self] | None = None

    def flat(self) -> Iterator[CatalogueEntry]:
        """Yield the resource and all inside it; one without a name cannot be named."""
        if self.name:
            yield CatalogueEntry(self.type, self.name, self.id)
        for inside in self.resources or ():
            yield from inside.flat()


RESOURCE_TREE = TypeAdapter(list[ResourceBody], config=ConfigDict(hide_input_in_errors=True))
"""What the account's permissions tree answers."""
