"""The marks that a Secret of ours has: whose it is, which token it holds, and what we put into it.

They are written in the same request as the value, so that value and marks cannot disagree; the fingerprint binds
them, so that an edited one is noticed. Anyone who may write Secrets may write marks: none is used beyond the bounds of
what we write ourselves.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from mailtrap_operator.api.fields import Model
from mailtrap_operator.api.names import (
    API_TOKEN,
    FINGERPRINT,
    HAND_OVER_ANNOTATION,
    ISSUANCE,
    NONCE,
    OWNER,
    TOKEN_ID,
)
from mailtrap_operator.api.v1alpha1 import Issuance
from mailtrap_operator.core.observation import OwnerReference
from mailtrap_operator.core.ownership import HeldToken, MadeFor, owner_in, owner_of

SHORTEST_VALUE, LONGEST_VALUE = 8, 4096
"""So many characters a value has; the form of a text with a shorter one could be longer than the text."""

LONGEST_TEXT = 65_536
"""No template grows longer than so many characters."""

_OWNER = re.compile("[a-z2-7]{6}-[a-z2-7]{10}")
_NONCE = re.compile("[a-z2-7]{8}")
_TOKEN_ID = re.compile("[1-9][0-9]{0,18}")
_FINGERPRINT = re.compile("([1-9][0-9]{0,3}):[0-9a-f]{64}")

_LARGEST_ID = 2**63 - 1
_LONGEST_NAME = 253
_LONGEST_UID = 64
_LONGEST_METADATA_KEY = 317
"""A prefix of 253 characters, a slash and a name of 63."""

_LONGEST_ISSUANCE = 65_536
"""The longest that we write has about 40,000 characters."""

_MOST = 33
"""A template has 32 keys, labels and annotations at most; one more may be the operator's."""


def _none_twice(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        message = "one is named twice"
        raise ValueError(message)
    return names


_Key = Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)]
_MetadataKey = Annotated[str, Field(max_length=_LONGEST_METADATA_KEY)]
_Keys = Annotated[tuple[_Key, ...], Field(max_length=_MOST), AfterValidator(_none_twice)]
_MetadataKeys = Annotated[tuple[_MetadataKey, ...], Field(max_length=_MOST), AfterValidator(_none_twice)]
_Offset = Annotated[int, Field(strict=True, ge=0, lt=LONGEST_TEXT)]


class FormerMark(Model):
    """The JSON text of what binds a former value: where it stands, and whose it is."""

    key: _Key
    token_id: int = Field(strict=True, ge=1, le=_LARGEST_ID)
    fingerprint: str = Field(pattern=f"^{_FINGERPRINT.pattern}$")


