"""When a token ends, and when its successor is due."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import assert_never

from mailtrap_operator.api.v1alpha1 import ApiToken, CurrentToken, Expiration, Rotation
from mailtrap_operator.core.actions import ServerDefault, WantedExpiry

RESET_OVERLAP = timedelta(hours=12)
"""How long the server keeps a token working after its reset."""

MAX_OVERLAP = timedelta(hours=72)
"""How long a token is kept at most for consumers that have not moved, unless the spec says otherwise."""

_JITTER = 0.1
"""The share of the lead time by which renewals of different objects are spread."""


_LONGEST_LEAD = 0.9
"""The largest share of the granted lifetime at which renewal may start."""


def wanted_expiry(expiration: Expiration, now: datetime) -> WantedExpiry:
    """Return the `expires_at` to ask for: a moment, None for never, or left out for the server's default."""
    match expiration.policy:
        case "ServerDefault":
            return ServerDefault.LEFT_OUT
        case "Never":
            return None
        case "After":
            return (now + (expiration.after or timedelta())).replace(microsecond=0)
        case "At":
            return expiration.at
        case _:
            assert_never(expiration.policy)


def renewal_of(api_token: ApiToken, token: CurrentToken, expires_at: datetime | None) -> datetime | None:
    """Return when a token's renewal is due, `expires_at` being its end as it is known now."""
    meta, spec = api_token.metadata, api_token.spec
    every = spec.rotation.every
    by_age = None if every is None else _aged(token.issued_at, every, meta.uid)
    desired = spec.expiration.at
    # A successor of one that ends as desired would end no later.
    ends_as_desired = desired is not None and expires_at is not None and expires_at >= desired
    by_end = (
        None
        if ends_as_desired
        else renewal_time(
            rotation=spec.rotation,
            issued_at=token.issued_at,
            granted=token.expires_at,
            expires_at=expires_at,
            uid=meta.uid,
        )
    )
    return min((due for due in (by_age, by_end) if due is not None), default=None)


def _aged(issued_at: datetime, every: timedelta, uid: str) -> datetime:
    age = every * (1 - _JITTER * _fraction(uid))
    return issued_at + min(age, datetime.max.replace(tzinfo=UTC) - issued_at)


def renewal_time(
    *,
    rotation: Rotation,
    issued_at: datetime,
    granted: datetime | None,
    expires_at: datetime | None,
    uid: str,
) -> datetime | None:
    """Return when the successor of a token is due, or None when it never is.

    Args:
        rotation: How long before its end a token is renewed; by default a third of its granted lifetime.
        issued_at: When the token was issued.
        granted: The expiry that the server granted then; the lifetime is counted to it.
        expires_at: The expiry that the server names now; it is earlier when someone reset the token.
        uid: The object's UID. It moves the renewal earlier by a stable part of the lead time, so that
            objects issued together are not renewed together.
    """
    if expires_at is None:
        return None
    lifetime = max((granted or expires_at) - issued_at, timedelta())
    if rotation.renew_before is not None:
        # A server may grant less than was asked for; a token must not be due from its first moment.
        lead = min(rotation.renew_before, lifetime * _LONGEST_LEAD)
    elif rotation.renew_before_percentage is not None:
        lead = lifetime * (rotation.renew_before_percentage / 100)
    else:
        lead = lifetime / 3
    spread = min(lead, lifetime - lead) * _JITTER * _fraction(uid)
    # No token is due before it was issued, however early its end has become.
    early = min(lead + spread, max(expires_at - issued_at, timedelta()))
    return (expires_at - early).astimezone(UTC)


def whole_second_after(moment: datetime) -> datetime:
    """Round up: the status keeps whole seconds, and a promised time must not end early by that."""
    return (moment + timedelta(seconds=1, microseconds=-1)).replace(microsecond=0)


def _fraction(uid: str) -> float:
    """Return a number in [0, 1) that is always the same for one object."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) / 2**32
