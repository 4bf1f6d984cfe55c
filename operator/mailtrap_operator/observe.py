"""OBSERVE: everything that one reconcile reads. Only reads happen here; `core/reads.py` says what is read next, and why.

`known` uses what the watches and the last LIST have shown; it decides whether to read more. `fresh` asks the servers.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from mailtrap_operator.api.names import restart_annotation
from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.errors import Failure, Retryable
from mailtrap_operator.clients.namespace_client import NamespaceClient
from mailtrap_operator.clients.remote_account import NOT_LISTED, Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import UnpublishedValues
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, account_key
from mailtrap_operator.core.missing_tokens import verified
from mailtrap_operator.core.observation import (
    Absent,
    AccountView,
    Found,
    Identity,
    Observation,
    OwnerTag,
    Tenancy,
    Unknown,
)
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.protection import is_terminating
from mailtrap_operator.core.reads import (
    AdopteeRead,
    Answers,
    LabelsRead,
    Read,
    ResourcesRead,
    SecretRead,
    TokenRead,
    TokensRead,
    Workloads,
    WorkloadsRead,
    next_read,
    read_of_workloads,
    secret_names,
)
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import (
    account_refs,
    is_in_the_way,
    own_secret,
    owner_part,
    secret_name,
)
from mailtrap_operator.neighbours import Neighbours
from mailtrap_operator.quota import Quota
from mailtrap_operator.remote_reads import RemoteReads
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.secret_reads import SecretReads
from mailtrap_operator.tenant_reads import TenantReads

Lists = Callable[[Iterable[AccountRef], str], Awaitable[Mapping[AccountRef, Tokens]]]

Unlisted = Callable[[AccountKey], Tokens]
"""Returns what to take for the LIST of an account that was not listed in this look."""


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
        self._remote = RemoteReads(accounts, secret_client)
        self._tenants = TenantReads(cache=cache, accounts=accounts, namespaces=namespaces, identity=identity)
        self._unpublished = unpublished
        self._identity = identity
        self._new_nonce = new_nonce
        self._clock = clock
        self._neighbours = Neighbours(cache)

    async def known(self, key: ApiTokenKey) -> Observation | None:
        """Return what is known without a LIST, or None when the object is not known; only what no watch reports is read."""
        answers = await self._known(key)
        if answers is None:
            return None
        seen = self._observation(key, answers, self._accounts.last_listed)
        read = read_of_workloads(seen)
        return replace(seen, workloads=await self._read_workloads(key, answers, read)) if read else seen

    async def listed(self, key: ApiTokenKey) -> Observation | None:
        """Return what `fresh` would, but go by the lists that there are, those of Kubernetes and those of the accounts."""
        answers = await self._known(key)
        if answers is None:
            return None
        # No list reports a Secret without our label.
        secrets = {name: each for name, each in answers.secrets.items() if not isinstance(each, Absent)}
        return await self._read_on(key, replace(answers, secrets=secrets), self._remote.last_lists)

    async def fresh(self, key: ApiTokenKey) -> Observation | None:
        """Return what the servers say now, or None when the object is gone; raises a `Failure` if even that is unknown."""
        api_token = await self._api_tokens.read(key)
        if api_token is None:
            return None
        if self._cache.knows_newer(key, api_token.metadata.resource_version):
            message = "The object that was read is older than one seen before; it is read again."
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, message)
        answers = Answers(api_token, self._cache.claim_age(key))
        return await self._read_on(key, answers, self._remote.lists)

    async def _read_on(self, key: ApiTokenKey, answers: Answers, lists: Lists) -> Observation:
        """Read until nothing is left to read. The account objects are looked at once for each step."""
        while True:
            seen = self._observation(key, answers, self._trouble)
            read = next_read(answers, seen, self._clock())
            if read is None:
                return seen
            answers = await self._answered(key, answers, read, lists)

    async def _answered(self, key: ApiTokenKey, answers: Answers, read: Read, lists: Lists) -> Answers:
        namespace = key.namespace
        match read:
            case SecretRead(name):
                secret = await self._secrets.fresh(namespace, name)
                answers = replace(answers, secrets={**answers.secrets, name: secret})
            case LabelsRead(account):
                labels = await self._tenants.labels(namespace, account_key(account, namespace))
                answers = replace(answers, labels=labels)
            case ResourcesRead():
                answers = replace(answers, catalogue=await self._remote.resources(read, namespace))
            case AdopteeRead():
                answers = replace(answers, adoptee=await self._remote.adoptee(read, namespace))
            case TokensRead(accounts):
                answers = replace(answers, lists={**answers.lists, **await lists(accounts, namespace)})
            case TokenRead(account, token_id):
                is_urgent = answers.api_token.metadata.deletion_timestamp is not None
                priority = Priority.URGENT if is_urgent else Priority.ROUTINE
                token = await self._remote.token(read, namespace, priority)
                answers = replace(answers, tokens={**answers.tokens, (account, token_id): token})
            case WorkloadsRead():
                answers = replace(answers, workloads=await self._read_workloads(key, answers, read))
            case _:
                assert_never(read)
        return answers

    async def _known(self, key: ApiTokenKey) -> Answers | None:
        api_token = self._cache.api_token(key)
        if self._cache.is_too_large(key):
            api_token = await self._read_large(key)
        if api_token is None:
            return None
        secrets = {name: await self._secrets.known(key.namespace, name) for name in secret_names(api_token)}
        desired = secret_name(api_token)
        if isinstance(secrets[desired], Absent) and is_in_the_way(api_token):
            # No watch reports one without our label.
            secrets[desired] = await self._secrets.fresh(key.namespace, desired)
        labels = self._tenants.known_labels(key.namespace)
        return Answers(api_token, self._cache.claim_age(key), secrets, labels)

    async def _read_large(self, key: ApiTokenKey) -> ApiToken | None:
        try:
            return await self._api_tokens.read(key)
        except Failure:
            # `fresh` reads it again, and says why it cannot.
            return None

    async def _read_workloads(self, key: ApiTokenKey, answers: Answers, read: WorkloadsRead) -> Workloads:
        _, owner = self._tag(answers.api_token)
        try:
            return Found(await self._workloads.read(key.namespace, read.targets, restart_annotation(owner)))
        except Failure as failure:
            return failure.as_unknown()

    def _trouble(self, account: AccountKey) -> Unknown:
        """Return why an account that was not listed in this look cannot be, as far as that is known."""
        told = self._accounts.last_listed(account)
        return told if isinstance(told, Unknown) else NOT_LISTED

    def _observation(self, key: ApiTokenKey, answers: Answers, unlisted: Unlisted) -> Observation:
        """Return what was read, with what is known of the accounts at this moment."""
        api_token, secret = answers.api_token, answers.secret
        return Observation(
            api_token=api_token,
            secret=secret,
            accounts=self._views(key, answers, unlisted),
            identity=self._identity,
            fresh_nonce=self._new_nonce(),
            former_secret=answers.former_secret,
            workloads=answers.workloads or Found(()),
            unpublished=self._unpublished.peek(key),
            claim_age=answers.claim_age,
            reverted=self._reverts.of(key),
            unanswered_for=self._cache.unanswered_for(key),
            neighbour=self._neighbours.of(key, api_token, secret),
            catalogue=answers.catalogue,
            adoptee=answers.adoptee,
        )

    def _views(self, key: ApiTokenKey, answers: Answers, unlisted: Unlisted) -> tuple[AccountView, ...]:
        api_token, labels = answers.api_token, answers.labels
        secret = own_secret(answers.secret, api_token, self._identity.installation)
        refs = account_refs(api_token, secret)
        # One that answered was open when it was asked.
        closed = self._tenants.closed(api_token, [ref for ref in refs if ref not in answers.lists], labels)
        desired, *others = (closed.get(ref) or self._view(ref, key, answers, unlisted) for ref in refs)
        tenancy = None if desired.is_closed else self._quota.tenancy(key, api_token)
        desired = replace(desired, tenancy=tenancy and replace(tenancy, labels=labels))
        views = (desired, *others)
        return tuple(verified(view, api_token, self._identity.installation, answers.tokens) for view in views)

    def _view(self, ref: AccountRef, key: ApiTokenKey, answers: Answers, unlisted: Unlisted) -> AccountView:
        place, tag = account_key(ref, key.namespace), self._tag(answers.api_token)
        account, listed = self._cache.account(place), answers.lists.get(ref) or unlisted(place)
        used = () if isinstance(listed, Unknown) else self._accounts.credentials(place, key.namespace)
        return AccountView(
            ref,
            account.spec.account_id if account else None,
            listed if isinstance(listed, Unknown) else Found(listed.value.get(tag, ())),
            tenancy=Tenancy(account.spec.policy) if account else None,
            credentials=used,
            is_terminating=account is not None and is_terminating(account),
        )

    def _tag(self, api_token: ApiToken) -> OwnerTag:
        return self._identity.installation, owner_part(api_token, self._identity.installation)
