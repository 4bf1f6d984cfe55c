"""What a look at one ApiToken reads next: from what it has read so far to the next read; None: nothing is left to read.

`observe` reads what it is told here, adds the answer to `Answers`, and asks again. Each look begins with the object; then
comes a chain, and its order is the protocol:

    Secrets                     Each after the object that names it.
    labels of the namespace     They say which accounts may be asked on behalf of the object.
    resources, token to adopt   They are asked for where the object may use the account, and before the LIST.
    tokens of the accounts      Each LIST starts after the object and its Secrets were read.
    tokens that a LIST lacks    Only Mailtrap's answer to the id itself says that a token is gone.
    workloads

The account objects and their policies are looked at once for each step, and the step decides by that Observation alone.
So a policy that changed while an answer was awaited counts for the next read: what it forbids is not asked, and what it
allows is asked before the look ends. The Observation of which nothing is left to read is the one that the plan is made from.
An account that answered stays open for this look: what its present policy forbids is decided in the plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken, Resource, RestartTarget
from mailtrap_operator.core.adoption import adoption_in
from mailtrap_operator.core.limits import excessive_form
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    NOT_ASKED_FOR,
    SECRET_NOT_READ,
    Absent,
    Adoptee,
    Catalogue,
    Found,
    Observation,
    OwnedTokens,
    RemoteToken,
    SecretState,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.policy import crowding, namespace_labels_unknown, unknown_standing, violation
from mailtrap_operator.core.references import (
    ProofPlace,
    adoptee_id,
    former_secret_name,
    ids_on_record,
    is_unused,
    issued_access,
    moving_targets,
    proof_place,
    secret_name,
    unproven_targets,
)
from mailtrap_operator.core.resources import unbound, unchecked
from mailtrap_operator.core.tenants import selector_of
from mailtrap_operator.core.workloads import MissingTarget, Workload

Secret = Found[SecretState] | Absent | Unknown
Labels = Found[Mapping[str, str]] | Unknown
Tokens = Found[OwnedTokens] | Unknown
Workloads = Found[tuple[Workload | MissingTarget, ...]] | Unknown


@dataclass(frozen=True, slots=True)
class Answers:
    """What one look has read so far, beginning with the object.

    `claim_age` is that of the moment before the first LIST: a claim has settled only where a LIST started after that.
    `tokens` are those that a LIST lacks, by their account and id. What is missing in a mapping was not read.
    """

    api_token: ApiToken
    claim_age: timedelta
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    labels: Labels = LABELS_NOT_READ
    catalogue: Found[Catalogue] | Unknown | None = None
    adoptee: Found[Adoptee] | Absent | Unknown = NOT_ASKED_FOR
    lists: Mapping[AccountRef, Tokens] = field(default_factory=dict)
    tokens: Mapping[tuple[AccountRef, int], Found[RemoteToken] | Absent | Unknown] = field(
        default_factory=dict
    )
    workloads: Workloads | None = None

    @property
    def secret(self) -> Secret:
        """The Secret of the desired name."""
        return self.secrets.get(secret_name(self.api_token), SECRET_NOT_READ)

    @property
    def former_secret(self) -> Secret:
        """The Secret from which the value is to move."""
        former = former_secret_name(self.api_token)
        return self.secrets.get(former, SECRET_NOT_READ) if former else Absent()


@dataclass(frozen=True, slots=True)
class SecretRead:
    """A Secret of the object's namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class LabelsRead:
    """The labels of the object's namespace, for which the policy of an account asks."""

    account: AccountRef


@dataclass(frozen=True, slots=True)
class ResourcesRead:
    """The resources of an account; an answer of late is good enough where it has all of `ids`, if there are any."""

    account: AccountRef
    account_id: int | None
    ids: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class AdopteeRead:
    """The token to adopt; `proof` is where its value must stand, where the policy asks for that."""

    account: AccountRef
    token_id: int
    proof: ProofPlace | None


@dataclass(frozen=True, slots=True)
class TokensRead:
    """The LISTs of accounts, all at once."""

    accounts: tuple[AccountRef, ...]


@dataclass(frozen=True, slots=True)
class TokenRead:
    """One token by its id."""

    account: AccountRef
    id: int


