"""What one reconcile has read of the world: frozen values, no plaintext token value among them.

Found, Absent and Unknown are three different things. From Unknown nothing is issued or revoked. It has some more lines than
other files: one vocabulary for all that a reconcile reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, ApiToken, Issuance
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.ownership import HeldToken, MadeFor, Neighbour, Tag, owner_in
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import without_tokens
from mailtrap_operator.core.reverts import Reverted
from mailtrap_operator.core.workloads import MissingTarget, Workload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A positive answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """A positive answer that the thing does not exist."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer: a timeout, a refusal, a broken body."""

    reason: Reason
    message: str
    retry_after: timedelta | None = None


SECRET_NOT_READ = Unknown(Reason.KUBERNETES_UNAVAILABLE, "The Secret was not read yet; it will be.")
LABELS_NOT_READ = Unknown(
    Reason.NAMESPACE_NOT_READ, "The labels of the namespace were not read yet; they will be."
)
TOKENS_NOT_COUNTED = Unknown(
    Reason.ACCOUNT_NOT_LISTED, "The tokens of the namespace were not counted yet; they will be."
)

NOT_ASKED_FOR = Unknown(Reason.ACCOUNT_NOT_LISTED, "The token to adopt was not requested yet; it will be.")


class Permission(NamedTuple):
    """What a token in Mailtrap may do with one resource, in the words of the spec."""

    type: str
    id: str
    access_level: str

    def __str__(self) -> str:
        return without_tokens(f"{self.type} {self.id} {self.access_level}")


@dataclass(frozen=True, slots=True)
class RemoteToken:
    """A token in Mailtrap, without its value; `permissions` None: Mailtrap did not tell."""

    id: int
    name: str
    last_four: str
    expires_at: datetime | None
    account: AccountRef
    tag: Tag | None
    permissions: tuple[Permission, ...] | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether the token still authenticates."""
        return self.expires_at is None or now < self.expires_at


OwnerTag = tuple[str, str]
"""Installation and owner, as they stand in a tag."""

OwnedTokens = Mapping[OwnerTag, tuple[RemoteToken, ...]]


@dataclass(frozen=True, slots=True)
class Adoptee:
    """A token to adopt, as Mailtrap shows it; `is_proven`: the object's proof is the value of this very token."""

    token: RemoteToken
    is_proven: bool


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A resource in Mailtrap that a token can be given permissions for; its name is empty where no spec can give it."""

    type: str
    name: str
    id: int | str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The resources of one account, as far as its credential sees them.

    `is_whole` says that it administers the account, so that what is not among the entries is not there.
    """

    account_id: int
    entries: tuple[CatalogueEntry, ...]
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """An owner with which the garbage collector deletes a Secret."""

    api_version: str
    kind: str
    name: str
    uid: str


class FormerValue(NamedTuple):
    """The value of a token that was replaced, kept in the Secret beside the present one."""

    key: str
    token_id: int


@dataclass(frozen=True, slots=True)
class SecretState:
    """A Secret as far as it matters here: its marks, and its data with the token value taken out.

    `layout` maps each of our data keys to the digest of its text, `${token}` standing where the value stands.
    It is empty when the value cannot be found in the data: then the value counts as lost.
    `labels` and `annotations` are those that we put there, with their present values; others' do not matter here.
    `former` is the former value, where one is kept and intact. `made_for` is whose it is as its marks say in words.
    `handed_to` names the ApiToken that anyone who made the Secret hands it over to; only one that has no owner is handed over.
    `editor` is the field manager that wrote to it last, unless that was an operator.
    `changed_at_admission` names the fields that the API server stored otherwise than this process had just written them.
    """

    name: str
    uid: str
    resource_version: str
    owner: str | None
    token_id: int | None
    nonce: str | None
    issuance: Issuance | None
    layout: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[OwnerReference, ...] = ()
    former: FormerValue | None = None
    handed_to: str | None = None
    editor: str | None = None
    changed_at_admission: str = field(default="", compare=False)
    made_for: MadeFor | None = None

    @property
    def held(self) -> frozenset[HeldToken]:
        """The tokens whose values are there, as far as the marks prove whose they are."""
        if not self.is_intact or self.made_for is None or not self.made_for.uid:
            return frozenset()
        ids = (self.token_id, self.former and self.former.token_id)
        return frozenset((owner_in(self.owner), id_) for id_ in ids if id_)

    @property
    def is_intact(self) -> bool:
        """Whether the value that we published is still there, with the id and nonce it was published with."""
        return bool(self.layout) and self.token_id is not None and self.issuance is not None


