"""A remote token and what it grants. The value leaves this type only in the answers to create and reset."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from .clock import written

ADMIN = 100
VIEWER = 10
_LISTED_AFTER_EXPIRY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission on one resource."""

    resource_type: str
    resource_id: int | str
    access_level: int

    def covers(self, other: "Grant") -> bool:
        """Whether who has this grant has the other one too."""
        same = (self.resource_type, str(self.resource_id)) == (other.resource_type, str(other.resource_id))
        return same and self.access_level >= other.access_level

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
            "access_level": self.access_level,
        }


@dataclass(frozen=True, slots=True)
class Token:
    """One token, live or not. `was_reset` tokens vanish at `removed_at`, expired ones after 90 days.

    `other_accounts` are the ids that an organisation's credential sees beside the account that it is listed in.
    """

    id: int
    name: str
    value: str = field(repr=False)
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    grants: tuple[Grant, ...]
    removed_at: datetime | None = None
    is_credential: bool = False
    other_accounts: frozenset[int] = frozenset()

    @property
    def was_reset(self) -> bool:
        """A token can be reset once."""
        return self.removed_at is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the value in hex, to compare without showing it."""
        return sha256(self.value.encode()).hexdigest()

    def is_live(self, now: datetime) -> bool:
        """Whether the value authenticates."""
        return self.expires_at is None or now < self.expires_at

    def is_gone(self, now: datetime) -> bool:
        """Whether the server has cleared it away."""
        if self.removed_at is not None:
            return now >= self.removed_at
        return self.expires_at is not None and now >= self.expires_at + _LISTED_AFTER_EXPIRY

    def as_json(self) -> dict[str, Any]:
        """As the API shows it, without the value."""
        return {
            "id": self.id,
            "name": self.name,
            "last_4_digits": self.value[-4:],
            "created_by": self.created_by,
            "expires_at": None if self.expires_at is None else written(self.expires_at),
            "resources": [grant.as_json() for grant in self.grants],
        }