@dataclass(frozen=True, slots=True)
class WorkloadsRead:
    """Workloads that are to move to the present value, or that the spec newly names."""

    targets: tuple[RestartTarget, ...]


Read = SecretRead | LabelsRead | ResourcesRead | AdopteeRead | TokensRead | TokenRead | WorkloadsRead


def next_read(answers: Answers, seen: Observation, now: datetime) -> Read | None:
    """Return what to read next.

    Args:
        answers: What was read so far.
        seen: What that comes to, with the account objects as they are at this moment.
        now: The time by which the policy is judged.
    """
    s = ObservedState(seen, now)
    return (
        _secret(answers)
        or _labels(answers, s)
        or _resources(answers, s)
        or _adoptee(answers, s)
        or _lists(answers, s)
        or _missing_token(answers, s)
        or _workloads(answers, s)
    )


def _secret(answers: Answers) -> SecretRead | None:
    names = secret_names(answers.api_token)
    return next((SecretRead(name) for name in names if name not in answers.secrets), None)


def secret_names(api_token: ApiToken) -> tuple[str, ...]:
    """Return the names of the object's Secrets: the desired one, and one that the value is to leave."""
    former = former_secret_name(api_token)
    return (secret_name(api_token), former) if former else (secret_name(api_token),)


def _labels(answers: Answers, s: ObservedState) -> LabelsRead | None:
    if answers.labels is not LABELS_NOT_READ:
        return None
    asking = (view.ref for view in s.seen.accounts if view.tenancy and selector_of(view.tenancy.policy))
    account = next(asking, None)
    return LabelsRead(account) if account else None


def _resources(answers: Answers, s: ObservedState) -> ResourcesRead | None:
    """An id needs no new answer where the last one shows it: many objects that come together cost one call."""
    if answers.catalogue is not None or not _may_ask(s):
        return None
    account, account_id = s.seen.account.ref, s.seen.account.account_id
    if unbound(s.api_token, account_id):
        return ResourcesRead(account, account_id)
    ids = unchecked(s.api_token, account_id, issued_access(s.seen))
    return ResourcesRead(account, account_id, ids) if ids else None


def _adoptee(answers: Answers, s: ObservedState) -> AdopteeRead | None:
    token_id, mode, place = adoptee_id(s.api_token), adoption_in(s.seen.account), proof_place(s.api_token)
    if answers.adoptee is not NOT_ASKED_FOR or token_id is None or mode == "Denied" or not _may_ask(s):
        return None
    if mode == "Proven":
        return AdopteeRead(s.seen.account.ref, token_id, place) if place else None
    return AdopteeRead(s.seen.account.ref, token_id, None)


def _may_ask(s: ObservedState) -> bool:
    """Whether the desired account may be asked for more than the object's own tokens."""
    if s.api_token.metadata.deletion_timestamp or s.seen.account.is_closed:
        return False
    if violation(s) or namespace_labels_unknown(s) or excessive_form(s):
        return False
    return not (is_unused(s.seen) and (crowding(s) or unknown_standing(s)))


def _lists(answers: Answers, s: ObservedState) -> TokensRead | None:
    if is_unused(s.seen) and not isinstance(s.seen.adoptee, Found):
        return None
    unlisted = (view.ref for view in s.seen.accounts if not view.is_closed and view.ref not in answers.lists)
    accounts = tuple(unlisted)
    return TokensRead(accounts) if accounts else None


def _missing_token(answers: Answers, s: ObservedState) -> TokenRead | None:
    for view in s.seen.accounts:
        if isinstance(view.tokens, Unknown):
            continue
        for token_id in sorted(ids_on_record(s.seen, view.ref) - {token.id for token in view.tokens.value}):
            if (view.ref, token_id) not in answers.tokens:
                return TokenRead(view.ref, token_id)
    return None


def _workloads(answers: Answers, s: ObservedState) -> WorkloadsRead | None:
    return read_of_workloads(s.seen) if answers.workloads is None else None


def read_of_workloads(seen: Observation) -> WorkloadsRead | None:
    """Return which workloads to read; None: there are none, and no call is made."""
    newly_named = unproven_targets(seen.api_token) if seen.identity.limits.rollout_restarts else ()
    targets = moving_targets(seen.api_token) or newly_named
    return WorkloadsRead(targets) if targets else None