class _Issued(Model):
    """The JSON text of the issuance annotation: the desired state it was issued for, and what we put into the Secret.

    `places` says at which character of a key's text the value begins, `uid` is the ApiToken's. Secrets that were written
    before these were recorded have none.
    """

    wishes: Issuance
    uid: str = Field("", max_length=_LONGEST_UID)
    keys: _Keys
    places: Mapping[_Key, _Offset] | None = Field(None, max_length=_MOST)
    former: FormerMark | None = None
    labels: _MetadataKeys = ()
    annotations: _MetadataKeys = ()

    @model_validator(mode="after")
    def _places_are_in_keys(self) -> Self:
        if not set(self.places or ()) <= set(self.keys):
            message = "a place is in no key of ours"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one Secret; `keys`, `labels` and `annotations` name what we put there, beside the `former` value.

    `owner` is a digest; `api_token` and `uid`, empty where that was not recorded, are what it is made of beside the
    installation and the namespace.

    `places` maps a key to the character at which the value begins in its text; None where that was not recorded.
    """

    owner: str
    api_token: str
    token_id: int
    nonce: str
    fingerprint: str
    issuance: Issuance
    keys: tuple[str, ...]
    places: Mapping[str, int] | None = None
    labels: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()
    former: FormerMark | None = None
    uid: str = ""

    @property
    def all_keys(self) -> tuple[str, ...]:
        """Every key of the data that is ours."""
        return (*self.keys, self.former.key) if self.former else self.keys

    def as_annotations(self) -> dict[str, str]:
        """Return the marks as they stand in the Secret."""
        issued = _Issued(
            wishes=self.issuance,
            uid=self.uid,
            keys=self.keys,
            places=self.places,
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


def read_owner(annotations: Mapping[str, str]) -> str | None:
    """Return whose a Secret is, `<installation>-<owner>`, or None when it does not say so as we do."""
    owner = annotations.get(OWNER, "")
    return owner if _OWNER.fullmatch(owner) else None


def read_hand_over(annotations: Mapping[str, str]) -> str | None:
    """Return the name of the ApiToken that a Secret without an owner is handed over to, if there is one."""
    return None if OWNER in annotations else annotations.get(HAND_OVER_ANNOTATION, "")[:_LONGEST_NAME] or None


def read_marks(annotations: Mapping[str, str], installation: str) -> Marks | None:
    """Return a Secret's marks, or None when one is missing or damaged, or they are another installation's."""
    owner = read_owner(annotations)
    if owner is None or not owner.startswith(f"{installation}-"):
        return None
    texts = {name: annotations.get(name, "") for name in (API_TOKEN, TOKEN_ID, NONCE, FINGERPRINT, ISSUANCE)}
    if not _is_within_bounds(texts):
        return None
    try:
        issued = _Issued.model_validate_json(texts[ISSUANCE])
    except ValidationError:
        return None
    return Marks(
        owner=owner,
        api_token=texts[API_TOKEN],
        token_id=int(texts[TOKEN_ID]),
        nonce=texts[NONCE],
        fingerprint=texts[FINGERPRINT],
        issuance=issued.wishes,
        keys=issued.keys,
        places=issued.places,
        labels=issued.labels,
        annotations=issued.annotations,
        former=issued.former,
        uid=issued.uid,
    )


def made_for(
    marks: Marks, namespace: str, installation: str, owners: Iterable[OwnerReference] = ()
) -> MadeFor:
    """Return the ApiToken for which a Secret of a namespace was made, as its marks say and their digest proves."""
    uids = [marks.uid, *(owner.uid for owner in owners if owner.kind == "ApiToken")]
    digests = {
        f"{installation}-{owner_of(installation, namespace, marks.api_token, uid)}": uid
        for uid in uids
        if uid
    }
    return MadeFor(marks.api_token, digests.get(marks.owner, ""))


def tokens_marked_as_held(meta: Mapping[str, Any], installation: str) -> frozenset[HeldToken]:
    """Return the tokens whose values a Secret holds, by its metadata alone: as its marks say, and prove whose they are."""
    marks = read_marks(meta.get("annotations") or {}, installation)
    if marks is None or not made_for(marks, meta["namespace"], installation).uid:
        return frozenset()
    ids = (marks.token_id, *([marks.former.token_id] if marks.former else ()))
    return frozenset((owner_in(marks.owner), id_) for id_ in ids)


def _is_within_bounds(texts: Mapping[str, str]) -> bool:
    return bool(
        1 <= len(texts[API_TOKEN]) <= _LONGEST_NAME
        and _TOKEN_ID.fullmatch(texts[TOKEN_ID])
        and int(texts[TOKEN_ID]) <= _LARGEST_ID
        and _NONCE.fullmatch(texts[NONCE])
        and _FINGERPRINT.fullmatch(texts[FINGERPRINT])
        and SHORTEST_VALUE <= length_in(texts[FINGERPRINT]) <= LONGEST_VALUE
        and len(texts[ISSUANCE]) <= _LONGEST_ISSUANCE
    )


def fingerprint(value: str, token_id: int, nonce: str) -> str:
    """Bind a value to its token and attempt: `<length>:<SHA-256 in hex>`."""
    return f"{len(value)}:{hashlib.sha256(f'{token_id}/{nonce}/{value}'.encode()).hexdigest()}"


def marked_id(annotations: Mapping[str, str], value: str) -> int | None:
    """Return which token a value is, where the marks of its Secret speak of that very value."""
    token_id, nonce = annotations.get(TOKEN_ID, ""), annotations.get(NONCE, "")
    if not (_TOKEN_ID.fullmatch(token_id) and _NONCE.fullmatch(nonce)):
        return None
    is_of_it = annotations.get(FINGERPRINT) == fingerprint(value, int(token_id), nonce)
    return int(token_id) if is_of_it else None


def length_in(text: str) -> int:
    """Return how long the value is that a fingerprint speaks of."""
    return int(text.partition(":")[0])


def mark_former(key: str, token_id: int, value: str) -> FormerMark:
    """Bind a former value to its token and its key."""
    return FormerMark(key=key, token_id=token_id, fingerprint=fingerprint(value, token_id, key))


def managed(present: Mapping[str, str], names: Iterable[str]) -> dict[str, Any]:
    """Return those of a Secret's labels or annotations that we put there, with their present values."""
    return {name: present[name] for name in names if name in present}
