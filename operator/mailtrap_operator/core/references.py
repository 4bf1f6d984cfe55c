"""What an ApiToken refers to: its Secrets and its accounts, wished and on record."""

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.core.observation import Absent, Found, SecretState, Unknown


def secret_name(api_token: ApiToken) -> str:
    """Return the name that the spec gives the Secret."""
    return api_token.spec.secret_name or api_token.metadata.name


def former_secret_name(api_token: ApiToken) -> str | None:
    """Return the name of the Secret from which the value is to move, if there is one."""
    former = api_token.status.secret_name
    return former if former != secret_name(api_token) else None


def account_refs(
    api_token: ApiToken, secret: Found[SecretState] | Absent | Unknown | None = None
) -> tuple[AccountRef, ...]:
    """Return the accounts to look at, the wished one first: also those where tokens of this object may still live."""
    status = api_token.status
    refs = [api_token.spec.account_ref, *(token.account for token in status.previous)]
    refs += [part.account for part in (status.current, status.operation) if part]
    if isinstance(secret, Found) and secret.value.issuance:
        refs.append(secret.value.issuance.account)
    return tuple(dict.fromkeys(refs))
