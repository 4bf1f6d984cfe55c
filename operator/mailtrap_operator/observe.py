"""OBSERVE: everything that one reconcile reads. Only reads happen here.

`known` uses what the watches and the last LIST have shown; it decides whether to read more. `fresh` reads in the
order that the protocol needs: the object, its Secrets, then a LIST that started after both. Other reads of an account
come before that, and only for objects that may use it. Workloads are read by name when a spec newly names them, while
one of them is missing, and while they restart; Secrets are read by name for each look where they are not watched. It
has some more lines than other files, because it holds the order of all reads of a reconcile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from mailtrap_operator.api.names import restart_annotation
from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.errors import Failure, Retryable
from mailtrap_operator.clients.namespace_client import NamespaceClient
from mailtrap_operator.clients.remote_account import NOT_LISTED, RemoteAccount, Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import UnpublishedValues
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.limits import excessive_form
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    NOT_ASKED_FOR,
    Absent,
    AccountView,
    Found,
    Identity,
    Observation,
    OwnerTag,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.policy import crowding, namespace_labels_unknown, unknown_standing, violation
from mailtrap_operator.core.protection import is_terminating
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import (
    account_refs,
    former_secret_name,
    is_in_the_way,
    is_unused,
    moving_targets,
    own_secret,
    owner_part,
    secret_name,
    unproven_targets,
)
from mailtrap_operator.neighbours import Neighbours
from mailtrap_operator.quota import Quota
from mailtrap_operator.remote_reads import RemoteReads
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.secret_reads import Secret, SecretReads
from mailtrap_operator.tenant_reads import Labels, TenantReads

Refs = tuple[AccountRef, ...]


class _Read(NamedTuple):
    """What was read of Kubernetes for one ApiToken."""

    api_token: ApiToken
    secret: Secret
    former_secret: Secret
    labels: Labels


Lists = Callable[[ApiTokenKey, _Read], Awaitable[Mapping[AccountRef, Tokens]]]


class Observer:
    """Reads everything for reconciles of ApiTokens."""

    def __init__(
        self,
        *,
        cache: Cache,
        api_tokens: ApiTokenClient,
        secret_client: SecretClient,
        workloads: WorkloadClient,
        namespaces: NamespaceClient,
        accounts: RemoteAccounts,
        unpublished: UnpublishedValues,
        quota: Quota,
        reverts: Reverts,
        identity: Identity,
        new_nonce: Callable[[], str],
        clock: Callable[[], datetime],
        watches_secrets: bool = True,
    ) -> None:
        self._cache = cache
        self._api_tokens = api_tokens
        self._secrets = SecretReads(cache, secret_client, watches_secrets=watches_secrets)
        self._workloads = workloads
        self._accounts = accounts
        self._quota = quota
        self._reverts = reverts
        self._remote = RemoteReads(accounts, secret_client, identity.installation)
        self._tenants = TenantReads(cache=cache, accounts=accounts, namespaces=namespaces, identity=identity)
        self._unpublished = unpublished
        self._identity = identity
        self._new_nonce = new_nonce
        self._clock = clock
        self._neighbours = Neighbours(cache)

    async def known(self, key: ApiTokenKey) -> Observation | None:
        """Return what is known without a LIST, or None when the object is not known; only what no watch reports is read."""
        read = await self._read_known(key)
        if read is None:
            return None
        # Labels that were not read yet are no reason to look closer.
        closed = {ref: view for ref, view in self._closed(read).items() if view.tokens is not LABELS_NOT_READ}
        return await self._with_workloads(
            self._observation(key, read, await self._last_listed(key, read), closed)
        )

    async def listed(self, key: ApiTokenKey) -> Observation | None:
        """Return what `fresh` would, but go by the lists that there are, those of Kubernetes and those of the accounts."""
        read = await self._read_known(key)
        if read is None:
            return None
        former = former_secret_name(read.api_token)
        if isinstance(read.secret, Absent):
            # No list reports a Secret without our label.
            read = read._replace(secret=await self._secrets.fresh(key.namespace, secret_name(read.api_token)))
        if former and isinstance(read.former_secret, Absent):
            read = read._replace(former_secret=await self._secrets.fresh(key.namespace, former))
        if read.labels is LABELS_NOT_READ:
            read = read._replace(labels=await self._tenants.labels(key.namespace, self._account_refs(read)))
        return await self._with_remote_reads(key, read, self._last_listed)

    async def _read_known(self, key: ApiTokenKey) -> _Read | None:
        api_token = self._cache.api_token(key)
        if self._cache.is_too_large(key):
            api_token = await self._read_large(key)
        if api_token is None:
            return None
        former = former_secret_name(api_token)
        seen_secret = await self._secrets.known(key.namespace, secret_name(api_token))
        if isinstance(seen_secret, Absent) and is_in_the_way(api_token):
            # No watch reports one without our label.
            seen_secret = await self._secrets.fresh(key.namespace, secret_name(api_token))
        seen_former: Secret = await self._secrets.known(key.namespace, former) if former else Absent()
        return _Read(api_token, seen_secret, seen_former, self._tenants.known_labels(key.namespace))

    async def _read_large(self, key: ApiTokenKey) -> ApiToken | None:
        try:
            return await self._api_tokens.read(key)
        except Failure:
            # `fresh` reads it again, and says why it cannot.
            return None

    async def _with_workloads(self, seen: Observation) -> Observation:
        """Return an observation with the workloads that are to move to the present value, or were newly named.

        Where there are none, no call is made.
        """
        api_token = seen.api_token
        newly_named = unproven_targets(api_token) if self._identity.limits.rollout_restarts else ()
        if not (targets := moving_targets(api_token) or newly_named):
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
        if self._cache.knows_newer(key, api_token.metadata.resource_version):
            message = "The object that was read is older than one seen before; it is read again."
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, message)
        seen_secret = await self._secrets.fresh(key.namespace, secret_name(api_token))
        former = former_secret_name(api_token)
        seen_former: Secret = await self._secrets.fresh(key.namespace, former) if former else Absent()
        read = _Read(api_token, seen_secret, seen_former, LABELS_NOT_READ)
        read = read._replace(labels=await self._tenants.labels(key.namespace, self._account_refs(read)))
        return await self._with_remote_reads(key, read, self._list)

    async def _with_remote_reads(self, key: ApiTokenKey, read: _Read, lists: Lists) -> Observation:
        """Return what was read of Kubernetes with what the accounts say; an account that the object may not use is not read."""
        closed = self._closed(read)
        seen = self._observation(key, read, dict.fromkeys(self._account_refs(read), NOT_LISTED), closed)
        catalogue = None if self._is_refused(seen) else await self._remote.catalogue(key, seen)
        # What a name stands for may break a rule that nothing else does.
        is_refused = self._is_refused(replace(seen, catalogue=catalogue))
        adoptee = NOT_ASKED_FOR if is_refused else await self._remote.adoptee(key, seen)
        if is_unused(seen) and not isinstance(adoptee, Found):
            # It needs no LIST; only a trouble that is known of its account matters.
            told = await self._last_listed(key, read)
            tokens = {ref: each if isinstance(each, Unknown) else NOT_LISTED for ref, each in told.items()}
            seen = self._observation(key, read, tokens, closed)
            return await self._with_workloads(replace(seen, catalogue=catalogue, adoptee=adoptee))
        # Administrators may have closed an account meanwhile.
        closed |= self._closed(read)
        seen = self._observation(key, read, await lists(key, read), closed)
        views = [await self._remote.verify_missing_tokens(key, seen, view) for view in seen.accounts]
        seen = replace(seen, accounts=tuple(views), catalogue=catalogue, adoptee=adoptee)
        return await self._with_workloads(seen)

    def _is_refused(self, seen: Observation) -> bool:
        s = ObservedState(seen, self._clock())
        is_stopped = (
            seen.account.is_closed or violation(s) or namespace_labels_unknown(s) or excessive_form(s)
        )
        return bool(is_stopped or (is_unused(seen) and (crowding(s) or unknown_standing(s))))

    def _closed(self, read: _Read) -> dict[AccountRef, AccountView]:
        return self._tenants.closed(read.api_token, self._account_refs(read), read.labels)

    async def _list(self, key: ApiTokenKey, read: _Read) -> Mapping[AccountRef, Tokens]:
        refs, closed = self._account_refs(read), self._closed(read)
        open_refs = [ref for ref in refs if ref not in closed]
        # Only the reconcile's own task can give its worker back: those that read for it have none.
        async with self._accounts.while_waiting():
            answers = await asyncio.gather(*(self._listed(ref, key) for ref in open_refs))
        return dict.fromkeys(refs, NOT_LISTED) | dict(zip(open_refs, answers, strict=True))

    async def _listed(self, ref: AccountRef, key: ApiTokenKey) -> Tokens:
        unknown = await self._accounts.judge_own_credentials(account_key(ref, key.namespace), key.namespace)
        return unknown or await self._remote_account(ref, key).list_tokens()

    async def _last_listed(self, key: ApiTokenKey, read: _Read) -> Mapping[AccountRef, Tokens]:
        refs = self._account_refs(read)
        return {ref: self._accounts.last_listed(account_key(ref, key.namespace)) for ref in refs}

    def _tag(self, api_token: ApiToken) -> OwnerTag:
        return self._identity.installation, owner_part(api_token, self._identity.installation)

    def _account_refs(self, read: _Read) -> Refs:
        secret = own_secret(read.secret, read.api_token, self._identity.installation)
        return account_refs(read.api_token, secret)

    def _remote_account(self, ref: AccountRef, key: ApiTokenKey) -> RemoteAccount:
        return self._accounts.at(account_key(ref, key.namespace))

    def _observation(
        self,
        key: ApiTokenKey,
        read: _Read,
        tokens: Mapping[AccountRef, Tokens],
        closed: Mapping[AccountRef, AccountView],
    ) -> Observation:
        tag = self._tag(read.api_token)
        desired, *others = (
            closed.get(ref) or self._view(ref, key, tag, answer) for ref, answer in tokens.items()
        )
        tenancy = None if desired.is_closed else self._tenancy(key, read.api_token, read.labels)
        return Observation(
            api_token=read.api_token,
            secret=read.secret,
            accounts=(replace(desired, tenancy=tenancy), *others),
            identity=self._identity,
            fresh_nonce=self._new_nonce(),
            former_secret=read.former_secret,
            unpublished=self._unpublished.peek(key),
            claim_age=self._cache.claim_age(key),
            reverted=self._reverts.of(key),
            unanswered_for=self._cache.unanswered_for(key),
            neighbour=self._neighbours.of(key, read.api_token, read.secret),
        )

    def _view(self, ref: AccountRef, key: ApiTokenKey, tag: OwnerTag, tokens: Tokens) -> AccountView:
        place = account_key(ref, key.namespace)
        account = self._cache.account(place)
        account_id = account.spec.account_id if account else None
        terminating = account is not None and is_terminating(account)
        tenancy = Tenancy(account.spec.policy) if account else None
        if isinstance(tokens, Unknown):
            return AccountView(ref, account_id, tokens, tenancy=tenancy, is_terminating=terminating)
        used, answer = self._accounts.credentials(place, key.namespace), Found(tokens.value.get(tag, ()))
        return AccountView(
            ref, account_id, answer, tenancy=tenancy, credentials=used, is_terminating=terminating
        )

    def _tenancy(self, key: ApiTokenKey, api_token: ApiToken, labels: Labels) -> Tenancy | None:
        tenancy = self._quota.tenancy(key, api_token)
        return replace(tenancy, labels=labels) if tenancy else None
