"""OBSERVE: what the world looks like to one pass. Only reads happen here.

`known` looks at what the watches and the last LIST told; it decides whether to look closer. `fresh` reads in the
order that the protocol needs: the object, its Secrets, then a LIST that started after both. Before that, the account's
resources are asked for where the spec names one that was not looked up yet. Workloads are read by name while they
restart, and only then; Secrets are read by name for each look where they are not watched.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from mailtrap_operator.api.v1alpha1 import MANAGED_BY_LABEL, AccountRef, ApiToken
from mailtrap_operator.clients.accounts import NOT_LISTED, Accounts, Connection, OwnerTag, Tokens
from mailtrap_operator.clients.api_token_store import ApiTokenStore
from mailtrap_operator.clients.errors import Failure, Retryable
from mailtrap_operator.clients.issued_values import UnpublishedTokens
from mailtrap_operator.clients.namespace_store import NamespaceStore
from mailtrap_operator.clients.secret_store import SecretStore
from mailtrap_operator.clients.workloads import WorkloadStore
from mailtrap_operator.core.consumers import restart_annotation
from mailtrap_operator.core.installations import mismatch_of_token
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.lanes import Lane
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    NOT_ASKED_FOR,
    Absent,
    AccountView,
    Catalogue,
    Found,
    Identity,
    Observation,
    RemoteToken,
    SecretState,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.policy import namespace_violation, selector_of
from mailtrap_operator.core.protection import is_going
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.recovery import is_unused
from mailtrap_operator.core.references import (
    account_refs,
    adoptee_id,
    former_secret_name,
    ids_on_record,
    is_adopted,
    is_wished,
    moving_targets,
    own_secret,
    owner_part,
    secret_name,
)
from mailtrap_operator.core.resources import unbound
from mailtrap_operator.core.wishes import MANAGED_BY
from mailtrap_operator.runtime.store import Store, key_of_account

Secret = Found[SecretState] | Absent | Unknown
Labels = Found[Mapping[str, str]] | Unknown


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
        watches_secrets: bool = True,
    ) -> None:
        self._store = store
        self._api_tokens = api_tokens
        self._secrets = secret_store
        self._workloads = workloads
        self._namespaces = namespaces
        self._accounts = accounts
        self._unpublished = unpublished
        self._identity = identity
        self._new_nonce = new_nonce
        self._watches_secrets = watches_secrets

    async def known(self, key: ApiTokenKey) -> Observation | None:
        """Return what is known without a LIST, or None when the object is not known; only what no watch tells of is read."""
        api_token = self._store.api_token(key)
        if api_token is None:
            return None
        former = former_secret_name(api_token)
        seen_secret = await self._known_secret(key.namespace, secret_name(api_token))
        seen_former: Secret = await self._known_secret(key.namespace, former) if former else Absent()
        refs = self._account_refs(api_token, seen_secret)
        tokens = {ref: self._accounts.told(account_key(ref, key.namespace)) for ref in refs}
        known = self._store.namespace_labels(key.namespace)
        labels = LABELS_NOT_READ if known is None else Found(known)
        seen = self._observation(key, api_token, seen_secret, seen_former, labels=labels, tokens=tokens)
        return await self._with_workloads(seen)

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
        refs = self._account_refs(api_token, seen_secret)
        unlisted = self._observation(
            key, api_token, seen_secret, seen_former, labels=labels, tokens=dict.fromkeys(refs, NOT_LISTED)
        )
        catalogue, adoptee = await self._catalogue(key, unlisted), await self._adoptee(key, unlisted)
        if is_unused(unlisted) and (namespace_violation(unlisted) or not is_wished(api_token)):
            ref = api_token.spec.account_ref
            told = self._accounts.told(account_key(ref, key.namespace))
            unasked = told if isinstance(told, Unknown) else NOT_LISTED
            seen = self._observation(
                key, api_token, seen_secret, seen_former, labels=labels, tokens={ref: unasked}
            )
            return replace(seen, catalogue=catalogue, adoptee=adoptee)
        lists = await asyncio.gather(*(self._connection(ref, key).list_tokens() for ref in refs))
        seen = self._observation(
            key,
            api_token,
            seen_secret,
            seen_former,
            labels=labels,
            tokens=dict(zip(refs, lists, strict=True)),
        )
        views = [await self._doubted(key, seen, view) for view in seen.accounts]
        seen = replace(seen, accounts=tuple(views), catalogue=catalogue, adoptee=adoptee)
        return await self._with_workloads(seen)

    async def _adoptee(self, key: ApiTokenKey, seen: Observation) -> Found[RemoteToken] | Absent | Unknown:
        """Ask for the token that is to be adopted, where there is one and the account serves the namespace."""
        api_token = seen.api_token
        token_id = adoptee_id(api_token)
        if token_id is None or api_token.metadata.deletion_timestamp or namespace_violation(seen):
            return NOT_ASKED_FOR
        try:
            token = await self._token(api_token.spec.account_ref, key, token_id)
        except Failure as failure:
            return failure.as_unknown()
        return Absent() if token is None else Found(token)

    async def _token(self, ref: AccountRef, key: ApiTokenKey, token_id: int) -> RemoteToken | None:
        client = await self._connection(ref, key).client()
        async with client.pacer.slot(Lane.URGENT):
            return await client.get_token(token_id)

    async def _catalogue(self, key: ApiTokenKey, seen: Observation) -> Found[Catalogue] | Unknown | None:
        """Ask for the account's resources where a name was not looked up yet and the account serves the namespace."""
        api_token, account = seen.api_token, seen.account
        is_idle = api_token.metadata.deletion_timestamp or not unbound(api_token, account.account_id)
        if is_idle or namespace_violation(seen):
            return None
        return await self._connection(account.ref, key).list_resources()

    async def _known_secret(self, namespace: str, name: str) -> Secret:
        if not self._watches_secrets:
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

    async def _doubted(self, key: ApiTokenKey, seen: Observation, view: AccountView) -> AccountView:
        """Ask for each token on record that a LIST lacks; one that is there after all makes the LIST worthless."""
        if isinstance(view.tokens, Unknown):
            return view
        listed, anothers = {token.id for token in view.tokens.value}, set()
        try:
            for token_id in sorted(ids_on_record(seen, view.ref) - listed):
                token = await self._token(view.ref, key, token_id)
                if token is None or is_adopted(seen.api_token, token_id):
                    continue
                if mismatch := mismatch_of_token(token, self._identity.installation):
                    return view.without_answer(mismatch)
                if self._is_anothers(token, seen.api_token):
                    anothers.add(token_id)
                else:
                    return view.without_answer(
                        Unknown(
                            Reason.LIST_INCOMPLETE,
                            f"Token {token_id} exists, but the list of tokens lacks it. Check the permissions of the "
                            "account's credential and the operator's installation setting.",
                        )
                    )
        except Failure as failure:
            return view.without_answer(failure.as_unknown())
        return replace(view, anothers=frozenset(anothers))

    def _is_anothers(self, token: RemoteToken, api_token: ApiToken) -> bool:
        """Whether a token bears the tag of another object here, or its adoption was taken back: the LIST is right."""
        installation, owner = self._tag(api_token)
        if token.tag is None:
            return token.id == api_token.status.adopted
        return token.tag.installation == installation and token.tag.owner != owner

    def _tag(self, api_token: ApiToken) -> OwnerTag:
        return self._identity.installation, owner_part(api_token, self._identity.installation)

    def _account_refs(self, api_token: ApiToken, secret: Secret) -> tuple[AccountRef, ...]:
        return account_refs(api_token, own_secret(secret, api_token, self._identity.installation))

    def _connection(self, ref: AccountRef, key: ApiTokenKey) -> Connection:
        return self._accounts.at(account_key(ref, key.namespace))

    def _observation(
        self,
        key: ApiTokenKey,
        api_token: ApiToken,
        secret: Secret,
        former_secret: Secret,
        *,
        labels: Labels,
        tokens: Mapping[AccountRef, Tokens],
    ) -> Observation:
        tag = self._tag(api_token)
        wished, *others = (self._view(ref, key, tag, answer) for ref, answer in tokens.items())
        return Observation(
            api_token=api_token,
            secret=secret,
            accounts=(replace(wished, tenancy=self._tenancy(key, api_token, labels)), *others),
            identity=self._identity,
            fresh_nonce=self._new_nonce(),
            former_secret=former_secret,
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
