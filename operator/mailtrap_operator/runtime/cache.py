"""The cache: what the watches have reported, kept small. It decides whether to read more, never what to do.

ApiTokens are kept as JSON text, Secrets without their data. The handlers and the writes of this process feed it. What is
kept of one object is bounded: of a larger one, and of a Secret that was only reported, anyone who looks at it reads the rest.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from mailtrap_operator.api.v1alpha1 import Account, ApiToken, OperationStatus
from mailtrap_operator.core.installations import is_answered
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, account_key
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.orphans import belongs_to
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.protection import may_have_tokens
from mailtrap_operator.core.references import account_refs, secret_name
from mailtrap_operator.runtime.first_seen import FirstSeen
from mailtrap_operator.runtime.holders import Holders
from mailtrap_operator.runtime.index import Index
from mailtrap_operator.runtime.known_secrets import KnownSecrets, keep_last
from mailtrap_operator.runtime.members import Members
from mailtrap_operator.runtime.versions import is_newer

_KEPT_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "annotations",
)
_LABELS_LAST = 30.0
"""For so many seconds the labels of a namespace count as known: no watch reports their changes."""

_LARGEST_KEPT = 64 * 1024
"""Characters of JSON. An ordinary ApiToken has a few thousand."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of an ApiToken; `text` is None where it is too large."""

    uid: str
    spec: bytes
    text: str | None


class Change(Enum):
    """What is new about an ApiToken."""

    NONE = "nothing"
    STATUS = "its status alone: the work of an operator"
    SPEC = "what is desired"


