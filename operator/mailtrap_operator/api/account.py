"""The spec and status of MailtrapAccount and ClusterMailtrapAccount, which differ in scope alone."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from mailtrap_operator.api.account_policy import AccountPolicy
from mailtrap_operator.api.durations import RefreshInterval
from mailtrap_operator.api.fields import (
    Generation,
    LastFour,
    Model,
    ObjectName,
    SecretKey,
    Time,
    TokenId,
    cel,
)
from mailtrap_operator.api.objects import Conditions

_HOST = r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:]+\\])"


class SecretKeyRef(Model):
    """A key of a Secret."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: SecretKey = Field("token", description="Key in the Secret's data.")


class AccountSpec(Model):
    """A Mailtrap account and the credential that manages its tokens."""

    account_id: int = Field(
        strict=True,
        ge=1,
        description="Id of the account in Mailtrap. It cannot be changed.",
        json_schema_extra={
            "format": "int64",
            **cel(("self == oldSelf", "accountId cannot be changed; create another account object instead")),
        },
    )
    credentials_secret_ref: SecretKeyRef = Field(
        description="The Secret with the API token that manages the account's tokens: in the same namespace "
        "for a MailtrapAccount, in the operator's namespace for a ClusterMailtrapAccount."
    )
    base_url: str = Field(
        "https://mailtrap.io",
        max_length=253,
        description="The remote server. It must be on the operator's list of allowed servers.",
        json_schema_extra=cel(
            (
                f"self.matches('^https?://{_HOST}(:[0-9]{{1,5}})?$')",
                (
                    "must be scheme, host and optional port alone, such as https://mailtrap.io: "
                    "no path, no slash at the end, no user, no query"
                ),
            )
        ),
    )
    refresh_interval: RefreshInterval = Field(
        timedelta(seconds=60), description="How often the account's tokens are listed, from 10s to 1h."
    )
    policy: AccountPolicy = Field(
        AccountPolicy(), description="Who may use the account, and for what tokens."
    )
    orphan_policy: Literal["Report", "Delete"] = Field(
        "Report",
        description="What becomes of tokens with this cluster's tag that belong to no ApiToken any more. Report: a "
        "condition names them. Delete: they are deleted a day after they were first seen.",
    )


class CredentialToken(Model):
    """The token in Mailtrap that the credential is."""

    token_id: TokenId = Field(description="Id of the remote token.")
    last_four: LastFour = Field(description="The last four characters of its value.")
    expires_at: Time | None = Field(None, description="When it expires; absent: never.")


class OrphanToken(Model):
    """A token with this cluster's tag that belongs to no ApiToken."""

    id: TokenId = Field(description="Id of the remote token.")
    last_four: LastFour = Field(description="The last four characters of its value.")
    name: str | None = Field(None, max_length=255, description="Its name in Mailtrap.")
    seen_at: Time = Field(description="Since when it has been seen without an ApiToken.")


class RetainedOwner(Model):
    """An ApiToken that is gone and has left its tokens on purpose."""

    owner: str = Field(max_length=16, description="The middle part of the tag of its tokens.")
    namespace: str = Field(max_length=63, description="The namespace that it was in.")


class AccountStatus(Model):
    """Whether the account can be used."""

    observed_generation: Generation = Field(
        -1, description="The metadata.generation this status speaks about."
    )
    conditions: Conditions = Field((), description="The state of this account; Ready is always there.")
    credential: CredentialToken | None = Field(
        None,
        description="The token that the operator manages the account with. It is absent where the account's list "
        "of tokens does not tell which one that is.",
    )
    orphans: tuple[OrphanToken, ...] = Field(
        (),
        max_length=100,
        description="Tokens with this cluster's tag that belong to no ApiToken, the first seen first.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    retained_owners: tuple[Annotated[str, Field(max_length=16)], ...] = Field(
        (),
        max_length=256,
        description="What earlier versions have put on record of `retained`, without the namespaces.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    retained: tuple[RetainedOwner, ...] = Field(
        (),
        max_length=1024,
        description="The ApiTokens with deletionPolicy Retain that have left tokens here: these are no orphans, and count "
        "for maxTokensPerNamespace.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["owner"]},
    )
    credentials_secret: ObjectName | None = Field(
        None,
        description="The Secret with the finalizer that keeps the credential while it is in use; absent: none.",
    )
