"""The status of an ApiToken, and how a damaged one is read.

A damaged status loses no safety: the Secret and the remote list are the record, the status only makes
them quicker to find. So what cannot be read is dropped, never guessed and never an error.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from mailtrap_operator.api.apitoken import ResourceId, ResourceName, ResourceType
from mailtrap_operator.api.fields import (
    Generation,
    LastFour,
    Model,
    ObjectName,
    Reason,
    Time,
    TokenId,
    places,
)
from mailtrap_operator.api.objects import AccountRef, Conditions

RotateRequest = Annotated[str, Field(max_length=256)]
Digest = Annotated[str, Field(max_length=128)]
Installation = Annotated[str, Field(max_length=6, pattern="^[a-z2-7]{6}$")]
_ACCOUNT = "The account that the token lives in."


class OperationStatus(Model):
    """A change of the remote side that was begun: written before it, cleared after it."""

    type: Literal["Create", "Reset", "Delete"] = Field(description="What was begun.")
    nonce: str = Field(max_length=32, description="Marks this very attempt in the remote token's name.")
    base: TokenId | None = Field(None, description="Id of the remote token that is reset or replaced.")
    started_at: Time = Field(description="When the attempt began.")
    holder: str = Field(max_length=253, description="The operator process that made the attempt.")
    account: AccountRef = Field(description="The account in which the attempt was made.")
    cause: Reason | None = Field(None, description="Why it was begun.")


class Issuance(Model):
    """The desired state that a token was issued for; it shows later whether that changed."""

    issued_at: Time = Field(description="When it was issued.")
    access_digest: Digest = Field(description="Digest of the permissions it was issued for.")
    expiration_digest: Digest = Field(description="Digest of the expiration it was issued for.")
    account: AccountRef = Field(description=_ACCOUNT)
    rotate_request: RotateRequest = Field(
        "", description="The rotate annotation that it answers; empty: none."
    )


class CurrentToken(Issuance):
    """The remote token whose value the Secret holds."""

    id: TokenId = Field(description="Id of the remote token.")
    last_four: LastFour = Field(description="The last four characters of its value.")
    expires_at: Time | None = Field(None, description="When it expires; absent: never.")
    granted_digest: str = Field(
        "", max_length=128, description="Digest of the permissions that Mailtrap granted; empty: not known."
    )
    reset_refused: bool = Field(
        default=False, description="Mailtrap refused to reset this token; its successor is created instead."
    )
    rollout: Literal["Due", "Running"] | None = Field(
        None,
        description="Due: the workloads of rolloutRestartTargets are to be restarted for its value. "
        "Running: they were restarted, and not all have finished. Absent: there is nothing to wait for.",
    )
    pods_end_at: Time | None = Field(
        None,
        description="Until when pods that the rollouts replaced may run, where the API server does not count them. "
        "Absent: a rollout has not finished, or no pod is waited for.",
    )
    restarted_digest: Digest = Field(
        "",
        description="Digest of the rolloutRestartTargets that were restarted for its value; empty: none were.",
    )


class PreviousToken(Model):
    """A retired remote token."""

    id: TokenId = Field(description="Id of the remote token.")
    last_four: LastFour = Field(description="The last four characters of its value.")
    expires_at: Time | None = Field(None, description="When it expires by itself; absent: never.")
    delete_after: Time = Field(description="The operator deletes it after this time.")
    retired_at: Time | None = Field(None, description="When it was retired.")
    waits_for: Literal["Overlap", "Consumers"] = Field(
        "Overlap",
        description="Overlap: it is deleted after deleteAfter. Consumers: it is also kept until the workloads of "
        "rolloutRestartTargets have finished their rollouts, at most for rotation.maxOverlap.",
    )
    reason: Reason = Field(description="Why it was retired.")
    account: AccountRef = Field(description=_ACCOUNT)


class BoundResource(Model):
    """Which resource a name in the spec stands for, since it was looked up."""

    type: ResourceType = Field(description="Type of the resource, as in the spec.")
    name: ResourceName = Field(description="Name of the resource, as in the spec.")
    id: ResourceId = Field(description="Id of the resource in Mailtrap.")
    account_id: Annotated[int, Field(strict=True, ge=1, json_schema_extra={"format": "int64"})] = Field(
        description="Id of the account in Mailtrap that the resource belongs to."
    )


class HistoryEntry(Model):
    """What became of one remote token."""

    id: TokenId = Field(description="Id of the remote token.")
    last_four: LastFour = Field(description="The last four characters of its value.")
    issued_at: Time | None = Field(None, description="When it was issued; absent: its answer was lost.")
    cause: Reason | None = Field(None, description="Why it was issued; absent: not known any more.")
    retired_at: Time | None = Field(None, description="When it was retired.")
    outcome: Literal["Held", "Retired", "Revoked", "Dropped"] = Field(
        description="Held: the Secret holds its value. Retired: it will be deleted. Revoked: it was deleted. "
        "Dropped: it turned out to be another object's."
    )


class ApiTokenStatus(Model):
    """What is alive, what is on record, and what is in progress."""

    observed_generation: Generation = Field(
        -1, description="The metadata.generation this status speaks about."
    )
    conditions: Conditions = Field((), description="The state of this object; Ready is always there.")
    operation: OperationStatus | None = Field(
        None, description="The change of the remote side that is in progress."
    )
    installation: Installation | None = Field(
        None, description="The installation whose operator serves this object."
    )
    contenders: tuple[Installation, ...] = Field(
        (),
        max_length=8,
        description="Other installations whose operators found that and said so; they keep quiet since.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    current: CurrentToken | None = Field(None, description="The remote token whose value the Secret holds.")
    previous: tuple[PreviousToken, ...] = Field(
        (),
        max_length=256,
        description="Remote tokens that will be deleted.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    history: tuple[HistoryEntry, ...] = Field(
        (),
        max_length=16,
        description="What became of the latest remote tokens, the oldest first.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    resources: tuple[BoundResource, ...] = Field(
        (),
        max_length=100,
        description="Which resources the names in spec.resources stand for.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    adopted: TokenId | None = Field(None, description="Id of the remote token that was adopted.")
    secret_name: ObjectName | None = Field(None, description="The Secret that holds the value.")
    token_id: TokenId | None = Field(None, description="Id of the remote token whose value the Secret holds.")
    last_four: LastFour | None = Field(None, description="The last four characters of the value.")
    expires_at: Time | None = Field(None, description="When the token expires; absent: never.")
    expires: str | None = Field(
        None,
        max_length=32,
        description="When the token expires, in words: the time of expiresAt, or never. Absent: there is no token, or its "
        "end is not known.",
    )
    last_rotation: Time | None = Field(None, description="When the token was issued.")
    renewal_time: Time | None = Field(
        None,
        description="When the successor of the token is issued, with the windows taken into account; absent: no time is promised.",
    )
    last_handled_rotate_request: RotateRequest | None = Field(
        None, description="The value of the annotation mailtrap-operator.io/rotate that was answered last."
    )


def parse_status(raw: object) -> ApiTokenStatus:
    """Read a stored status without the fields and list entries that cannot be read; never raises."""
    if not isinstance(raw, Mapping):
        return ApiTokenStatus()
    try:
        return ApiTokenStatus.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError as error:
        damaged = {place[:2] if _is_entry(place) else place[:1] for place in places(error)}
    return ApiTokenStatus.model_validate(_without(raw, damaged), by_alias=True, by_name=False)


def _is_entry(place: tuple[int | str, ...]) -> bool:
    return len(place) > 1 and isinstance(place[1], int)


def _without(raw: Mapping[str, Any], damaged: set[tuple[int | str, ...]]) -> dict[str, Any]:
    """Return a copy of the status without the fields and list entries at the damaged places."""
    sound: dict[str, Any] = {}
    for field, value in raw.items():
        if (field,) in damaged:
            continue
        entries = {path[1] for path in damaged if path[0] == field and len(path) > 1}
        sound[field] = [e for i, e in enumerate(value) if i not in entries] if entries else value
    return sound
