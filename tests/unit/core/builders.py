"""Small worlds for the tests of the core: everything has a good default, a test names only what matters to it.

The default object has been served: token 1 is published in the Secret `billing`, on record, listed, and never expires.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mailtrap_operator.api.names import FINALIZER, MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import (
    AccountRef,
    ApiToken,
    ApiTokenSpec,
    ApiTokenStatus,
    Condition,
    CurrentToken,
    Issuance,
    Metadata,
    OperationStatus,
    PreviousToken,
    Resource,
)
from mailtrap_operator.core import digests
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.observation import (
    Absent,
    AccountView,
    CredentialInUse,
    Found,
    Identity,
    Observation,
    OwnerReference,
    RemoteToken,
    SecretState,
    Tenancy,
    Unknown,
    UnpublishedToken,
)
from mailtrap_operator.core.ownership import Tag, owner_of
from mailtrap_operator.core.reasons import Reason

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)

ACCOUNT = AccountRef()
OTHER_ACCOUNT = AccountRef(name="other")
ACCOUNT_IDS = {ACCOUNT: 3229, OTHER_ACCOUNT: 4711}

INSTALLATION, NAMESPACE, NAME, UID = "aaaaaa", "shop", "billing", "uid-1"
ME, ANOTHER_OPERATOR = "operator-1", "operator-2"
OPERATOR_NAMESPACE = "mailtrap-system"
SETTLE = timedelta(seconds=60)
OWNER = owner_of(INSTALLATION, NAMESPACE, NAME, UID)
OWNER_MARK = f"{INSTALLATION}-{OWNER}"

FRESH, NONCE, OLD_NONCE, LOST_NONCE = "freshaaa", "presenta", "oldaaaaa", "lostaaaa"
"""Of the next attempt; of token 1, which the Secret holds; of an earlier one; of one whose answer was lost."""

OWN_REFERENCE = OwnerReference("mailtrap-operator.io/v1alpha1", "ApiToken", NAME, UID)
ANOTHERS_REFERENCE = replace(OWN_REFERENCE, name="another", uid="uid-of-another")

DOMAIN = Resource(type="domain", id=7, access_level="Admin")
TIMEOUT = Unknown(Reason.REMOTE_UNAVAILABLE, "Mailtrap gave no complete answer; it is looked at again.")


def an_api_token(
    *,
    status: ApiTokenStatus | None = None,
    finalizers: tuple[str, ...] = (FINALIZER,),
    annotations: Mapping[str, str] | None = None,
    deleted: bool = False,
    **spec: Any,
) -> ApiToken:
    """Return an object; `spec` takes the fields of the spec by their Python names."""
    meta = Metadata(
        name=NAME,
        namespace=NAMESPACE,
        uid=UID,
        resource_version="10",
        generation=3,
        creation_timestamp=NOW - 90 * DAY,
        deletion_timestamp=NOW - SECOND if deleted else None,
        finalizers=finalizers,
        annotations=annotations or {},
    )
    desired = ApiTokenSpec.model_validate({"resources": (DOMAIN,), **spec}, by_name=True)
    return ApiToken(metadata=meta, spec=desired, status=status or a_status())


WIPED = ApiTokenStatus()
"""What is left when someone cleared the status, or when there never was one."""


def an_issuance(
    *, account: AccountRef = ACCOUNT, issued_at: datetime = NOW - 30 * DAY, desired: ApiToken | None = None
) -> Issuance:
    """Return what is known of a token that was issued for `desired`, by default those of `an_api_token()`."""
    api_token = desired or an_api_token(status=WIPED, account_ref=account)
    return Issuance(
        issued_at=issued_at,
        access_digest=digests.access_digest(api_token, ACCOUNT_IDS[account], api_token.spec.resources),
        expiration_digest=digests.expiration_digest(api_token),
        account=account,
    )


def a_current(
    id_: int = 1,
    *,
    account: AccountRef = ACCOUNT,
    issued_at: datetime = NOW - 30 * DAY,
    expires_at: datetime | None = None,
    reset_refused: bool = False,
    desired: ApiToken | None = None,
) -> CurrentToken:
    """Return the record of a token that fulfils the spec."""
    issuance = an_issuance(account=account, issued_at=issued_at, desired=desired)
    return CurrentToken(
        id=id_,
        last_four=f"{id_:04}",
        expires_at=expires_at,
        **dict(issuance),
        reset_refused=reset_refused,
    )


CURRENT_1 = a_current()


def a_status(
    *,
    operation: OperationStatus | None = None,
    current: CurrentToken | None = CURRENT_1,
    previous: tuple[PreviousToken, ...] = (),
    secret_name: str | None = NAME,
    conditions: tuple[Condition, ...] = (),
    **more: Any,
) -> ApiTokenStatus:
    """Return a status that has token 1 on record; `more` are further fields."""
    return ApiTokenStatus(
        observed_generation=3,
        operation=operation,
        current=current,
        previous=previous,
        secret_name=secret_name,
        conditions=conditions,
        **more,
    )


def a_previous(
    id_: int,
    *,
    delete_after: datetime = NOW + HOUR,
    account: AccountRef = ACCOUNT,
    reason: Reason = Reason.SUPERSEDED,
) -> PreviousToken:
    """Return the record of a retired token."""
    return PreviousToken(
        id=id_, last_four=f"{id_:04}", delete_after=delete_after, reason=reason, account=account
    )


def an_operation(
    type_: Literal["Create", "Reset", "Delete"] = "Create",
    *,
    nonce: str = LOST_NONCE,
    base: int | None = None,
    ago: timedelta = SECOND,
    holder: str = ME,
    account: AccountRef = ACCOUNT,
) -> OperationStatus:
    """Return an operation that was claimed, and seen, a moment ago."""
    return OperationStatus(
        type=type_, nonce=nonce, base=base, started_at=NOW - ago, holder=holder, account=account
    )


def a_tag(nonce: str = NONCE) -> Tag:
    """Return the mark of this very object."""
    return Tag(INSTALLATION, OWNER, nonce)


OURS = a_tag()
FOREIGN_TAG = Tag("zzzzzz", OWNER, NONCE)
SIBLINGS_TAG = Tag(INSTALLATION, "siblingaaa", NONCE)


def a_remote_token(
    id_: int = 1,
    *,
    nonce: str = NONCE,
    expires_at: datetime | None = None,
    account: AccountRef = ACCOUNT,
    tag: Tag | None = OURS,
    name: str | None = None,
) -> RemoteToken:
    """Return a listed token that has this object's tag."""
    mark = a_tag(nonce) if tag is OURS else tag
    return RemoteToken(
        id=id_,
        name=name or f"{NAMESPACE}/{NAME} {mark}",
        last_four=f"{id_:04}",
        expires_at=expires_at,
        account=account,
        tag=mark,
    )


