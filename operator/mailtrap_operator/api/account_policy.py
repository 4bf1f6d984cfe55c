"""Who may use an account, and for what tokens: the policy of a MailtrapAccount or ClusterMailtrapAccount.

Only what it says stands here. How an ApiToken is judged by it is decided in `core/policy.py`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from mailtrap_operator.api.apitoken import ResourceId, ResourceType
from mailtrap_operator.api.durations import Lifetime, LongestOverlap
from mailtrap_operator.api.fields import LABEL_KEYS, LabelValue, Model, cel

EVERY_NAMESPACE = "*"

Adoption = Literal["Denied", "Proven", "Allowed"]

NamespaceName = Annotated[
    str,
    Field(
        max_length=63,
        json_schema_extra=cel(
            (
                f"self == '{EVERY_NAMESPACE}' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "must be the name of a namespace, such as shop, or '*' for every namespace",
            )
        ),
    ),
]


class NamespaceSelector(Model):
    """Namespaces by their labels."""

    match_labels: Mapping[str, LabelValue] = Field(
        min_length=1,
        max_length=16,
        description="Labels that a namespace must have, all of them.",
        json_schema_extra=cel(LABEL_KEYS),
    )


class AllowedNamespaces(Model):
    """Which namespaces an account serves, by their names or by their labels."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("has(self.names) != has(self.selector)", "set either names or selector, and not both")
        )
    )

    names: tuple[NamespaceName, ...] = Field(
        (),
        min_length=1,
        max_length=256,
        description="Names of namespaces; '*' stands for every namespace.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    selector: NamespaceSelector | None = Field(
        None, description="Labels of namespaces. The operator needs the right to get namespaces for it."
    )


class AllowedResource(Model):
    """Mailtrap resources that tokens may be issued for."""

    type: ResourceType = Field(
        description="Type of the Mailtrap resource, such as account, project, sandbox or domain."
    )
    id: ResourceId | None = Field(
        None, description="Id of the Mailtrap resource. Default: every one of the type."
    )


class AccountPolicy(Model):
    """What an account may be used for, and by whom. What breaks a rule gets no token."""

    allowed_namespaces: AllowedNamespaces | None = Field(
        None,
        description="The namespaces whose ApiTokens may use a ClusterMailtrapAccount. Default: the operator's own "
        "alone. A MailtrapAccount serves its own namespace and takes no others.",
    )
    max_access_level: Literal["Admin", "Viewer"] | None = Field(
        None,
        description="The highest access level that a token may have. Default: Admin; of the account itself, only "
        "where allowedResources lists the type account, or in the operator's own namespace.",
    )
    allowed_resources: tuple[AllowedResource, ...] = Field(
        (),
        min_length=1,
        max_length=256,
        description="The Mailtrap resources that tokens may be issued for. Default: every one. The type account stands "
        "for the account itself: Admin of it equals the credential of a ClusterMailtrapAccount, so it must be listed "
        "for that.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    max_lifetime: Lifetime | None = Field(
        None,
        description="The longest lifetime that may be asked for, from 1m to 1825d. An ApiToken must then set "
        "expiration.policy After or At.",
    )
    require_expiration: bool = Field(
        default=False, description="Whether an ApiToken must set expiration.policy After or At."
    )
    max_tokens_per_namespace: int | None = Field(
        None,
        strict=True,
        ge=1,
        le=100000,
        description="How many living tokens one namespace may have in the account, those in their overlap among them. A "
        "rotation may exceed it by one until the overlap ends. Of new ApiTokens the oldest comes first.",
    )
    max_overlap: LongestOverlap | None = Field(
        None,
        description="How long a replaced token may be kept at most, from 0s to 90d, after a reset as well. It bounds "
        "rotation.maxOverlap, and rotation.overlap with strategy Replace.",
    )
    deletion_policies: tuple[Literal["Delete", "Retain"], ...] = Field(
        (),
        min_length=1,
        max_length=2,
        description="The values that spec.deletionPolicy may have. Default: both. With Delete alone, no deleted "
        "ApiToken leaves tokens in the account, neither by Retain nor by the annotation "
        "mailtrap-operator.io/abandon-remote-tokens.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    adoption: Adoption | None = Field(
        None,
        description="Whether an ApiToken may adopt a token that was created by hand: it issues a token of its own and "
        "retires the adopted one. Denied: never. Proven: if the annotation mailtrap-operator.io/adopt-proof of the "
        "ApiToken names a Secret of its namespace that holds the value of that token. Allowed: every token within this "
        "policy. Default: Denied on a ClusterMailtrapAccount, Allowed on a MailtrapAccount, whose namespace owns the "
        "credential.",
    )
