"""What a reconcile may do, as values: a Plan says it, `apply` does it, an Outcome says what came of it.

A Plan holds one action at most, so that a reconcile touches the remote side once and is looked at again afterwards.
Changes of the status alone need no action: they stand in the Plan's Record. It has some more lines than other files,
because these are the words in which plans and outcomes are told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal

from mailtrap_operator.api.v1alpha1 import (
    GROUP,
    VERSION,
    AccountPolicy,
    AccountRef,
    ApiTokenStatus,
    BoundResource,
    CurrentToken,
    Issuance,
    OperationStatus,
    PreviousToken,
    Resource,
)
from mailtrap_operator.core.observation import (
    FormerValue,
    Observation,
    OwnerReference,
    RemoteToken,
    SecretState,
    Unknown,
    UnpublishedToken,
)
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.workloads import Workload


class ServerDefault(Enum):
    """The third state of `expires_at`: the key is left out and the server decides."""

    LEFT_OUT = "left out"


WantedExpiry = datetime | None | ServerDefault


@dataclass(frozen=True, slots=True)
class DesiredSecret:
    """The Secret as the spec wants it, with `${token}` where the value goes.

    `former` is the value to keep beside the present one: the one that the Secret holds, or has kept.
    `resource_version` is the precondition: the version that was read, or None when there was no Secret.
    """

    namespace: str
    name: str
    owner: str
    api_token_name: str
    api_token_uid: str
    is_owned: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    data: Mapping[str, str]
    former: FormerValue | None
    resource_version: str | None

    @property
    def owners(self) -> tuple[OwnerReference, ...]:
        """The references to the ApiToken that the Secret is to have; others' do not matter."""
        if not self.is_owned:
            return ()
        return (OwnerReference(f"{GROUP}/{VERSION}", "ApiToken", self.api_token_name, self.api_token_uid),)


@dataclass(frozen=True, slots=True)
class IssueToken:
    """Create or reset a remote token and publish its value; the operation is claimed in the status first.

    `resources` have their ids; `bound` are the names among them, which go into the status with the claim. `policy` is
    the account's that allows it.
    """

    reason: Reason
    why: str
    priority: Priority
    operation: OperationStatus
    remote_name: str
    resources: tuple[Resource, ...]
    expires_at: WantedExpiry
    issuance: Issuance
    secret: DesiredSecret
    bound: tuple[BoundResource, ...] = ()
    policy: AccountPolicy | None = None


@dataclass(frozen=True, slots=True)
class PublishToken:
    """Write the value that this process still holds in memory into the Secret."""

    unpublished: UnpublishedToken
    secret: DesiredSecret


@dataclass(frozen=True, slots=True)
class RewriteSecret:
    """Give the same value another form or another place; nothing remote."""

    source: SecretState
    secret: DesiredSecret


@dataclass(frozen=True, slots=True)
class DeleteSecret:
    """Delete the Secret from which the value has moved away."""

    namespace: str
    secret: SecretState


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Delete a remote token.

    `seen` is None where a LIST shows the token with the object's own tag. Otherwise it is what the plan was made from:
    the token is looked at right before, and judged by that. `may_be_left` says whether its object may be released without
    the deletion.
    """

    token: RemoteToken
    priority: Priority
    seen: Observation | None = None
    may_be_left: bool = True


@dataclass(frozen=True, slots=True)
class RestartWorkloads:
    """Restart the pods of workloads, for the value of a token; nothing remote."""

    namespace: str
    workloads: tuple[Workload, ...]
    annotation: str
    token_id: int


@dataclass(frozen=True, slots=True)
class Retention:
    """The tokens with this owner part in their tag stay on purpose, in these accounts."""

    owner: str
    accounts: tuple[AccountRef, ...]


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    """Remove the finalizer; a retention is recorded first, or its tokens would count as orphans."""

    reason: Reason
    retention: Retention | None = None


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Add the finalizer, so that the object is not deleted before its tokens."""


Action = (
    AddFinalizer
    | IssueToken
    | PublishToken
    | RewriteSecret
    | DeleteSecret
    | RestartWorkloads
    | RevokeToken
    | RemoveFinalizer
)


WORKING = "The Secret holds a living token."
"""The message of a condition Ready that is true; it never varies, so that it is written once."""


def begun_at(operation: OperationStatus, now: datetime) -> OperationStatus:
    """Return an operation as begun now, in the whole seconds that the status keeps."""
    return operation.model_copy(update={"started_at": now.replace(microsecond=0)})


class State(Enum):
    """How far the object is from what its spec asks for."""

    READY = "ready"
    PROGRESSING = "progressing"
    BLOCKED = "blocked"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reconcile found; conditions and Events are made of it."""

    state: State
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A condition that stands beside `Ready` while it is true."""

    type: Literal[
        "RotationPending",
        "Drifted",
        "ExpirationDiffers",
        "RolloutRestart",
        "RevocationPending",
        "AdoptionPending",
        "WriteReverted",
        "Planned",
    ]
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """The part of the status that is on record, as it is to be once the action is done."""

    operation: OperationStatus | None
    current: CurrentToken | None
    previous: tuple[PreviousToken, ...]
    secret_name: str | None
    resources: tuple[BoundResource, ...] = ()
    adopted: int | None = None


def record_of(status: ApiTokenStatus) -> Record:
    """Return what a status has on record."""
    operation, current, previous = status.operation, status.current, status.previous
    if current and current.rollout is None and any(token.waits_for == "Consumers" for token in previous):
        # Both say that consumers have not moved: where one of them was lost, the other counts.
        current = current.model_copy(update={"rollout": "Running"})
    return Record(operation, current, previous, status.secret_name, status.resources, status.adopted)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, what to record, and what to report.

    `works` says whether the value in the Secret authenticates, as far as this reconcile knows.
    `made_at` is the moment to which the record's new dates count. `requeue_after` says when to requeue without an
    event; None leaves it to events and resync. `installation` is the one that serves the object from now on, None: as
    it was; `contender` one that tells that another one does. A plan that `is_silent` leaves the status as it is.
    """

    made_at: datetime
    action: Action | None
    record: Record
    finding: Finding
    works: bool
    requeue_after: timedelta | None = None
    renewal_time: datetime | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    notices: tuple[Notice, ...] = ()
    installation: str | None = None
    contender: str | None = None
    is_silent: bool = False

    def changes(self, status: ApiTokenStatus) -> bool:
        """Whether this plan does more than observe and report."""
        return self.action is not None or (not self.is_silent and self.record != record_of(status))


@dataclass(frozen=True, slots=True)
class Done:
    """The action was carried out."""


@dataclass(frozen=True, slots=True)
class Published:
    """The Secret holds this token's value."""

    token: RemoteToken
    issuance: Issuance


@dataclass(frozen=True, slots=True)
class Failed:
    """The action was not carried out, or not to its end.

    `is_final` says that the same request is refused again until someone changes something. `closes_claim` says
    that the remote side definitely did nothing, so that the operation need not settle. `holds_value` says that a
    value waits in memory for its Secret.
    """

    cause: Unknown
    is_final: bool = False
    closes_claim: bool = False
    holds_value: bool = False


Outcome = Done | Published | Failed
