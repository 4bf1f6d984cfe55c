"""The one door by which objects come in: remembered in the store, their keys put into the queue.

Create, update, resume, a Secret's change, a deletion and the resync enter here alike; nothing is decided.
"""

import logging
from typing import Any

from pydantic import ValidationError

from mailtrap_operator.api.fields import places
from mailtrap_operator.api.v1alpha1 import GROUP, MANAGED_BY_LABEL, VERSION, Account, AccountKind
from mailtrap_operator.clients.secret_store import parse_secret
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import SecretState
from mailtrap_operator.core.protection import is_going
from mailtrap_operator.core.wishes import MANAGED_BY
from mailtrap_operator.runtime.resync import Listing, ObjectName
from mailtrap_operator.runtime.store import News, Store
from mailtrap_operator.runtime.workqueue import WorkQueue

logger = logging.getLogger(__name__)

SECRETS_OF_OURS = f"{MANAGED_BY_LABEL}={MANAGED_BY}"
"""The label selector of the Secrets that are watched."""

Body = dict[str, Any]


class Intake:
    """Takes raw Kubernetes objects in."""

    def __init__(self, store: Store, queue: WorkQueue[Key]) -> None:
        self._store = store
        self._queue = queue

    def api_token(self, body: Body, *, is_gone: bool = False) -> None:
        """Take an ApiToken in."""
        meta = body["metadata"]
        key = ApiTokenKey(meta["namespace"], meta["name"])
        if is_gone:
            self._store.drop_api_token(key, meta["uid"])
            self._queue.forget(key)
            return
        try:
            news = self._store.put_api_token(body)
        except ValidationError as error:
            logger.warning(
                "an ApiToken is not what its CRD admits", extra={"key": str(key), "fields": _fields(error)}
            )
            return
        if news is not News.NONE:
            self._queue.add(key, _lane(body), meta["resourceVersion"], ends_backoff=news is News.WISHES)

    def secret(self, body: Body, *, is_gone: bool = False) -> None:
        """Take a Secret of ours in; its data goes no further than this."""
        meta = body["metadata"]
        namespace, state = meta["namespace"], parse_secret(body)
        known = self._store.secret(namespace, state.name)
        if is_gone:
            self._store.drop_secret(namespace, state.name, state.resource_version)
        elif not self._store.put_secret(namespace, state):
            return
        # A Secret whose mark was edited still concerns the object that it belonged to.
        self._wake_owners("" if is_gone else state.resource_version, state, known)

    def account(self, body: Body, *, is_gone: bool = False) -> None:
        """Take an account in."""
        meta = body["metadata"]
        key = AccountKey(body["kind"], meta.get("namespace"), meta["name"])
        if is_gone:
            self._account_is_gone(key, meta["uid"])
            return
        try:
            account = Account.model_validate(body)
        except ValidationError as error:
            logger.warning(
                "an account is not what its CRD admits", extra={"key": str(key), "fields": _fields(error)}
            )
            return
        known = self._store.account(key)
        is_news = known is None or known.spec != account.spec or is_going(known) != is_going(account)
        if self._store.put_account(account) and is_news:
            # Its status is written by every operator that sees it; that is news to none of them.
            self._queue.add(key, Lane.CHANGE)

    def listings(self, namespaces: tuple[str, ...]) -> tuple[Listing, ...]:
        """Return what a resync lists: accounts and Secrets before the ApiTokens that need them."""

        def paths(resource: str, root: str = f"/apis/{GROUP}/{VERSION}") -> tuple[str, ...]:
            scopes = tuple(f"namespaces/{namespace}/" for namespace in namespaces) or ("",)
            return tuple(f"{root}/{scope}{resource}" for scope in scopes)

        def accounts(kind: AccountKind, *where: str) -> Listing:
            def known() -> list[ObjectName]:
                return [(key.namespace, key.name) for key in self._store.account_keys() if key.kind == kind]

            def missed(name: ObjectName) -> None:
                self._account_is_gone(AccountKey(kind, *name))

            return Listing(where, kind, self.account, known, missed)

        return (
            accounts("ClusterMailtrapAccount", f"/apis/{GROUP}/{VERSION}/clustermailtrapaccounts"),
            accounts("MailtrapAccount", *paths("mailtrapaccounts")),
            Listing(
                paths("secrets", "/api/v1"),
                "Secret",
                self.secret,
                self._store.secret_names,
                self._missed_secret,
                SECRETS_OF_OURS,
            ),
            Listing(
                paths("apitokens"),
                "ApiToken",
                self.api_token,
                self._store.api_token_keys,
                self._missed_api_token,
            ),
        )

    def _missed_secret(self, name: ObjectName) -> None:
        namespace, secret_name = name[0] or "", name[1]
        known = self._store.secret(namespace, secret_name)
        self._store.drop_secret(namespace, secret_name)
        self._wake_owners("", known)

    def _missed_api_token(self, name: ObjectName) -> None:
        # Not known any more, it is read afresh: that tells whether it is gone.
        key = ApiTokenKey(name[0] or "", name[1])
        self._store.drop_api_token(key)
        self._queue.add(key, Lane.ROUTINE)

    def _account_is_gone(self, key: AccountKey, uid: str = "") -> None:
        self._store.drop_account(key, uid)
        self._queue.forget(key)
        self._queue.add(key, Lane.CHANGE)

    def _wake_owners(self, version: str, *secrets: SecretState | None) -> None:
        owners = {(secret.owner or "").partition("-")[2] for secret in secrets if secret}
        for owner in owners:
            if key := self._store.owner(owner):
                self._queue.add(key, Lane.CHANGE, version)


def _lane(body: Body) -> Lane:
    meta = body["metadata"]
    if "deletionTimestamp" in meta:
        return Lane.URGENT
    status = body.get("status")
    observed = status.get("observedGeneration") if isinstance(status, dict) else None
    return Lane.ROUTINE if observed == meta.get("generation") else Lane.CHANGE


def _fields(error: ValidationError) -> list[str]:
    return sorted({".".join(map(str, place)) for place in places(error)})