class TokenCount(NamedTuple):
    """How many living tokens a namespace has in an account: other ApiTokens', and this one's own.

    `reserved` is how many older ApiTokens are to get their first one there.
    """

    others: int
    own: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What an account's policy says, and where the object stands by it.

    `labels` are those of the namespace, `tokens` how many it has in the account; each is looked at only where the policy
    asks for it.
    """

    policy: AccountPolicy
    labels: Found[Mapping[str, str]] | Unknown = LABELS_NOT_READ
    tokens: Found[TokenCount] | Unknown = TOKENS_NOT_COUNTED


@dataclass(frozen=True, slots=True)
class CredentialInUse:
    """A credential that an account in Mailtrap is managed with: neither it nor what may be it is reset or deleted.

    `account` is the account object whose credential it is. `token_id` is None where no LIST says which token it is.
    """

    account: AccountKey
    last_four: str
    token_id: int | None = None

    def may_be(self, token: RemoteToken) -> bool:
        """Whether a token is this credential, as far as that is known."""
        if self.token_id is not None:
            return token.id == self.token_id
        return token.last_four == self.last_four


@dataclass(frozen=True, slots=True)
class AccountView:
    """What one account's LIST says of this object's tokens, and what the account asks of who uses it.

    `tokens` are those with our owner tag or an id on record. `account_id` is None when the account object is missing, or
    does not serve the object. `foreign_ids` are ids on our record that turned out to be another object's tokens. `tenancy` says
    what its policy is, where the account object exists and serves the object; where the object stands by it is reported the
    account that the spec names alone. `credentials` are those at work in the account that count for this object: see
    `core/tenants.py`. `is_terminating` says that the account object is being deleted, `is_closed` that it must not be asked on
    behalf of this object; `shows_none` says of such a one that its last LIST, anyone who asked for it, shows no token of this
    object.
    """

    ref: AccountRef
    account_id: int | None
    tokens: Found[tuple[RemoteToken, ...]] | Unknown
    foreign_ids: frozenset[int] = frozenset()
    tenancy: Tenancy | None = None
    credentials: tuple[CredentialInUse, ...] = ()
    is_terminating: bool = False
    is_closed: bool = False
    shows_none: bool = False

    def without_answer(self, unknown: Unknown) -> "AccountView":
        """Return the same account with a LIST that cannot be used."""
        return AccountView(
            self.ref, self.account_id, unknown, tenancy=self.tenancy, is_terminating=self.is_terminating
        )


@dataclass(frozen=True, slots=True)
class UnpublishedToken:
    """A token whose value this process holds in memory because the Secret could not be written yet."""

    nonce: str
    token: RemoteToken


@dataclass(frozen=True, slots=True)
class Limits:
    """What specs may ask for in this cluster beside tokens.

    `secret_metadata` are the keys of labels and annotations that a Secret may have although tools may act upon them; one
    that ends with `*` stands for all that begin so. `rollout_restarts` says whether workloads may be restarted.
    """

    secret_metadata: tuple[str, ...] = ()
    rollout_restarts: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is looking: this cluster, this process and its namespace, and how long a lost answer may still take effect.

    `limits` are those that anyone who runs this process has set.
    """

    installation: str
    holder: str
    settle_time: timedelta
    namespace: str
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that `plan` may look at, besides the time.

    `workloads` are those that wait for a rollout, or that the spec newly names; others are not looked at.
    `claim_age` is for how long this process has seen the claim in the status, by a clock that never jumps;
    `unanswered_for` is the same of a generation that no one who serves the object has answered.
    `neighbour` is who else in the namespace the Secret of the desired name belongs to, where that one lives.
    `adoptee` is the token that is to be adopted; absent: there is none, or the proof that the policy asks for is not its
    value.
    `catalogue` is that of the account that the spec names; None: it was not asked for.
    `reverted` are the writes of this process for this object that did not last.
    """

    api_token: ApiToken
    secret: Found[SecretState] | Absent | Unknown
    accounts: tuple[AccountView, ...]
    identity: Identity
    fresh_nonce: str
    former_secret: Found[SecretState] | Absent | Unknown = field(default_factory=Absent)
    workloads: Found[tuple[Workload | MissingTarget, ...]] | Unknown = Found(())
    unpublished: UnpublishedToken | None = None
    claim_age: timedelta = timedelta()
    unanswered_for: timedelta = timedelta()
    neighbour: Neighbour | None = None
    catalogue: Found[Catalogue] | Unknown | None = None
    adoptee: Found[Adoptee] | Absent | Unknown = NOT_ASKED_FOR
    reverted: tuple[Reverted, ...] = ()

    @property
    def account(self) -> AccountView:
        """The account that the spec names; the others are on record only."""
        return self.accounts[0]
