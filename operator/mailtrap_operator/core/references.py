"""What an ApiToken refers to: its Secrets, accounts, workloads and the token to adopt, desired and on record."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, FINALIZER, PROOF_ANNOTATION
from mailtrap_operator.api.v1alpha1 import (
    AccountRef,
    ApiToken,
    CurrentToken,
    PreviousToken,
    RestartTarget,
)
from mailtrap_operator.core.actions import record_of
from mailtrap_operator.core.digests import targets_digest
from mailtrap_operator.core.observation import Absent, Found, Observation, SecretState, Unknown
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.reasons import Reason

_LONGEST_ID = 18
_PROOF = re.compile("([a-z0-9][-a-z0-9.]{0,252})(?:/([-._a-zA-Z0-9]{1,253}))?")


def secret_name(api_token: ApiToken) -> str:
    """Return the name that the spec gives the Secret."""
    return api_token.spec.secret_name or api_token.metadata.name


def former_secret_name(api_token: ApiToken) -> str | None:
    """Return the name of the Secret from which the value is to move, if there is one."""
    former = api_token.status.secret_name
    return former if former != secret_name(api_token) else None


def is_in_the_way(api_token: ApiToken) -> bool:
    """Whether someone else's Secret has the desired name, as far as the status knows."""
    return any(condition.reason == Reason.SECRET_NOT_OWNED for condition in api_token.status.conditions)


def is_unused(seen: Observation) -> bool:
    """Whether no token can exist with this object's tag."""
    api_token = seen.api_token
    status = api_token.status
    on_record = status.operation or status.current or status.previous
    is_ours = FINALIZER in api_token.metadata.finalizers
    return not (is_ours or on_record or isinstance(seen.secret, Found))


def may_have_consumers(token: PreviousToken) -> bool:
    """Whether someone may still use the value of a retired token: unless its answer was lost, no one knows."""
    return token.reason != Reason.UNTRACKED


def with_rollout(
    api_token: ApiToken, current: CurrentToken | None, previous: Iterable[PreviousToken]
) -> CurrentToken | None:
    """Return the present token with a restart due where workloads may use a former value.

    None is due where these very targets were restarted for it already.
    """
    if current is None or not api_token.spec.rollout_restart_targets:
        return current
    is_new_to_them = current.restarted_digest != targets_digest(api_token)
    is_due = is_new_to_them and any(map(may_have_consumers, previous))
    return current.model_copy(update={"rollout": "Due"}) if is_due else current


def moving_targets(api_token: ApiToken) -> tuple[RestartTarget, ...]:
    """Return the workloads that are to move, or are moving, to the present value."""
    record = record_of(api_token.status)
    current = with_rollout(api_token, record.current, record.previous)
    return api_token.spec.rollout_restart_targets if current and current.rollout else ()


def unproven_targets(api_token: ApiToken) -> tuple[RestartTarget, ...]:
    """Return the workloads to restart after the next rotation that were not looked at, or were not all there then."""
    status = api_token.status
    is_new = status.observed_generation != api_token.metadata.generation
    is_in_trouble = any(
        c.type == "RolloutRestart" and c.reason != Reason.RESTARTING for c in status.conditions
    )
    return api_token.spec.rollout_restart_targets if is_new or is_in_trouble else ()


def requested_adoption(api_token: ApiToken) -> str:
    """Return what the annotation says that is to be adopted; empty: nothing."""
    return api_token.metadata.annotations.get(ADOPT_ANNOTATION, "")


def adoptee_id(api_token: ApiToken) -> int | None:
    """Return the id of the token that is to be adopted and was not yet, as far as the annotation names one."""
    text = requested_adoption(api_token)
    is_id = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_ID and int(text) > 0
    return int(text) if is_id and int(text) != api_token.status.adopted else None


class ProofPlace(NamedTuple):
    """Where the value of the token to adopt stands: a Secret of the object's namespace, and a key of it."""

    namespace: str
    name: str
    key: str


