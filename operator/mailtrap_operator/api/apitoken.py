"""The spec of an ApiToken: what the user asks for."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from mailtrap_operator.api.durations import Lifetime, in_cel
from mailtrap_operator.api.fields import (
    Model,
    ObjectName,
    Time,
    cel,
    faults,
)
from mailtrap_operator.api.objects import AccountRef
from mailtrap_operator.api.rotation import Rotation
from mailtrap_operator.api.secret_template import SecretTemplate
from mailtrap_operator.api.targets import RestartTarget

ResourceId = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
    | Annotated[str, Field(min_length=1, max_length=64)],
    WithJsonSchema({"x-kubernetes-int-or-string": True, "minimum": 1, "minLength": 1, "maxLength": 64}),
]

_ONE_LINE = (
    r"self.matches('^[^\\p{Cc}\\p{Z}]([^\\p{Cc}\\p{Zl}\\p{Zp}]*[^\\p{Cc}\\p{Z}])?$')",
    "must be one line that neither begins nor ends with a blank",
)
# Three classes of Unicode, and what is as invisible in others: a joiner, fillers, vowels without a form, selectors.
_UNSEEN = (
    r"\\p{Cf}\\p{Co}\\p{Cc}\\x{034F}\\x{115F}\\x{1160}\\x{17B4}\\x{17B5}\\x{180B}-\\x{180F}\\x{2800}\\x{3164}"
    r"\\x{FE00}-\\x{FE0F}\\x{FFA0}\\x{E0100}-\\x{E01EF}"
)
_SEEN = (
    f"!self.matches('[{_UNSEEN}]')",
    (
        "must not contain characters that are not seen: control and format characters (such as those that turn the "
        "direction of writing, or have no width), private-use characters, fillers and variation selectors; remove them"
    ),
)
ResourceType = Annotated[str, Field(min_length=1, max_length=64, pattern="^[A-Za-z][A-Za-z0-9_-]*$")]
ResourceName = Annotated[str, Field(min_length=1, max_length=255)]
_ID_OR_NAME = "give the id or the name of a resource, one of them and not both"


class Resource(Model):
    """One permission of the token."""

    model_config = ConfigDict(json_schema_extra=cel(("has(self.id) != has(self.name)", _ID_OR_NAME)))

    type: ResourceType = Field(
        description="Type of the Mailtrap resource, such as account, project, sandbox or domain. "
        "The set is open: Mailtrap decides which types exist.",
    )
    id: ResourceId | None = Field(None, description="Id of the Mailtrap resource, a number or a text.")
    name: ResourceName | None = Field(
        None,
        description="Name of the Mailtrap resource, instead of its id. It is looked up once; status.resources says "
        "which id it stands for. A name such as example.com or 'My sandbox'.",
        json_schema_extra=cel(_ONE_LINE, _SEEN),
    )
    access_level: Literal["Admin", "Viewer"] = Field(description="What the token may do with the resource.")

    @model_validator(mode="after")
    def _by_id_or_by_name(self) -> Self:
        if (self.id is None) == (self.name is None):
            raise ValueError(_ID_OR_NAME)
        return self


class Expiration(Model):
    """When the token expires in Mailtrap."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "(self.policy == 'After') == has(self.after)",
                "policy After needs 'after', and no other policy takes it",
            ),
            ("(self.policy == 'At') == has(self.at)", "policy At needs 'at', and no other policy takes it"),
        )
    )

    policy: Literal["ServerDefault", "Never", "After", "At"] = Field(
        "ServerDefault",
        description="ServerDefault, the default, leaves the lifetime to Mailtrap: a year by what it documents since 2026-08, "
        "and for ever before. Never asks for none, After counts from the issue of each token, At names a date.",
    )
    after: Lifetime | None = Field(None, description="Lifetime of each issued token, from 1m to 1825d.")
    at: Time | None = Field(
        None,
        description="Date after which the token no longer works.",
        json_schema_extra=cel(
            (
                "self >= timestamp('2020-01-01T00:00:00Z') && self < timestamp('2100-01-01T00:00:00Z')",
                "must be a date from 2020 to 2099, such as 2030-01-31T12:00:00Z",
            )
        ),
    )


_STAND_IN = {"type": "account", "id": 1, "accessLevel": "Viewer"}