class Cache(KnownSecrets):
    """The last known ApiTokens, Secrets and accounts.

    `monotonic` counts seconds. It dates the first sight of each claim, as the clock of the operator that made the
    claim may be wrong. `on_holders` gets an account when other ApiTokens than before say that they may have tokens in it.
    """

    def __init__(
        self,
        installation: str,
        monotonic: Callable[[], float],
        on_holders: Callable[[AccountKey], None] = lambda _account: None,
    ) -> None:
        super().__init__()
        self._installation = installation
        self._monotonic = monotonic
        self._on_holders = on_holders
        self._api_tokens: dict[ApiTokenKey, _Kept] = {}
        self._versions: dict[ApiTokenKey, str] = {}
        self._claims: FirstSeen[ApiTokenKey, OperationStatus] = FirstSeen(monotonic)
        self._unanswered: FirstSeen[ApiTokenKey, int] = FirstSeen(monotonic)
        self._gone_uids: dict[str, None] = {}
        self._accounts: dict[AccountKey, Account] = {}
        self._owners: dict[str, ApiTokenKey] = {}
        self._references: Index[ApiTokenKey, AccountKey] = Index()
        self._renamed: Index[ApiTokenKey, tuple[str, str]] = Index()
        self.holders = Holders()
        self._remotes: Index[AccountKey, tuple[str, int]] = Index()
        self._labels: dict[str, tuple[Mapping[str, str], float]] = {}
        self.members = Members()

    def put_api_token(self, body: dict[str, Any], parsed: ApiToken | None = None) -> Change:
        """Remember an ApiToken as it was read or written, and `parsed` where it was; return what is new about it.

        Raises:
            pydantic.ValidationError: The object is not what the CRD admits.
        """
        named = body["metadata"]
        key = ApiTokenKey(named.get("namespace") or "", named["name"])
        # Most events echo what was written here: they are not even parsed.
        if self.has_api_token(key, named.get("uid", ""), named["resourceVersion"]):
            return Change.NONE
        kept = {
            "metadata": {name: named[name] for name in _KEPT_METADATA if name in named},
            "spec": body.get("spec", {}),
            "status": body.get("status", {}),
        }
        api_token = parsed or ApiToken.model_validate(kept)
        meta = api_token.metadata
        kept["metadata"]["annotations"] = dict(meta.annotations)
        former = self._api_tokens.get(key)
        if former is not None:
            self._forget_owner(key, former.uid)
        text = json.dumps(kept, separators=(",", ":"))
        spec = _digest_of_spec(kept, named.get("labels"))
        self._versions[key] = meta.resource_version
        self._api_tokens[key] = _Kept(meta.uid, spec, text if len(text) <= _LARGEST_KEPT else None)
        owner = owner_of(self._installation, key.namespace, key.name, meta.uid)
        self._owners[owner] = key
        self._index(key, api_token)
        self.members.put(key, api_token, owner)
        self._claims.note(key, api_token.status.operation)
        self._unanswered.note(key, None if is_answered(api_token) else meta.generation)
        is_same = former is not None and former.spec == spec
        return Change.STATUS if is_same else Change.SPEC

    def claim_age(self, key: ApiTokenKey) -> timedelta:
        """Return how long ago the claim in an ApiToken's status was seen here first; zero without a claim."""
        return self._claims.age(key)

    def unanswered_for(self, key: ApiTokenKey) -> timedelta:
        """Return how long ago a generation was seen here first that no one who serves the ApiToken has answered."""
        return self._unanswered.age(key)

    def _index(self, key: ApiTokenKey, api_token: ApiToken | None) -> None:
        accounts = account_refs(api_token) if api_token else ()
        refs = frozenset(account_key(ref, key.namespace) for ref in accounts)
        self._references.put(key, refs)
        desired = secret_name(api_token) if api_token else key.name
        self._renamed.put(key, frozenset({(key.namespace, desired)} if desired != key.name else ()))
        holds = api_token is not None and may_have_tokens(api_token)
        for account in self.holders.put(key, refs if holds else frozenset()):
            self._on_holders(account)

    def drop_api_token(self, key: ApiTokenKey, uid: str = "") -> None:
        """Forget an ApiToken; `uid` is its own where a watch has reported its end."""
        self._note_gone(uid)
        kept = self._api_tokens.pop(key, None)
        self._versions.pop(key, None)
        self._claims.note(key, None)
        self._unanswered.note(key, None)
        self._index(key, None)
        self.members.drop(key)
        if kept is not None:
            self._forget_owner(key, kept.uid)

    def _note_gone(self, uid: str) -> None:
        if uid:
            self._gone_uids[uid] = None
        keep_last(self._gone_uids)

    def _forget_owner(self, key: ApiTokenKey, uid: str) -> None:
        self._owners.pop(owner_of(self._installation, key.namespace, key.name, uid), None)

    def api_token(self, key: ApiTokenKey) -> ApiToken | None:
        """Return an ApiToken as it was last seen, where it was and is not too large to be kept."""
        kept = self._api_tokens.get(key)
        return ApiToken.model_validate_json(kept.text) if kept and kept.text is not None else None

    def is_too_large(self, key: ApiTokenKey) -> bool:
        """Whether an ApiToken is known and too large to be kept: it is read by who looks at it."""
        return key in self._api_tokens and self._api_tokens[key].text is None

    def knows_newer(self, key: ApiTokenKey, version: str) -> bool:
        """Whether an ApiToken was seen later than in a given resourceVersion."""
        known = self._versions.get(key)
        return known is not None and known != version and not is_newer(version, known)

    def has_api_token(self, key: ApiTokenKey, uid: str, version: str) -> bool:
        """Whether an ApiToken is known as it is in a resourceVersion, or as it became later, or that it is gone."""
        known = self._versions.get(key)
        return uid in self._gone_uids or (known is not None and not is_newer(version, known))

    def api_token_versions(self) -> dict[tuple[str | None, str], str]:
        """Return the resourceVersions of all ApiTokens, by namespace and name."""
        return {key: version for key, version in self._versions.items()}  # noqa: C416 - the keys get a wider type

    def api_token_keys(self) -> tuple[ApiTokenKey, ...]:
        """Return the keys of all ApiTokens."""
        return tuple(self._api_tokens)

    def owner(self, owner: str) -> ApiTokenKey | None:
        """Return the ApiToken whose tag has this owner part."""
        return self._owners.get(owner)

    def naming_secret(self, namespace: str, name: str) -> frozenset[ApiTokenKey]:
        """Return the ApiTokens whose Secret has this name."""
        namesake = ApiTokenKey(namespace, name)
        is_its_own = namesake in self._api_tokens and not self._renamed.of(namesake)
        return self._renamed.keys((namespace, name)) | (frozenset({namesake}) if is_its_own else frozenset())

    def claims(self, token: RemoteToken) -> bool:
        """Whether a remote token belongs to an ApiToken, by its tag."""
        return belongs_to(token, self._owners)

    def put_account(self, account: Account) -> bool:
        """Remember an account; return whether that is news."""
        key = key_of_account(account)
        known, meta = self._accounts.get(key), account.metadata
        is_known = known and not is_newer(meta.resource_version, known.metadata.resource_version)
        if is_known or meta.uid in self._gone_uids:
            return False
        self._accounts[key] = account
        self._remotes.put(key, frozenset({(account.spec.base_url.lower(), account.spec.account_id)}))
        return True

    def drop_account(self, key: AccountKey, uid: str = "") -> None:
        """Forget an account; `uid` is its own where its end is certain."""
        self._note_gone(uid)
        self._accounts.pop(key, None)
        self._remotes.put(key, frozenset())

    def account(self, key: AccountKey) -> Account | None:
        """Return an account as it was last seen."""
        return self._accounts.get(key)

    def sibling_accounts(self, key: AccountKey) -> frozenset[AccountKey]:
        """Return the other account objects that stand for the same account in Mailtrap."""
        return frozenset(
            other for remote in self._remotes.of(key) for other in self._remotes.keys(remote)
        ) - {key}

    def has_account(self, key: AccountKey, uid: str, version: str) -> bool:
        """Whether an account is known as it is in a resourceVersion, or as it became later, or that it is gone."""
        known = self._accounts.get(key)
        is_known = known is not None and not is_newer(version, known.metadata.resource_version)
        return uid in self._gone_uids or is_known

    def account_versions(self) -> dict[AccountKey, str]:
        """Return the resourceVersions of all accounts."""
        return {key: account.metadata.resource_version for key, account in self._accounts.items()}

    def account_keys(self) -> tuple[AccountKey, ...]:
        """Return the keys of all accounts."""
        return tuple(self._accounts)

    def put_namespace_labels(self, namespace: str, labels: Mapping[str, str]) -> None:
        """Remember the labels of a namespace as they were just read."""
        now = self._monotonic()
        recent = {name: read for name, read in self._labels.items() if now - read[1] < _LABELS_LAST}
        self._labels = recent | {namespace: (labels, now)}

    def namespace_labels(self, namespace: str) -> Mapping[str, str] | None:
        """Return the labels of a namespace where they were read lately."""
        labels, at = self._labels.get(namespace, (None, 0.0))
        return labels if self._monotonic() - at < _LABELS_LAST else None

    def accounts_of(self, key: ApiTokenKey) -> frozenset[AccountKey]:
        """Return the accounts that an ApiToken has to do with."""
        return self._references.of(key)

    def users_of(self, key: AccountKey) -> frozenset[ApiTokenKey]:
        """Return the ApiTokens whose tokens live, or are to live, in an account."""
        return self._references.keys(key)


def _digest_of_spec(kept: dict[str, Any], labels: object) -> bytes:
    """Digest what users and controllers say of an object, without what operators say.

    Labels mean nothing here; who edits one has the object looked at.
    """
    meta = {name: value for name, value in kept["metadata"].items() if name != "resourceVersion"}
    text = json.dumps({"metadata": meta, "labels": labels, "spec": kept["spec"]}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def key_of_api_token(api_token: ApiToken) -> ApiTokenKey:
    """Return the key of an ApiToken."""
    return ApiTokenKey(api_token.metadata.namespace or "", api_token.metadata.name)


def key_of_account(account: Account) -> AccountKey:
    """Return the key of an account object."""
    return AccountKey(account.kind, account.metadata.namespace, account.metadata.name)