def proof_place(api_token: ApiToken) -> ProofPlace | None:
    """Return what the annotation names as proof; None where it names no Secret."""
    meta = api_token.metadata
    match = _PROOF.fullmatch(meta.annotations.get(PROOF_ANNOTATION, ""))
    return ProofPlace(meta.namespace or "", match[1], match[2] or "token") if match else None


def was_adopted(api_token: ApiToken, token_id: int) -> bool:
    """Whether a token was adopted, by what the status says of it in either place."""
    status = api_token.status
    on_record = {token.id for token in status.previous if token.reason == Reason.ADOPTED}
    return token_id in {status.adopted, *on_record}


def is_adopted(api_token: ApiToken, token_id: int) -> bool:
    """Whether a token was adopted, and no one has taken that back since."""
    annotations = api_token.metadata.annotations
    requested = annotations.get(ADOPT_ANNOTATION), annotations.get(CONFIRM_ANNOTATION)
    return was_adopted(api_token, token_id) and requested == (str(token_id), str(token_id))


def is_taken_back(api_token: ApiToken, token: CurrentToken | PreviousToken) -> bool:
    """Whether a token on record was adopted, and that was taken back."""
    is_on_its_way = isinstance(token, PreviousToken) and token.reason == Reason.ADOPTED
    return is_on_its_way and not is_adopted(api_token, token.id)


def adoption_requested(api_token: ApiToken) -> bool:
    """Whether a token is to be adopted that was not yet."""
    return requested_adoption(api_token) not in {"", str(api_token.status.adopted)}


def own_secret(
    secret: Found[SecretState] | Absent | Unknown, api_token: ApiToken, installation: str
) -> SecretState | None:
    """Return a Secret where it exists and has this object's mark; of any other nothing is believed."""
    mark = owner_mark(api_token, installation)
    return secret.value if isinstance(secret, Found) and secret.value.owner == mark else None


def owner_part(api_token: ApiToken, installation: str) -> str:
    """Return the object's part of its tokens' tag."""
    meta = api_token.metadata
    return owner_of(installation, meta.namespace or "", meta.name, meta.uid)


def owner_mark(api_token: ApiToken, installation: str) -> str:
    """Return what a Secret of this object has in its owner annotation."""
    return f"{installation}-{owner_part(api_token, installation)}"


def account_refs(api_token: ApiToken, secret: SecretState | None = None) -> tuple[AccountRef, ...]:
    """Return the accounts to look at, the desired one first: also those where tokens of this object may still live.

    `secret` is the object's own Secret.
    """
    status = api_token.status
    refs = [api_token.spec.account_ref, *(token.account for token in status.previous)]
    refs += [part.account for part in (status.current, status.operation) if part]
    if secret and secret.issuance:
        refs.append(secret.issuance.account)
    return tuple(dict.fromkeys(refs))


def issued_access(seen: Observation) -> frozenset[str]:
    """Return the digests of the access that the tokens were issued for which the status and the Secrets hold."""
    current, installation = seen.api_token.status.current, seen.identity.installation
    secrets = (
        own_secret(secret, seen.api_token, installation) for secret in (seen.secret, seen.former_secret)
    )
    issuances = [secret.issuance for secret in secrets if secret and secret.issuance]
    return frozenset(each.access_digest for each in (current, *issuances) if each)


def ids_on_record(seen: Observation, ref: AccountRef) -> frozenset[int]:
    """Return the ids of the tokens that status and Secret place in an account."""
    status = seen.api_token.status
    ids = {token.id for token in status.previous if token.account == ref}
    if status.current and status.current.account == ref:
        ids.add(status.current.id)
    secret = own_secret(seen.secret, seen.api_token, seen.identity.installation)
    # An id in a Secret that was edited proves nothing: it may be anyone's.
    if secret and secret.is_intact and secret.token_id and secret.issuance and secret.issuance.account == ref:
        ids.add(secret.token_id)
    if status.operation and status.operation.type == "Delete":
        # The token of the Secret, which was deleted already.
        ids.discard(status.operation.base or 0)
    return frozenset(ids)
