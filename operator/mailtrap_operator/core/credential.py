"""The credential that manages an account, as far as the account's list reports it: which token it is, when it ends.

A list shows the last four characters of each value. Two tokens may share them: then the marks of the Secret tell which one
it is, where an operator wrote the value there; else it is not told, and neither is touched. Several account objects may stand for one account in Mailtrap: then it has several credentials.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import CredentialToken, SecretKeyRef, print_time
from mailtrap_operator.core.observation import CredentialInUse, RemoteToken
from mailtrap_operator.core.observed_state import ObservedState

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential that an account was listed with; `token` is None where the list does not tell which one it is.

    `sees_all` says that it administers the account: what is not there for it is not there.
    """

    last_four: str
    token: CredentialToken | None
    sees_all: bool = False


def credential_among(
    listed: Iterable[RemoteToken], last_four: str, marked_id: int | None = None
) -> Credential:
    """Return what a list says of the credential that it was asked with.

    `marked_id` is the token that its Secret says it is. That is a claim: it chooses among those that end alike, no more.
    """
    alike = [token for token in listed if token.last_four == last_four]
    if len(alike) > 1:
        alike = [token for token in alike if token.id == marked_id]
    if len(alike) != 1:
        return Credential(last_four, None)
    found = CredentialToken(token_id=alike[0].id, last_four=last_four, expires_at=alike[0].expires_at)
    rights = alike[0].permissions or ()
    sees_all = any(each.type == "account" and each.access_level == "Admin" for each in rights)
    return Credential(last_four, found, sees_all)


def is_in_use(s: ObservedState, token: RemoteToken) -> bool:
    """Whether a token may be a credential that its account is managed with: it is neither reset nor deleted."""
    return _credential_of(s, token) is not None


def _credential_of(s: ObservedState, token: RemoteToken) -> CredentialInUse | None:
    view = s.view(token.account)
    return next((each for each in view.credentials if each.may_be(token)), None) if view else None


def why_it_stays(s: ObservedState, token: RemoteToken) -> str:
    """Return why a token in use is not deleted, and what to do."""
    credential = _credential_of(s, token)
    account = credential.account if credential else "its account"
    is_deleted_with_secret = (
        s.held_unconfirmed
        and s.held_unconfirmed.id == token.id
        and s.api_token.spec.creation_policy == "Owner"
    )
    place = (
        f"another Secret, and name that in spec.credentialsSecretRef of {account}"
        if is_deleted_with_secret
        else f"the credentials Secret of {account}"
    )
    return (
        f"Token {token.id} is not deleted: it ends with …{token.last_four}, as does the credential that the operator "
        f"works with. Put another token into {place}."
    )


def why_it_is_expiring(credential: CredentialToken, place: SecretKeyRef, now: datetime) -> str | None:
    """Return that a credential ends soon, and what to do; None while it does not."""
    end = credential.expires_at
    if end is None or end - now > _SOON:
        return None
    return (
        f"The credential, token {credential.token_id} (…{credential.last_four}), expires at {print_time(end)}; then nothing "
        f"can be issued, rotated or deleted. Put another token into key {place.key!r} of Secret {place.name}; "
        "no restart is needed."
    )
