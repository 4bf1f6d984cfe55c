"""What one reconcile has read of an account: its LIST, and what the watches have shown.

The functions in it look up what the watches have shown; a plan is made before that changes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from mailtrap_operator.api.v1alpha1 import Account, AccountSpec, CredentialToken
from mailtrap_operator.core.clocks import ClockDifference
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import CredentialInUse, Found, OwnedTokens, RemoteToken, Unknown
from mailtrap_operator.core.protection import CredentialSecret, Reach, Usage
from mailtrap_operator.core.reverts import Reverted


class Terms(NamedTuple):
    """What decides whether an account serves its users; `credential` is equal to itself alone."""

    spec: AccountSpec
    credential: object
    is_terminating: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """What this process remembers of the last reconcile of an account.

    `is_troubled`: its LIST failed. `refused` are the orphans that Mailtrap refused to delete.
    """

    terms: Terms | None = None
    is_troubled: bool = False
    refused: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class OrphanDeletion:
    """What the deletion of orphans came to: `cleared` are gone, or turned out to belong to someone."""

    cleared: frozenset[int]
    refused: frozenset[int] = frozenset()
    failure: Unknown | None = None


@dataclass(frozen=True, slots=True)
class AccountObservation:
    """Everything that `plan_account` may look at, besides the time.

    `account` None: the account object is gone. `tokens` is what the LIST said; `credential` is the one that it was made with,
    None where the LIST does not say which token it is, and `in_use` are all that are at work in the account in Mailtrap.
    `credential_secret` is the Secret that was read, without its data; `shared_secrets` are the names of those that another
    account in use has its credential in, as far as that matters.
    `holders` are the ApiTokens that say that they may have tokens in the account. `retained` are the owners whose tokens stay
    on purpose; `is_claimed` says whether an ApiToken or a Secret lays claim to a token.
    `deletion` is what this reconcile has come to with orphans, None before that.
    """

    key: AccountKey
    account: Account | None
    tokens: Found[OwnedTokens] | Unknown
    reach: Reach
    remembered: Remembered
    terms: Terms | None
    usage: Usage
    holders: frozenset[ApiTokenKey]
    credential: CredentialToken | None
    in_use: tuple[CredentialInUse, ...]
    credential_secret: CredentialSecret | None
    clock_difference: ClockDifference
    reverted: tuple[Reverted, ...]
    retained: frozenset[str]
    is_claimed: Callable[[RemoteToken], bool]
    shared_secrets: frozenset[str] = frozenset()
    deletion: OrphanDeletion | None = None
