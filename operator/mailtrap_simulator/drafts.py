"""Reads the bodies of create and reset and refuses what the API refuses. Decides from its arguments alone."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clock import milliseconds, read
from .refusals import NO_PERMISSIONS, Refused, bad_request, unprocessable
from .settings import Settings, Types
from .spelling import is_known
from .tokens import ADMIN, VIEWER, Grant

_MOST_YEARS = 5
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A token as it was asked for and will be granted."""

    name: str
    grants: tuple[Grant, ...]
    expires_at: datetime | None


def read_create(body: bytes, settings: Settings, now: datetime) -> Draft:
    """The draft in a create body.

    Raises:
        Refused: with every error found, as the API lists them; without a word where there is no name at all.
    """
    fields = _object(body)
    if "name" not in fields:
        raise Refused(bad_request())
    errors: dict[str, list[str]] = {}
    name = fields["name"]
    if not isinstance(name, str) or not name.strip():
        errors["name"] = ["can't be blank"]
    grants = read_grants(fields.get("resources"), errors, settings.types)
    expires_at = _granted_expiry(fields, settings, now, errors)
    if errors:
        raise Refused(unprocessable(errors))
    return Draft(str(name), grants, expires_at)


def read_reset(body: bytes, settings: Settings, now: datetime) -> datetime | None:
    """The expiry of the successor; an old server does not look at the body at all.

    Raises:
        Refused: the date is not acceptable.
    """
    fields = _object(body) if body.strip() and settings.server == "new" else {}
    errors: dict[str, list[str]] = {}
    expires_at = _granted_expiry(fields, settings, now, errors)
    if errors:
        raise Refused(unprocessable(errors))
    return expires_at


def read_grants(value: Any, errors: dict[str, list[str]], types: Types = "both") -> tuple[Grant, ...]:
    """The permissions in `resources`; adds to `errors` what is wrong."""
    if not isinstance(value, list) or not value:
        errors["base"] = [NO_PERMISSIONS]
        return ()
    grants = []
    for item in value:
        entry = item if isinstance(item, dict) else {}
        kind, target, level = (entry.get(key) for key in ("resource_type", "resource_id", "access_level"))
        if not isinstance(kind, str) or not kind:
            errors["resource_type"] = ["can't be blank"]
        elif not is_known(kind, types):
            errors["resource_type"] = ["is not included in the list"]
        elif isinstance(target, bool) or not isinstance(target, int | str) or target == "":
            errors["resource_id"] = ["is invalid"]
        elif type(level) is not int or level not in (VIEWER, ADMIN):
            errors["access_level"] = ["is not included in the list"]
        else:
            grants.append(Grant(kind, _as_stored(target), level))
    return tuple(grants)


def _as_stored(target: int | str) -> int | str:
    """Ids that are numbers come back as numbers, however they were sent."""
    return int(target) if _NUMBER.fullmatch(str(target)) else target


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise Refused(bad_request()) from None
    if not isinstance(value, dict):
        raise Refused(bad_request())
    return value


def _granted_expiry(
    fields: dict[str, Any], settings: Settings, now: datetime, errors: dict[str, list[str]]
) -> datetime | None:
    if settings.server == "old":
        return None
    if "expires_at" not in fields:
        return None if settings.default_expiry is None else milliseconds(now + settings.default_expiry)
    asked = fields["expires_at"]
    if asked is None:
        return None
    try:
        expires_at = read(asked)
    except (TypeError, ValueError):
        errors["expires_at"] = ["is invalid"]
        return None
    if expires_at <= now:
        errors["expires_at"] = ["must be in the future"]
    elif expires_at > _years_later(now):
        errors["expires_at"] = [f"must be within {_MOST_YEARS} years from now"]
    return expires_at


def _years_later(now: datetime) -> datetime:
    try:
        return now.replace(year=now.year + _MOST_YEARS)
    except ValueError:  # the 29th of February
        return now.replace(year=now.year + _MOST_YEARS, day=28)
