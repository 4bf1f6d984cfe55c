"""Whose a remote token is: the tag in its name; and whose the Secret with its value is.

The remote API knows no owner and no idempotency key, so the name carries both:
`<display name> [k8s:<installation>-<owner>-<nonce>]`. A reset appends ` <id>`, perhaps several times.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MARK = re.compile(r"\[k8s:([a-z2-7]{6})-([a-z2-7]{10})-([a-z2-7]{8})\]")
"""What a tag looks like, wherever it stands."""

_MARK = "[k8s:"
_TAG = re.compile(rf"{MARK.pattern}(?: \d+)*$")


@dataclass(frozen=True, slots=True)
class Tag:
    """The owner's mark in the name of a remote token."""

    installation: str
    owner: str
    nonce: str

    def __str__(self) -> str:
        return f"[k8s:{self.installation}-{self.owner}-{self.nonce}]"


class MadeFor(NamedTuple):
    """The ApiToken that the marks of a Secret name; `uid` is empty where they do not prove that it is of its namespace."""

    name: str
    uid: str


class Neighbour(NamedTuple):
    """The living ApiToken of the same namespace that a Secret belongs to, and the Secret that it names.

    `moves` says that its value is to leave this Secret, `makes_room` that it waits for its own in a ring that ends here:
    each waits for the next.
    """

    name: str
    secret_name: str
    moves: bool = False
    makes_room: bool = False


HeldToken = tuple[str, int]
"""A token whose value a Secret holds: the owner in its tag, and its id."""


def base32(data: bytes, length: int) -> str:
    """Return the first `length` lower-case base32 characters, 16 at most, of the SHA-256 of `data`."""
    return base64.b32encode(hashlib.sha256(data).digest()[:10]).decode().lower()[:length]


def installation_of(cluster_uid: str) -> str:
    """Return the cluster's part of the tag: 6 base32 characters."""
    return base32(cluster_uid.encode(), 6)


@lru_cache(maxsize=256)  # one reconcile asks some 20 times for the same object
def owner_of(installation: str, namespace: str, name: str, uid: str) -> str:
    """Return the object's part of the tag: 10 base32 characters, another one for each recreated object."""
    return base32(f"{installation}/{namespace}/{name}/{uid}".encode(), 10)


def owner_in(mark: str | None) -> str:
    """Return the object's part of a Secret's owner mark, `<installation>-<owner>`; empty where there is none."""
    return (mark or "").partition("-")[2]


def nonce_of(randomness: bytes) -> str:
    """Return an attempt's part of the tag: 8 base32 characters."""
    return base32(randomness, 8)


def remote_name(display_name: str, tag: Tag) -> str:
    """Return the name under which a remote token is created."""
    return f"{display_name} {tag}"


def parse_tag(name: str) -> Tag | None:
    """Return the tag at the end of a remote name, or None: then the token is not ours to touch."""
    match = _TAG.search(name)
    return Tag(*match.groups()) if match else None


def may_have_a_tag(name: str) -> bool:
    """Whether a remote name holds what begins a tag, also one that this version cannot read."""
    return _MARK in name
