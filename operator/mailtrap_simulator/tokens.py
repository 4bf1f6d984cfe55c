"""A remote token and what it grants. The value leaves this type only in the answers to create and reset."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from .clock import written
from .settings import Types
from .spelling import canonical, spelled

ADMIN = 100
VIEWER = 10
_DATE = len("2026-04-01")
_LISTED_AFTER_EXPIRY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission on one resource."""

    resource_type: str
    resource_id: int | str
    access_level: int

    def covers(self, other: "Grant") -> bool:
        """Whether who has this grant has the other one too."""
        return self.resource == other.resource and self.access_level >= other.access_level

    @property
    def resource(self) -> tuple[str, str]:
        """Type and id of the resource, equal however they were spelled."""
        return canonical(self.resource_type), str(self.resource_id)

    def as_json(self, types: Types = "both") -> dict[str, Any]:
        """As an API with this spelling of types shows it."""
        return {
            "resource_type": spelled(self.resource_type, types),
            "resource_id": self.resource_id,
            "access_level": self.access_level,
        }


@dataclass(frozen=True, slots=True)
class Token:
    """One token, live or not. `was_reset` tokens vanish at `removed_at`, expired ones after 90 days.

    `other_accounts` are the ids that an organisation's credential sees beside the account that it is listed in.
    An odd token shows fields as null, `nulls`, or its expiry as a bare date.
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
    nulls: frozenset[str] = frozenset()
    has_bare_date: bool = False

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

    def as_json(self, types: Types = "both") -> dict[str, Any]:
        """As an API with this spelling of types shows it, without the value."""
        expires_at = None if self.expires_at is None else written(self.expires_at)
        shown = {
            "id": self.id,
            "name": self.name,
            "last_4_digits": self.value[-4:],
            "created_by": self.created_by,
            "expires_at": expires_at[:_DATE] if expires_at and self.has_bare_date else expires_at,
            "resources": [grant.as_json(types) for grant in self.grants],
        }
        return shown | dict.fromkeys(self.nulls)