AS_DESIRED = an_issuance()


def a_secret(
    token_id: int | None = 1,
    *,
    name: str = NAME,
    nonce: str | None = NONCE,
    owner: str | None = OWNER_MARK,
    issuance: Issuance | None = AS_DESIRED,
    data: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    owners: tuple[OwnerReference, ...] = (OWN_REFERENCE,),
) -> SecretState:
    """Return the Secret that the default object wants, holding token 1."""
    form = {"token": digests.PLACEHOLDER} if data is None else data
    return SecretState(
        name=name,
        uid=f"uid of {name}",
        resource_version="20",
        owner=owner,
        token_id=token_id,
        nonce=nonce,
        issuance=issuance,
        layout={key: digests.form_digest(text) for key, text in form.items()},
        labels={MANAGED_BY_LABEL: "mailtrap-operator", **(labels or {})},
        annotations=annotations or {},
        owners=owners,
    )


def an_edited_secret(token_id: int = 1) -> SecretState:
    """Return a Secret with our marks in which the value cannot be found any more."""
    return a_secret(token_id, data={})


def a_foreign_secret(name: str = NAME) -> SecretState:
    """Return a Secret that someone else made."""
    return a_secret(None, name=name, nonce=None, owner=None, issuance=None, data={}, owners=())


Tokens = tuple[RemoteToken, ...] | Unknown
SECRET_1 = a_secret()
TOKEN_1 = a_remote_token()


def seen(
    api_token: ApiToken | None = None,
    *,
    secret: SecretState | Unknown | None = SECRET_1,
    former_secret: SecretState | Unknown | None = None,
    listed: Tokens = (TOKEN_1,),
    listed_elsewhere: Tokens | None = None,
    unpublished: UnpublishedToken | None = None,
    tenancy: Tenancy | None = None,
    credential: str | None = None,
    is_account_terminating: bool = False,
) -> Observation:
    """Return what a reconcile has read.

    The default Secret was written when the record says. `listed` is what the LIST of the desired account said, `listed_elsewhere` that of the other account on record.
    `tenancy` is what the desired account asks of the object; by default it asks for nothing. `credential` are the last four
    characters of what the accounts were listed with.
    `is_account_terminating` says that the desired account is being deleted.
    """
    subject = api_token or an_api_token()
    desired = subject.spec.account_ref
    other = ACCOUNT if desired == OTHER_ACCOUNT else OTHER_ACCOUNT
    views = [replace(_view(desired, listed, credential), is_terminating=is_account_terminating)]
    if listed_elsewhere is not None:
        views.append(_view(other, listed_elsewhere, credential))
    if secret is SECRET_1 and subject.status.current:
        secret = a_secret(issuance=an_issuance(issued_at=subject.status.current.issued_at))
    return Observation(
        api_token=subject,
        secret=_read(secret),
        accounts=(replace(views[0], tenancy=tenancy), *views[1:]),
        identity=Identity(INSTALLATION, ME, SETTLE, OPERATOR_NAMESPACE),
        fresh_nonce=FRESH,
        former_secret=_read(former_secret),
        unpublished=unpublished,
        claim_age=NOW - claim.started_at if (claim := subject.status.operation) else timedelta(),
    )


def _view(ref: AccountRef, listed: Tokens, credential: str | None) -> AccountView:
    answer = _answer(listed)
    used = a_credential(ref, credential) if credential and isinstance(answer, Found) else ()
    return AccountView(ref, ACCOUNT_IDS[ref], answer, credentials=used)


def a_credential(ref: AccountRef, *last_fours: str) -> tuple[CredentialInUse, ...]:
    """Return what an account is managed with; which tokens these are is not known."""
    return tuple(CredentialInUse(account_key(ref, NAMESPACE), last_four) for last_four in last_fours)


def _read(secret: SecretState | Unknown | None) -> Found[SecretState] | Absent | Unknown:
    if secret is None:
        return Absent()
    return Found(secret) if isinstance(secret, SecretState) else secret


def _answer(tokens: Tokens) -> Found[tuple[RemoteToken, ...]] | Unknown:
    return tokens if isinstance(tokens, Unknown) else Found(tokens)


def a_value_in_memory(
    id_: int = 2, nonce: str = LOST_NONCE, account: AccountRef = ACCOUNT
) -> UnpublishedToken:
    """Return a token whose value this process still has to publish."""
    return UnpublishedToken(nonce, a_remote_token(id_, nonce=nonce, account=account))
