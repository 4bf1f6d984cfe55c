"""Digests of the desired state that a token is issued for: they show later whether it changed."""

import hashlib
import json
from collections.abc import Iterable

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import ApiToken, Resource, print_time
from mailtrap_operator.core.observation import Permission
from mailtrap_operator.core.resource_types import canonical_type

_LONGEST_NAME = 150

_LONGEST_REQUEST = 256

PLACEHOLDER = "${token}"
"""Stands in a template where the token value goes."""


def form_digest(text: str) -> str:
    """Digest a text in which the placeholder stands for the value."""
    return _digest(text)


def access_digest(api_token: ApiToken, account_id: int | None, resources: Iterable[Resource]) -> str:
    """Digest what only another token can change: account, display name and permissions, in any order.

    `resources` are those of the spec, with their ids: whether one is given by a name does not count, nor in which reference
    its type has the name.
    """
    ref = api_token.spec.account_ref
    permissions = sorted([canonical_type(r.type), str(r.id), r.access_level] for r in resources)
    return _digest([[ref.kind, ref.name, account_id], display_name(api_token), permissions])


def expiration_digest(api_token: ApiToken) -> str:
    """Digest the desired expiration, which a reset can change."""
    desired = api_token.spec.expiration
    after, at = (
        desired.after if desired.after is None else desired.after.total_seconds(),
        desired.at and print_time(desired.at),
    )
    return _digest([desired.policy, after, at])


def targets_digest(api_token: ApiToken) -> str:
    """Digest the workloads that are to move to each new value."""
    targets = api_token.spec.rollout_restart_targets
    return _digest([target.model_dump(mode="json") for target in targets])


def permissions_digest(permissions: Iterable[Permission] | None) -> str:
    """Digest the permissions that Mailtrap reports, in any order; empty where it reports none."""
    return "" if permissions is None else _digest(sorted(permissions))


def rotate_request(api_token: ApiToken) -> str:
    """Return the rotation that the annotation asks for, one too long to be kept as its digest; empty: none."""
    request = api_token.metadata.annotations.get(ROTATE_ANNOTATION, "")
    return request if len(request) <= _LONGEST_REQUEST else _digest(request)


def display_name(api_token: ApiToken) -> str:
    """Return the part of the remote name that people read; a default as long as a desired one may be."""
    meta = api_token.metadata
    return api_token.spec.display_name or f"{meta.namespace}/{meta.name}"[:_LONGEST_NAME]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
