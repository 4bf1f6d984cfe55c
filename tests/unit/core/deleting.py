"""Objects that are being deleted."""

from collections.abc import Mapping

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken, ApiTokenStatus, OperationStatus
from tests.unit.core.builders import (
    SECOND,
    a_current,
    a_previous,
    a_status,
    an_api_token,
    an_operation,
)

CLAIMED = an_operation("Delete", nonce="", ago=SECOND)


def deleting(
    status: ApiTokenStatus | None = None,
    *,
    annotations: Mapping[str, str] | None = None,
    account_ref: AccountRef | None = None,
    deletion_policy: str = "Delete",
    creation_policy: str = "Owner",
) -> ApiToken:
    """Return an object that someone deleted."""
    return an_api_token(
        status=status,
        annotations=annotations,
        deleted=True,
        account_ref=account_ref or AccountRef(),
        deletion_policy=deletion_policy,
        creation_policy=creation_policy,
    )


def claimed(
    operation: OperationStatus = CLAIMED,
    *,
    previous: tuple[int, ...] = (),
    current: int | None = 1,
    account_ref: AccountRef | None = None,
    creation_policy: str = "Owner",
) -> ApiToken:
    """Return an object whose deletion is claimed."""
    return deleting(
        a_status(
            operation=operation,
            current=a_current(current) if current else None,
            previous=tuple(a_previous(id_) for id_ in previous),
        ),
        account_ref=account_ref,
        creation_policy=creation_policy,
    )
