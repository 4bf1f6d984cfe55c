"""OBSERVE: what the world looks like to one pass. Only reads happen here.

`known` looks at what the watches and the last LIST told; it decides whether to look closer. `fresh` reads in the
order that the protocol needs: the object, its Secrets, then a LIST that started after both. What else is asked of an
account is asked before that, and only for who may use it. Workloads are read by name while they restart, and only
then; Secrets are read by name for each look where they are not watched.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mailtrap_operator.api.v1alpha1 import MANAGED_BY_LABEL, AccountRef, ApiToken
from mailtrap_operator.clients.accounts import NOT_LISTED, Accounts, Connection, OwnerTag, Tokens
from mailtrap_operator.clients.api_token_store import ApiTokenStore
from mailtrap_operator.clients.errors import Failure, Retryable
from mailtrap_operator.clients.issued_values import UnpublishedTokens
from mailtrap_operator.clients.namespace_store import NamespaceStore
from mailtrap_operator.clients.secret_store import SecretStore
from mailtrap_operator.clients.workloads import WorkloadStore
from mailtrap_operator.core.consumers import restart_annotation
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    NOT_ASKED_FOR,
    Absent,
    AccountView,
    Found,
    Identity,
    Observation,
    SecretState,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.policy import selector_of, unread_labels, violation
from mailtrap_operator.core.protection import is_going
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.recovery import is_unused
from mailtrap_operator.core.references import (
    account_refs,
    former_secret_name,
    is_wished,
    moving_targets,
    own_secret,
    owner_part,
    secret_name,
)
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.core.wishes import MANAGED_BY
from mailtrap_operator.remote_reads import RemoteReads
from mailtrap_operator.runtime.store import Store, key_of_account

Secret = Found[SecretState] | Absent | Unknown
Labels = Found[Mapping[str, str]] | Unknown
Refs = tuple[AccountRef, ...]
Lists = Callable[[ApiTokenKey, Refs], Awaitable[Mapping[AccountRef, Tokens]]]


class _Read(NamedTuple):
    """What was read of Kubernetes for one ApiToken."""

    api_token: ApiToken
    secret: Secret
    former_secret: Secret
    labels: Labels


class Observer:
    """Reads the world for passes over ApiTokens."""

    def __init__(
        self,
        *,
        store: Store,
        api_tokens: ApiTokenStore,
        secret_store: SecretStore,
        workloads: WorkloadStore,
        namespaces: NamespaceStore,
        accounts: Accounts,
        unpublished: UnpublishedTokens,
        identity: Identity,
        new_nonce: Callable[[], str],
        clock: Callable[[], datetime],
        watches_secrets: bool = True,
    ) -> None:
        self._store = store
        self._api_tokens = api_tokens
        self._secrets = secret_store
        self._workloads = workloads
        self._namespaces = namespaces
        self._accounts = accounts
        self._remote = RemoteReads(accounts, identity.installation)
        self._unpublished = unpublished
        self._identity = identity
        self._new_nonce = new_nonce
        self._clock = clock
        self._watches_secrets = watches_secrets

    async def known(self, key: ApiTokenKey) -> Observation | None:
        """Return what is known without a LIST, or None when the object is not known; only what no watch tells of is read."""
        read = await self._read_known(key)
        if read is None:
            return None
        tokens = await self._told(key, self._account_refs(read))
        return await self._with_workloads(self._observation(key, read, tokens))

    async def listed(self, key: ApiTokenKey) -> Observation | None:
        """Return what `fresh` would, but go by the lists that there are, those of Kubernetes and those of the accounts."""
        read = await self._read_known(key)
        if read is None:
            return None
        if read.labels is LABELS_NOT_READ:
            read = read._replace(labels=await self._read_labels(key, read.api_token))
        return await self._asked(key, read, self._told)

    async def _read_known(self, key: ApiTokenKey) -> _Read | None:
        api_token = self._store.api_token(key)
        if self._store.is_too_large(key):
            api_token = await self._read_large(key)
        if api_token is None:
            return None
        former = former_secret_name(api_token)
        seen_secret = await self._known_secret(key.namespace, secret_name(api_token))
        seen_former: Secret = await self._known_secret(key.namespace, former) if former else Absent()
        known = self._store.namespace_labels(key.namespace)
        return _Read(api_token, seen_secret, seen_former, LABELS_NOT_READ if known is None else Found(known))

    async def _read_large(self, key: ApiTokenKey) -> ApiToken | None:
        try:
            return await self._api_tokens.read(key)
        except Failure:
            # `fresh` reads it again, and says why it cannot.
            return None

    async def _with_workloads(self, seen: Observation) -> Observation:
        """Return an observation with the workloads that are to move to the present value; where none are, without a call."""
        api_token = seen.api_token
        if not (targets := moving_targets(api_token)):
            return seen
        _, owner = self._tag(api_token)
        namespace = api_token.metadata.namespace or ""
        try:
            workloads = await self._workloads.read(namespace, targets, restart_annotation(owner))
        except Failure as failure:
            return replace(seen, workloads=failure.as_unknown())
        return replace(seen, workloads=Found(workloads))

    async def fresh(self, key: ApiTokenKey) -> Observation | None:
        """Return what the servers say now, or None when the object is gone; raises a `Failure` if even that is unknown."""
        api_token = await self._api_tokens.read(key)
        if api_token is None:
            return None
        if self._store.knows_newer(key, api_token.metadata.resource_version):
            message = "The object that was read is older than one seen before; it is read again."
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, message)
        seen_secret = await self._read_secret(key.namespace, secret_name(api_token))
        former = former_secret_name(api_token)
        seen_former: Secret = await self._read_secret(key.namespace, former) if former else Absent()
        labels = await self._read_labels(key, api_token)
        return await self._asked(key, _Read(api_token, seen_secret, seen_former, labels), self._list)

    async def _asked(self, key: ApiTokenKey, read: _Read, lists: Lists) -> Observation:
        """Return what was read of Kubernetes with what the accounts say; on behalf of who may not use one, none is asked."""
        refs = self._account_refs(read)
        seen = self._observation(key, read, dict.fromkeys(refs, NOT_LISTED))
        catalogue = None if self._is_refused(seen) else await self._remote.catalogue(key, seen)
        # What a name stands for may break a rule that nothing else does.
        is_refused = self._is_refused(replace(seen, catalogue=catalogue))
        adoptee = NOT_ASKED_FOR if is_refused else await self._remote.adoptee(key, seen)
        if is_unused(seen) and (is_refused or not is_wished(read.api_token)):
            # It needs no LIST; only a trouble that is known of its account matters.
            told = await self._told(key, refs)
            tokens = {ref: each if isinstance(each, Unknown) else NOT_LISTED for ref, each in told.items()}
            seen = self._observation(key, read, tokens)
            return replace(seen, catalogue=catalogue, adoptee=adoptee)
        seen = self._observation(key, read, await lists(key, refs))
        views = [await self._remote.doubted(key, seen, view) for view in seen.accounts]
        seen = replace(seen, accounts=tuple(views), catalogue=catalogue, adoptee=adoptee)
        return await self._with_workloads(seen)

    def _is_refused(self, seen: Observation) -> bool:
        s = Situation(seen, self._clock())
        return bool(violation(s) or unread_labels(s))

    async def _list(self, key: ApiTokenKey, refs: Refs) -> Mapping[AccountRef, Tokens]:
        answers = await asyncio.gather(*(self._connection(ref, key).list_tokens() for ref in refs))
        return dict(zip(refs, answers, strict=True))

    async def _told(self, key: ApiTokenKey, refs: Refs) -> Mapping[AccountRef, Tokens]:
        return {ref: self._accounts.told(account_key(ref, key.namespace)) for ref in refs}

    async def _known_secret(self, namespace: str, name: str) -> Secret:
        if not self._watches_secrets or self._store.is_unread_secret(namespace, name):
            return await self._read_secret(namespace, name)
        state = self._store.secret(namespace, name)
        return Found(state) if state else Absent()

    async def _read_secret(self, namespace: str, name: str) -> Secret:
        try:
            secret = await self._secrets.read(namespace, name)
        except Failure as failure:
            return Unknown(
                failure.reason, f"Secret {name} cannot be read: {failure.message}", failure.retry_after
            )
        if isinstance(secret, Found) and self._store.knows_newer_secret(namespace, secret.value):
            message = f"Secret {name} was read older than it was seen before; it is read again."
            return Unknown(Reason.KUBERNETES_UNAVAILABLE, message)
        if isinstance(secret, Found) and secret.value.labels.get(MANAGED_BY_LABEL) == MANAGED_BY:
            self._store.put_secret(namespace, secret.value)
        else:
            # No watch tells of a Secret without our label: what is not remembered is read again.
            self._store.drop_secret(namespace, name)
        return secret

    async def _read_labels(self, key: ApiTokenKey, api_token: ApiToken) -> Labels:
        account = self._store.account(account_key(api_token.spec.account_ref, key.namespace))
        if account is None or selector_of(account.spec.policy) is None:
            return LABELS_NOT_READ
        try:
            labels = await self._namespaces.labels(key.namespace)
        except Failure as failure:
            message = (
                f"The labels of namespace {key.namespace} cannot be read, and the policy of {key_of_account(account)} "
                f"asks for them: {failure.message} Let the operator get namespaces, or have the policy name them."
            )
            return Unknown(failure.reason, message, failure.retry_after)
        self._store.put_namespace_labels(key.namespace, labels)
        return Found(labels)

    def _tag(self, api_token: ApiToken) -> OwnerTag:
        return self._identity.installation, owner_part(api_token, self._identity.installation)

    def _account_refs(self, read: _Read) -> Refs:
        secret = own_secret(read.secret, read.api_token, self._identity.installation)
        return account_refs(read.api_token, secret)

    def _connection(self, ref: AccountRef, key: ApiTokenKey) -> Connection:
        return self._accounts.at(account_key(ref, key.namespace))

    def _observation(self, key: ApiTokenKey, read: _Read, tokens: Mapping[AccountRef, Tokens]) -> Observation:
        tag = self._tag(read.api_token)
        wished, *others = (self._view(ref, key, tag, answer) for ref, answer in tokens.items())
        return Observation(
            api_token=read.api_token,
            secret=read.secret,
            accounts=(replace(wished, tenancy=self._tenancy(key, read.api_token, read.labels)), *others),
            identity=self._identity,
            fresh_nonce=self._new_nonce(),
            former_secret=read.former_secret,
            unpublished=self._unpublished.peek(key),
            claim_age=self._store.claim_age(key),
        )

    def _view(self, ref: AccountRef, key: ApiTokenKey, tag: OwnerTag, tokens: Tokens) -> AccountView:
        account = self._store.account(account_key(ref, key.namespace))
        account_id = account.spec.account_id if account else None
        going = account is not None and is_going(account)
        if isinstance(tokens, Unknown):
            return AccountView(ref, account_id, tokens, is_going=going)
        used, answer = self._connection(ref, key).managed_with, Found(tokens.value.get(tag, ()))
        return AccountView(ref, account_id, answer, managed_with=used, is_going=going)

    def _tenancy(self, key: ApiTokenKey, api_token: ApiToken, labels: Labels) -> Tenancy | None:
        account = self._store.account(account_key(api_token.spec.account_ref, key.namespace))
        if account is None:
            return None
        return Tenancy(account.spec.policy, self._store.seniority.seniors_of(api_token), labels)
