"""Whether an account object and its credential must stay: without them no token could be deleted any more.

Both have a finalizer while some ApiToken may have tokens in the account. The status names the Secret that has it, and
does so before it is put there, so that a change of the reference never leaves one behind.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mailtrap_operator.api.names import ACCOUNT_FINALIZER, CREDENTIAL_FINALIZER, FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import OwnedTokens
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.tenants import serves
from mailtrap_operator.core.text import join_limited

CONDITION = "DeletionBlocked"
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class CredentialSecret:
    """What matters of the Secret that holds a credential, besides the credential."""

    namespace: str
    name: str
    resource_version: str
    finalizers: tuple[str, ...]
    is_terminating: bool

    @property
    def is_held(self) -> bool:
        """Whether our finalizer holds it."""
        return CREDENTIAL_FINALIZER in self.finalizers


@dataclass(frozen=True, slots=True)
class Reach:
    """What this operator sees and may do.

    `namespace` is its own, where the credentials of ClusterMailtrapAccounts are. It `sees_all` namespaces, or some of them;
    an operator that only plans may not write.
    """

    installation: str
    namespace: str
    sees_all: bool
    may_write: bool

    def credentials_namespace(self, account: AccountKey) -> str:
        """Return where the Secret with an account's credential is."""
        return account.namespace or self.namespace


@dataclass(frozen=True, slots=True)
class Usage:
    """Who may have tokens in an account, as the watches and its last LIST show.

    `labels` are those of each namespace with ApiTokens that say that they may, None where they are not known; `owned` is what
    the last LIST said that answered, None where none has. `user` looks up the ApiToken with an owner part in its tag, if it
    says that it may have tokens in the account.
    """

    labels: Mapping[str, Mapping[str, str] | None]
    owned: OwnedTokens | None
    user: Callable[[str], ApiTokenKey | None]

    @property
    def shown(self) -> frozenset[ApiTokenKey]:
        """The ApiTokens whose tokens the last LIST shows, as far as they say so themselves."""
        users = (self.user(owner) for _, owner in self.owned or ())
        return frozenset(user for user in users if user is not None)


def is_used(account: Account, usage: Usage, reach: Reach) -> bool:
    """Whether an account must be held: by who may have tokens there, or as it is where that is not known yet."""
    used = may_be_used(account, usage, reach)
    return is_held(account) if used is None else used


def may_be_used(account: Account, usage: Usage, reach: Reach) -> bool | None:
    """Whether someone counts who says that it may have tokens there; None where that is not known yet."""
    answers = {_serves(account, namespace, usage, reach) for namespace in usage.labels}
    if True in answers or any(usage.user(owner) is not None for _, owner in usage.owned or ()):
        return True
    is_open = None in answers or (False in answers and usage.owned is None)
    return None if is_open or _may_be_held_elsewhere(account, usage, reach) else False


def fits(account: Account, usage: Usage, reach: Reach) -> bool:
    """Whether an account object is held if, and only if, someone uses it, as far as it still can be."""
    used, held = is_used(account, usage, reach), is_held(account)
    return used == held or (used and is_terminating(account)) or not reach.may_write


def users_that_count(
    account: Account, holders: Collection[ApiTokenKey], usage: Usage, reach: Reach
) -> frozenset[ApiTokenKey]:
    """Return those that hold an account: it serves their namespace, or its last LIST shows tokens of theirs."""
    shown = usage.shown
    return frozenset(
        user for user in holders if _serves(account, user.namespace, usage, reach) or user in shown
    )


def _serves(account: Account, namespace: str, usage: Usage, reach: Reach) -> bool | None:
    if account.kind == "MailtrapAccount":
        return True
    return serves(account.spec.policy, namespace, reach.namespace, usage.labels.get(namespace))


def _may_be_held_elsewhere(account: Account, usage: Usage, reach: Reach) -> bool:
    """Whether an operator of another installation may hold the account, for ApiTokens that are not seen here."""
    if reach.sees_all or account.kind == "MailtrapAccount":
        return False
    return usage.owned is None or any(installation != reach.installation for installation, _ in usage.owned)


def may_have_tokens(api_token: ApiToken) -> bool:
    """Whether tokens of an object may live: it has our finalizer, or has some on record."""
    status = api_token.status
    on_record = status.operation or status.current or status.previous
    return FINALIZER in api_token.metadata.finalizers or bool(on_record)


def is_held(account: Account) -> bool:
    """Whether our finalizer holds an account object."""
    return ACCOUNT_FINALIZER in account.metadata.finalizers


def is_terminating(account: Account) -> bool:
    """Whether an account object is being deleted."""
    return account.metadata.deletion_timestamp is not None


def secrets_to_release(account: Account, seen: CredentialSecret | None, *, is_used: bool) -> tuple[str, ...]:
    """Return the names of the Secrets that need not stay any more: a former one, or all when no one uses the account.

    `seen` is the Secret that the spec names, as it was read last: it may have a finalizer of which the status has lost
    the record.
    """
    desired, recorded = account.spec.credentials_secret_ref.name, account.status.credentials_secret
    names = {recorded} if recorded else set()
    if seen is not None and seen.is_held:
        names.add(seen.name)
    return tuple(sorted(names - {desired} if is_used else names))


def secret_must_be_held(account: Account, seen: CredentialSecret) -> bool:
    """Whether the Secret of an account in use still lacks its finalizer; one that is being deleted takes none any more."""
    if seen.is_held or seen.is_terminating:
        return False
    return seen.name == account.status.credentials_secret == account.spec.credentials_secret_ref.name


def condition_of(
    account: Account, seen: CredentialSecret | None, users: Collection[ApiTokenKey]
) -> Wanted | None:
    """Return the condition that says whom a deletion waits for, None where none waits."""
    if not users:
        return None
    names = join_limited(sorted(users), _MOST_NAMED)
    waits = (
        f"is being deleted; that waits for the ApiTokens that may have tokens there, {len(users)}: {names}."
    )
    if is_terminating(account):
        advice = "Delete them, or name another account in their spec.accountRef. No further ApiToken gets a token here."
        return CONDITION, "True", Reason.ACCOUNT_IN_USE, f"The account {waits} {advice}"
    if seen is not None and seen.is_terminating:
        advice = (
            "To continue, put the credential into another Secret and name that in spec.credentialsSecretRef."
        )
        words = f"Secret {seen.namespace}/{seen.name} with the credential {waits} {advice}"
        return CONDITION, "True", Reason.CREDENTIAL_IN_USE, words
    return None
