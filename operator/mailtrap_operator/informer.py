"""The informer: puts every object that is watched or listed into the cache, and its key into the queue.

Create, update, resume, a Secret's change, a deletion and the resync all enter here; nothing is decided.
"""

import logging
from typing import Any

from pydantic import ValidationError

from mailtrap_operator.api.fields import places
from mailtrap_operator.api.names import SECRETS_OF_OURS
from mailtrap_operator.api.v1alpha1 import Account, AccountKind
from mailtrap_operator.clients.kube import account_path, accounts_path, api_tokens_path, secrets_path
from mailtrap_operator.clients.secret_client import parse_secret
from mailtrap_operator.clients.secret_marks import read_owner, tokens_marked_as_held
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.ownership import owner_in
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.protection import is_terminating
from mailtrap_operator.runtime.cache import Cache, Change
from mailtrap_operator.runtime.listing import Listing
from mailtrap_operator.runtime.scope import Scope
from mailtrap_operator.runtime.watchdog import ObjectName
from mailtrap_operator.runtime.workqueue import WorkQueue

logger = logging.getLogger(__name__)

_LONGEST_FINALIZERS = 16_384
"""Characters. All else of an account is bounded by its CRD, or not kept."""

Body = dict[str, Any]


class Informer:
    """Takes raw Kubernetes objects in."""

    def __init__(self, cache: Cache, queue: WorkQueue[Key], installation: str) -> None:
        self._cache = cache
        self._queue = queue
        self._installation = installation
        self._unreadable: dict[Key, str] = {}

    def api_token(self, body: Body, *, is_gone: bool = False) -> None:
        """Take an ApiToken in."""
        meta = body["metadata"]
        key = ApiTokenKey(meta["namespace"], meta["name"])
        self._unreadable.pop(key, None)
        if is_gone:
            self._cache.drop_api_token(key, meta["uid"])
            self._queue.forget(key)
            return
        try:
            change = self._cache.put_api_token(body)
        except ValidationError as error:
            self._unreadable[key] = meta["resourceVersion"]
            logger.warning(
                "an ApiToken is not what its CRD admits", extra={"key": str(key), "fields": _fields(error)}
            )
            return
        if change is not Change.NONE:
            self._queue.add(key, _priority(body), meta["resourceVersion"], ends_backoff=change is Change.SPEC)

    def secret(self, body: Body) -> None:
        """Take a Secret of ours in as it was read; its data goes no further than this."""
        namespace, state = body["metadata"]["namespace"], parse_secret(body, self._installation)
        known = self._cache.known_owner(namespace, state.name)
        if self._cache.put_secret(namespace, state):
            self._wake_owners(namespace, state.name, state.resource_version, state.owner, known)

    def secret_metadata(self, body: Body, *, is_gone: bool = False) -> None:
        """Take in that a Secret of ours changed; it is read by who looks at its ApiToken next."""
        meta = body["metadata"]
        namespace, name, version = meta["namespace"], meta["name"], meta["resourceVersion"]
        known = self._cache.known_owner(namespace, name)
        owner = read_owner(meta.get("annotations") or {})
        if is_gone:
            self._cache.drop_secret(namespace, name, version)
        elif not self._cache.outdate_secret(
            namespace, name, version, owner, tokens_marked_as_held(meta, self._installation)
        ):
            return
        self._wake_owners(namespace, name, "" if is_gone else version, owner, known)

    def account(self, body: Body, *, is_gone: bool = False) -> None:
        """Take an account in."""
        meta = body["metadata"]
        key = AccountKey(body["kind"], meta.get("namespace"), meta["name"])
        self._unreadable.pop(key, None)
        if is_gone:
            self._account_is_gone(key, meta["uid"])
            return
        if sum(map(len, meta.get("finalizers") or ())) > _LONGEST_FINALIZERS:
            self._unreadable[key] = meta["resourceVersion"]
            logger.warning("an account has too many finalizers to be kept", extra={"key": str(key)})
            return
        try:
            account = Account.model_validate(body)
        except ValidationError as error:
            self._unreadable[key] = meta["resourceVersion"]
            logger.warning(
                "an account is not what its CRD admits", extra={"key": str(key), "fields": _fields(error)}
            )
            return
        known = self._cache.account(key)
        has_changed = (
            known is None or known.spec != account.spec or is_terminating(known) != is_terminating(account)
        )
        if self._cache.put_account(account) and has_changed:
            # Its status is written by every operator that sees it; that is news to none of them.
            self._queue.add(key, Priority.CHANGE)

    def listings(self, scope: Scope) -> tuple[Listing, ...]:
        """Return what a resync lists: accounts and Secrets before the ApiTokens that need them."""
        places = scope.namespaces or (None,)
        accounts = [self._accounts("MailtrapAccount", *places)]
        if scope.sees_cluster_accounts:
            accounts.insert(0, self._accounts("ClusterMailtrapAccount", None))
        secrets = Listing(
            paths=tuple(secrets_path(place) for place in places),
            kind="Secret",
            take=self.secret,
            known=self._cache.secret_versions,
            has=lambda name, _, version: self._cache.has_secret(name[0] or "", name[1], version),
            path_of=lambda name: f"{secrets_path(name[0])}/{name[1]}",
            missed=self._missed_secret,
            labels=SECRETS_OF_OURS,
        )
        api_tokens = Listing(
            paths=tuple(api_tokens_path(place) for place in places),
            kind="ApiToken",
            take=self.api_token,
            known=self._cache.api_token_versions,
            has=self._has_api_token,
            path_of=lambda name: f"{api_tokens_path(name[0])}/{name[1]}",
            missed=self._missed_api_token,
        )
        return (*accounts, *([secrets] if scope.watches_secrets else []), api_tokens)

    def _accounts(self, kind: AccountKind, *places: str | None) -> Listing:
        def known() -> dict[ObjectName, str]:
            versions = self._cache.account_versions()
            return {(key.namespace, key.name): versions[key] for key in versions if key.kind == kind}

        def has(name: ObjectName, uid: str, version: str) -> bool:
            key = AccountKey(kind, *name)
            return self._unreadable.get(key) == version or self._cache.has_account(key, uid, version)

        return Listing(
            paths=tuple(accounts_path(kind, place) for place in places),
            kind=kind,
            take=self.account,
            known=known,
            has=has,
            path_of=lambda name: account_path(kind, *name),
            missed=lambda name: self._account_is_gone(AccountKey(kind, *name)),
        )

    def _has_api_token(self, name: ObjectName, uid: str, version: str) -> bool:
        key = ApiTokenKey(name[0] or "", name[1])
        return self._unreadable.get(key) == version or self._cache.has_api_token(key, uid, version)

    def _missed_secret(self, name: ObjectName) -> None:
        namespace, secret_name = name[0] or "", name[1]
        known = self._cache.known_owner(namespace, secret_name)
        self._cache.drop_secret(namespace, secret_name)
        self._wake_owners(namespace, secret_name, "", known)

    def _missed_api_token(self, name: ObjectName) -> None:
        # Not known any more, it is read afresh: that shows whether it is gone.
        key = ApiTokenKey(name[0] or "", name[1])
        self._cache.drop_api_token(key)
        self._queue.add(key, Priority.ROUTINE)

    def _account_is_gone(self, key: AccountKey, uid: str = "") -> None:
        self._cache.drop_account(key, uid)
        self._queue.forget(key)
        self._queue.add(key, Priority.CHANGE)

    def _wake_owners(self, namespace: str, name: str, version: str, *owners: str | None) -> None:
        # A Secret whose mark was edited still concerns the object that it belonged to.
        parts = {owner_in(owner) for owner in owners}
        known = {key for part in parts if (key := self._cache.owner(part))}
        for key in known | self._cache.naming_secret(namespace, name):
            self._queue.add(key, Priority.CHANGE, version)


def _priority(body: Body) -> Priority:
    meta = body["metadata"]
    if "deletionTimestamp" in meta:
        return Priority.URGENT
    status = body.get("status")
    observed = status.get("observedGeneration") if isinstance(status, dict) else None
    return Priority.ROUTINE if observed == meta.get("generation") else Priority.CHANGE


def _fields(error: ValidationError) -> list[str]:
    return sorted({".".join(map(str, place)) for place in places(error)})