class ApiTokenSpec(Model):
    """What token is wanted and where its value goes."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                (
                    "!has(self.expiration.after) || !has(self.rotation.renewBefore) "
                    f"|| {in_cel('self.rotation.renewBefore')} < {in_cel('self.expiration.after')}"
                ),
                "rotation.renewBefore must be shorter than expiration.after, else every token is due at once",
            ),
            (
                (
                    "self.expiration.policy != 'Never' || has(self.rotation.every) "
                    "|| !(has(self.rotation.renewBefore) || has(self.rotation.renewBeforePercentage))"
                ),
                (
                    "a token with expiration.policy Never is never due for renewal: remove rotation.renewBefore and "
                    "renewBeforePercentage, or set another expiration or rotation.every"
                ),
            ),
        )
    )

    account_ref: AccountRef = Field(AccountRef(), description="The account in which the token is issued.")
    display_name: str | None = Field(
        None,
        max_length=150,
        description="Name of the token in Mailtrap, followed there by the operator's tag. "
        "Default: <namespace>/<name> of this object.",
        json_schema_extra=cel(
            ("!self.contains('[k8s:')", "must not contain '[k8s:': the operator's tag begins so"),
            _ONE_LINE,
            _SEEN,
        ),
    )
    resources: tuple[Resource, ...] = Field(
        min_length=1,
        max_length=100,
        description="The permissions of the token, at least one.",
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **cel(
                (
                    (
                        "self.all(a, self.exists_one(b, a.type == b.type "
                        "&& has(a.id) == has(b.id) && (!has(a.id) || string(a.id) == string(b.id)) "
                        "&& has(a.name) == has(b.name) && (!has(a.name) || a.name == b.name)))"
                    ),
                    (
                        "each resource may be listed once: remove the second entry of the same type and id, "
                        "or type and name"
                    ),
                )
            ),
        },
    )
    expiration: Expiration = Field(
        Expiration(),
        description="When the token expires in Mailtrap. Set it: without it Mailtrap decides, and status.expiresAt tells.",
    )
    rotation: Rotation = Field(Rotation(), description="When and how the token is replaced by its successor.")
    secret_name: ObjectName | None = Field(
        None, description="Name of the Secret that holds the value. Default: the name of this object."
    )
    secret_template: SecretTemplate = Field(SecretTemplate(), description="What the Secret looks like.")
    rollout_restart_targets: tuple[RestartTarget, ...] = Field(
        (),
        max_length=16,
        description="Workloads of this namespace that are restarted once for each new value. A token that was replaced "
        "is kept until they have finished, at most for rotation.maxOverlap.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    creation_policy: Literal["Owner", "Orphan"] = Field(
        "Owner",
        description="Owner: the Secret is deleted with this object. Orphan: it stays.",
    )
    deletion_policy: Literal["Delete", "Retain"] = Field(
        "Delete",
        description="What happens to the tokens in Mailtrap when this object is deleted.",
    )
    drift_policy: Literal["Correct", "Report"] = Field(
        "Correct",
        description="What happens when the permissions or the expiry of the token are changed in Mailtrap. "
        "Correct: it is replaced or reset. Report: the condition Drifted says what differs.",
    )
    suspend: bool = Field(
        default=False, description="Stops rotation and repair. Deletion of this object still works."
    )


def parse_spec(raw: object) -> tuple[ApiTokenSpec, Mapping[str, str]]:
    """Read a stored spec; never raises. One may be older than the CRD's rules, or made by a later version.

    Returns:
        The spec, and what is wrong with each field that cannot be read; it has its default, `resources` none.
    """
    fields = raw if isinstance(raw, Mapping) else {}
    try:
        return ApiTokenSpec.model_validate(fields, by_alias=True, by_name=False), {}
    except ValidationError as error:
        unreadable = faults(error)
    sound = {name: value for name, value in fields.items() if name not in unreadable}
    if "resources" in sound:
        return ApiTokenSpec.model_validate(sound, by_alias=True, by_name=False), unreadable
    spec = ApiTokenSpec.model_validate({**sound, "resources": [_STAND_IN]}, by_alias=True, by_name=False)
    return spec.model_copy(update={"resources": ()}), unreadable
