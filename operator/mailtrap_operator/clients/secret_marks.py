"""The marks that a Secret of ours bears: whose it is, which token it holds, and what we put into it.

They are written in the same request as the value, so that value and marks cannot disagree; the fingerprint binds
them, so that an edited one is noticed.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mailtrap_operator.api.fields import Model
from mailtrap_operator.api.v1alpha1 import GROUP, Issuance

OWNER = f"{GROUP}/owner"
API_TOKEN = f"{GROUP}/api-token"
TOKEN_ID = f"{GROUP}/token-id"
NONCE = f"{GROUP}/nonce"
FINGERPRINT = f"{GROUP}/fingerprint"
ISSUANCE = f"{GROUP}/issuance"

_LENGTH = re.compile("[1-9][0-9]{0,3}")
"""The length of a value, up to 9999 characters; an edited fingerprint may say anything."""

_LONGEST_TEXT = 65_536
"""No template grows longer than this; what somebody else made longer is not searched."""


class FormerMark(Model):
    """The JSON text of what binds a former value: where it stands, and whose it is."""

    key: str
    token_id: int
    fingerprint: str


class _Issued(Model):
    """The JSON text of the issuance annotation: for which wishes, and what we put into the Secret."""

    wishes: Issuance
    keys: tuple[str, ...]
    former: FormerMark | None = None
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one Secret; `keys`, `labels` and `annotations` name what we put there, beside the `former` value."""

    owner: str
    api_token: str
    token_id: int
    nonce: str
    fingerprint: str
    issuance: Issuance
    keys: tuple[str, ...]
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    former: FormerMark | None = None

    @property
    def all_keys(self) -> tuple[str, ...]:
        """Every key of the data that is ours."""
        return (*self.keys, self.former.key) if self.former else self.keys

    def as_annotations(self) -> dict[str, str]:
        """Return the marks as they stand in the Secret."""
        issued = _Issued(
            wishes=self.issuance,
            keys=self.keys,
            labels=self.labels,
            annotations=self.annotations,
            former=self.former,
        )
        return {
            OWNER: self.owner,
            API_TOKEN: self.api_token,
            TOKEN_ID: str(self.token_id),
            NONCE: self.nonce,
            FINGERPRINT: self.fingerprint,
            ISSUANCE: issued.model_dump_json(by_alias=True, exclude_none=True),
        }


def read_marks(annotations: Mapping[str, str]) -> Marks | None:
    """Return a Secret's marks, or None when one is missing or damaged."""
    try:
        issued = _Issued.model_validate_json(annotations[ISSUANCE])
        token_id = int(annotations[TOKEN_ID])
        if token_id < 1:
            return None
        return Marks(
            owner=annotations[OWNER],
            api_token=annotations[API_TOKEN],
            token_id=token_id,
            nonce=annotations[NONCE],
            fingerprint=annotations[FINGERPRINT],
            issuance=issued.wishes,
            keys=issued.keys,
            labels=issued.labels,
            annotations=issued.annotations,
            former=issued.former,
        )
    except (KeyError, ValueError, ValidationError):
        return None


def fingerprint(value: str, token_id: int, nonce: str) -> str:
    """Bind a value to its token and attempt: `<length>:<SHA-256 in hex>`."""
    return f"{len(value)}:{hashlib.sha256(f'{token_id}/{nonce}/{value}'.encode()).hexdigest()}"


def mark_former(key: str, token_id: int, value: str) -> FormerMark:
    """Bind a former value to its token and its key."""
    return FormerMark(key=key, token_id=token_id, fingerprint=fingerprint(value, token_id, key))


def is_former_value(text: str, mark: FormerMark) -> bool:
    """Whether a text is the former value that a mark speaks of."""
    return fingerprint(text, mark.token_id, mark.key) == mark.fingerprint


def find_value(texts: Iterable[str], marks: Marks) -> str | None:
    """Return the value that the fingerprint speaks of, wherever it stands in one of the texts."""
    length, _, _ = marks.fingerprint.partition(":")
    if not _LENGTH.fullmatch(length):
        return None
    size = int(length)
    for text in texts:
        if len(text) > _LONGEST_TEXT:
            continue
        for start in range(len(text) - size + 1):
            value = text[start : start + size]
            if fingerprint(value, marks.token_id, marks.nonce) == marks.fingerprint:
                return value
    return None


def managed(present: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return those of a Secret's labels or annotations that we put there, with their present values."""
    return {name: present[name] for name in names if name in present}
