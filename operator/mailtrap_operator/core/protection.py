"""Whether an account object and its credential must stay: without them no token could be deleted any more.

Both bear a finalizer while some ApiToken may have tokens in the account. The status names the Secret that bears it, and
does so before it is put there, so that a change of the reference never leaves one behind.
"""

from collections.abc import Collection
from dataclasses import dataclass

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.enumeration import enumerated
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.reasons import Reason

CONDITION = "DeletionBlocked"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class CredentialSecret:
    """What matters of the Secret that holds a credential, besides the credential."""

    namespace: str
    name: str
    resource_version: str
    finalizers: tuple[str, ...]
    is_going: bool

    @property
    def is_held(self) -> bool:
        """Whether our finalizer holds it."""
        return CREDENTIAL_FINALIZER in self.finalizers


def may_have_tokens(api_token: ApiToken) -> bool:
    """Whether tokens of an object may live: it bears our finalizer, or has some on record."""
    status = api_token.status
    on_record = status.operation or status.current or status.previous
    return FINALIZER in api_token.metadata.finalizers or bool(on_record)


def is_held(account: Account) -> bool:
    """Whether our finalizer holds an account object."""
    return ACCOUNT_FINALIZER in account.metadata.finalizers


def is_going(account: Account) -> bool:
    """Whether an account object is being deleted."""
    return account.metadata.deletion_timestamp is not None


def secrets_to_free(account: Account, seen: CredentialSecret | None, *, is_used: bool) -> tuple[str, ...]:
    """Return the names of the Secrets that need not stay any more: a former one, or all when nobody uses the account.

    `seen` is the Secret that the spec names, as it was read last: it may bear a finalizer of which the status has lost
    the record.
    """
    wished, recorded = account.spec.credentials_secret_ref.name, account.status.credentials_secret
    names = {recorded} if recorded else set()
    if seen is not None and seen.is_held:
        names.add(seen.name)
    return tuple(sorted(names - {wished} if is_used else names))


def secret_must_be_held(account: Account, seen: CredentialSecret) -> bool:
    """Whether the Secret of an account in use still lacks its finalizer; one that is going takes none any more."""
    if seen.is_held or seen.is_going:
        return False
    return seen.name == account.status.credentials_secret == account.spec.credentials_secret_ref.name


def condition_of(
    account: Account, seen: CredentialSecret | None, users: Collection[ApiTokenKey]
) -> Wanted | None:
    """Return the condition that says whom a deletion waits for, None where none waits."""
    if not users:
        return None
    names = enumerated(sorted(users), _MOST_NAMED)
    waits = (
        f"is being deleted; that waits for the ApiTokens that may have tokens there, {len(users)}: {names}."
    )
    if is_going(account):
        advice = "Delete them, or name another account in their spec.accountRef. No further ApiToken gets a token here."
        return CONDITION, "True", Reason.ACCOUNT_IN_USE, f"The account {waits} {advice}"
    if seen is not None and seen.is_going:
        advice = (
            "To go on, put the credential into another Secret and name that in spec.credentialsSecretRef."
        )
        words = f"Secret {seen.namespace}/{seen.name} with the credential {waits} {advice}"
        return CONDITION, "True", Reason.CREDENTIAL_IN_USE, words
    return None
