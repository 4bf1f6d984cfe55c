"""What all kinds of this API share: metadata, conditions and the reference to an account."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailtrap_operator.api.fields import Generation, Message, Model, ObjectName, Reason, Time
from mailtrap_operator.api.names import GROUP

AccountKind = Literal["MailtrapAccount", "ClusterMailtrapAccount"]


def _ours(annotations: object) -> object:
    if not isinstance(annotations, Mapping):
        return annotations
    return {name: text for name, text in annotations.items() if str(name).startswith(f"{GROUP}/")}


class Metadata(Model):
    """The part of an object's metadata that the operator reads."""

    name: str = Field(description="Name of the object.")
    namespace: str | None = Field(None, description="Namespace; absent on a cluster-scoped object.")
    uid: str = Field(description="Identity of this very object; another one of the same name differs.")
    resource_version: str = Field(description="Version of the stored object, the precondition of writes.")
    generation: int = Field(description="Counts the changes of the spec.")
    creation_timestamp: Time = Field(description="When the object was created.")
    deletion_timestamp: Time | None = Field(None, description="When its deletion was asked for.")
    finalizers: tuple[str, ...] = Field((), description="What must be done before the object is deleted.")
    annotations: Annotated[Mapping[str, str], BeforeValidator(_ours)] = Field(
        {},
        description="Annotations of the object under the operator's group; others may be large, and do not matter.",
    )


class AccountRef(Model):
    """Which account a token is issued in."""

    kind: AccountKind = Field(
        "ClusterMailtrapAccount",
        description="Kind of the account object. A MailtrapAccount is looked up in the object's own namespace.",
    )
    name: ObjectName = Field("default", description="Name of the account object.")


class Condition(Model):
    """One aspect of the object's state, in the form that all Kubernetes kinds share."""

    type: Reason = Field(description="The aspect, such as Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the aspect holds.")
    observed_generation: Generation = Field(
        description="The metadata.generation this condition speaks about."
    )
    last_transition_time: Time = Field(description="When the status last changed.")
    reason: Reason = Field(description="The cause as one stable word, for programs.")
    message: Message = Field(description="The cause and the next step, for people.")


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
