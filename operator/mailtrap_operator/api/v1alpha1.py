"""The objects of mailtrap-operator.io/v1alpha1; the one module that others import the API from."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from mailtrap_operator.api.account import (
    AccountSpec,
    AccountStatus,
    CredentialToken,
    OrphanToken,
    RetainedOwner,
    SecretKeyRef,
)
from mailtrap_operator.api.account_policy import EVERY_NAMESPACE, AccountPolicy, Adoption
from mailtrap_operator.api.apitoken import (
    ApiTokenSpec,
    Expiration,
    Resource,
    ResourceId,
    parse_spec,
)
from mailtrap_operator.api.apitoken_status import (
    ApiTokenStatus,
    BoundResource,
    CurrentToken,
    HistoryEntry,
    Issuance,
    OperationStatus,
    PreviousToken,
    parse_status,
)
from mailtrap_operator.api.durations import Duration, parse_duration, print_duration
from mailtrap_operator.api.fields import Model, print_time
from mailtrap_operator.api.names import GROUP, VERSION
from mailtrap_operator.api.objects import AccountKind, AccountRef, Condition, Metadata
from mailtrap_operator.api.rotation import Rotation, Window
from mailtrap_operator.api.secret_template import SecretTemplate, TemplateMetadata
from mailtrap_operator.api.targets import RestartTarget, WorkloadKind

__all__ = [
    "EVERY_NAMESPACE",
    "GROUP",
    "VERSION",
    "Account",
    "AccountKind",
    "AccountPolicy",
    "AccountRef",
    "AccountSpec",
    "AccountStatus",
    "Adoption",
    "ApiToken",
    "ApiTokenSpec",
    "ApiTokenStatus",
    "BoundResource",
    "Condition",
    "CredentialToken",
    "CurrentToken",
    "Duration",
    "Expiration",
    "HistoryEntry",
    "Issuance",
    "Metadata",
    "OperationStatus",
    "OrphanToken",
    "PreviousToken",
    "Resource",
    "ResourceId",
    "RestartTarget",
    "RetainedOwner",
    "Rotation",
    "SecretKeyRef",
    "SecretTemplate",
    "TemplateMetadata",
    "Window",
    "WorkloadKind",
    "parse_duration",
    "parse_status",
    "print_duration",
    "print_time",
]


def _salvage(raw: object) -> object:
    return raw if isinstance(raw, ApiTokenStatus) else parse_status(raw)


class ApiToken(Model):
    """A Mailtrap API token whose value is kept in a Secret."""

    @model_validator(mode="before")
    @classmethod
    def _read_what_can_be_read(cls, raw: object) -> object:
        if not isinstance(raw, Mapping) or isinstance(raw.get("spec"), ApiTokenSpec):
            return raw
        spec, unreadable = parse_spec(raw.get("spec"))
        return {**raw, "spec": spec, "unreadable": unreadable}

    metadata: Metadata = Field(description="Metadata of the object.")
    spec: ApiTokenSpec = Field(description="What token is wanted and where its value goes.")
    # A damaged status must not make the object unreadable.
    status: Annotated[ApiTokenStatus, BeforeValidator(_salvage)] = Field(
        ApiTokenStatus(), description="What the operator found and did."
    )
    unreadable: Mapping[str, str] = Field(
        {}, description="The fields of the spec that cannot be read, and what is wrong with each."
    )


class Account(Model):
    """A Mailtrap account that tokens are issued in, of either kind."""

    kind: AccountKind = Field(description="MailtrapAccount or ClusterMailtrapAccount.")
    metadata: Metadata = Field(description="Metadata of the object.")
    spec: AccountSpec = Field(description="The Mailtrap account and the credential that manages its tokens.")
    status: AccountStatus = Field(AccountStatus(), description="What the operator found.")
