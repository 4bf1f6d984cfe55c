"""APPLY: carries a plan's one action out. Only writes happen here, and the reads that are their precondition.

The order of `_issue` is the protocol: dry run, finalizer, claim, remote call, probe, Secret. Where it stops, the
next reconcile continues from what is on record. It has some more lines than other files: the protocol is read in one place.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from pydantic import SecretStr

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.errors import Failure, Missing, Terminal, Unauthorized, Uncertain
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.remote_account import RemoteAccount
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import IssuedValue, UnpublishedValues
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.actions import (
    Action,
    AddFinalizer,
    DeleteSecret,
    DesiredSecret,
    Done,
    Failed,
    IssueToken,
    Outcome,
    Plan,
    Published,
    PublishToken,
    RemoveFinalizer,
    RestartWorkloads,
    RevokeToken,
    RewriteSecret,
    begun_at,
)
from mailtrap_operator.core.clocks import why_an_end_is_refused
from mailtrap_operator.core.conditions import status_of_claim
from mailtrap_operator.core.deletion import held_up
from mailtrap_operator.core.desired_state import form_digest, form_of, form_wanted
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.observation import RemoteToken, SecretState, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import (
    CLAIM_TARGET,
    FINALIZER_TARGET,
    GONE,
    THERE,
    reason_and_message,
    secret_target,
)
from mailtrap_operator.core.templates import filled_for_token
from mailtrap_operator.quota import Quota
from mailtrap_operator.retentions import Retentions
from mailtrap_operator.runtime.cache import Cache, key_of_api_token
from mailtrap_operator.runtime.reverts import Attempt, Reverts
from mailtrap_operator.unlisted_tokens import UnlistedTokens


@dataclass(slots=True)
class Writes:
    """What a reconcile has written of Kubernetes so far: the newest object, and the versions whose events are echoes."""

    api_token: ApiToken
    versions: tuple[str, ...] = ()

    def note(self, api_token: ApiToken) -> None:
        """Record the object as it was written."""
        self.api_token = api_token
        self.versions += (api_token.metadata.resource_version,)


class Applier:
    """Carries out actions; what fails becomes an Outcome, never an exception."""

    def __init__(
        self,
        *,
        cache: Cache,
        api_tokens: ApiTokenClient,
        secret_client: SecretClient,
        workloads: WorkloadClient,
        accounts: RemoteAccounts,
        retentions: Retentions,
        unpublished: UnpublishedValues,
        quota: Quota,
        reverts: Reverts,
        settle_time: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._api_tokens = api_tokens
        self._secrets = secret_client
        self._workloads = workloads
        self._accounts = accounts
        self._retentions = retentions
        self._unpublished = unpublished
        self._unlisted = UnlistedTokens(cache=cache, secrets=secret_client, clock=clock)
        self._quota = quota
        self._reverts = reverts
        # A claim older than this is not acted upon: its remote call must be over well before it counts as settled.
        self._longest_claim = settle_time / 4
        self._clock = clock

    async def apply(self, plan: Plan, writes: Writes) -> Outcome:
        """Carry out a plan's action."""
        if plan.action is None:
            return Done()
        try:
            return await self._carry_out(plan.action, key_of_api_token(writes.api_token), writes)
        except Failure as failure:
            cause = failure.as_unknown()
            if (
                isinstance(plan.action, RevokeToken)
                and writes.api_token.metadata.deletion_timestamp is not None
            ):
                cause = held_up(cause, may_be_left=plan.action.may_be_left)
            return Failed(cause, is_final=isinstance(failure, Terminal))

    async def _carry_out(self, action: Action, key: ApiTokenKey, writes: Writes) -> Outcome:
        match action:
            case AddFinalizer():
                await self._add_finalizer(key, writes)
            case IssueToken():
                return await self._issue(action, key, writes)
            case PublishToken(issued, secret):
                await self._keep_claim(key, writes)
                return await self._publish(key, self._unpublished.value_of(key, issued), secret, writes)
            case RewriteSecret(source, secret):
                state = await self._secrets.rewrite(source, secret)
                self._note_secret(key, source if source.name == secret.name else None, state, secret, writes)
            case DeleteSecret(namespace, secret_state):
                await self._secrets.delete(namespace, secret_state)
                self._cache.drop_secret(namespace, secret_state.name)
            case RestartWorkloads():
                await self._restart(action, key)
            case RevokeToken():
                await self._revoke(action, key, writes)
            case RemoveFinalizer(retention=retention):
                if retention is not None:
                    await self._retentions.note(key, retention)
                left = tuple(f for f in writes.api_token.metadata.finalizers if f != FINALIZER)
                writes.note(await self._api_tokens.write_finalizers(writes.api_token, left))
                is_there = FINALIZER in writes.api_token.metadata.finalizers
                self._reverts.must_last(
                    key, Attempt(FINALIZER_TARGET, GONE, THERE, THERE if is_there else GONE, FINALIZER)
                )
                self._unpublished.drop(key)
            case _:
                assert_never(action)
        return Done()

    async def _issue(self, action: IssueToken, key: ApiTokenKey, writes: Writes) -> Outcome:
        remote_account = self._accounts.at(account_key(action.operation.account, key.namespace))
        try:
            client = await remote_account.client()
        except Failure as failure:
            return Failed(failure.as_unknown())
        await self._secrets.try_publish(action.secret, action.issuance)
        await self._add_finalizer(key, writes)
        async with client.pacer.slot(action.priority, key.namespace):
            with self._quota.place_for(key, writes.api_token, action.policy):
                outcome = await self._claim_and_call(action, key, client, remote_account, writes)
                if isinstance(outcome, IssuedValue):
                    remote_account.record_change(outcome.token, is_alive=True)
        if isinstance(outcome, Failed):
            return outcome
        self._unpublished.keep(key, outcome)
        if not await client.is_accepted(outcome.value):
            self._unpublished.drop(key)
            message = (
                f"Mailtrap refuses the value of the new token {outcome.token.id}; another one is issued."
            )
            return Failed(Unknown(Reason.VALUE_REFUSED, message))
        return await self._publish(key, outcome, action.secret, writes)

    async def _add_finalizer(self, key: ApiTokenKey, writes: Writes) -> None:
        finalizers = writes.api_token.metadata.finalizers
        if FINALIZER not in finalizers:
            self._reverts.check(key, FINALIZER_TARGET, THERE, GONE)
            writes.note(await self._api_tokens.write_finalizers(writes.api_token, (*finalizers, FINALIZER)))
            is_there = FINALIZER in writes.api_token.metadata.finalizers
            self._reverts.must_last(key, Attempt.at_adding(FINALIZER_TARGET, FINALIZER, is_there=is_there))

    async def _claim_and_call(
        self,
        action: IssueToken,
        key: ApiTokenKey,
        client: MailtrapClient,
        remote_account: RemoteAccount,
        writes: Writes,
    ) -> IssuedValue | Failed:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        status = status_of_claim(writes.api_token, action, self._clock())
        writes.note(await self._api_tokens.write_status(writes.api_token, status))
        if loop.time() - begun > self._longest_claim.total_seconds():
            message = "The Kubernetes API took too long to record the operation; it is started again."
            return Failed(Unknown(Reason.KUBERNETES_UNAVAILABLE, message), closes_claim=True)
        # One that lasts is no repetition: it is started again whenever Mailtrap refuses.
        if writes.api_token.status.operation != status.operation:
            self._reverts.note(key, Attempt.at_adding(CLAIM_TARGET, CLAIM_TARGET, is_there=False))
            return Failed(Unknown(*reason_and_message(self._reverts.of(key))), closes_claim=True)
        try:
            token, value = await _call(action, client)
        except Uncertain as failure:
            return Failed(failure.as_unknown())
        except Failure as failure:
            if isinstance(failure, Unauthorized):
                remote_account.mark_failed(failure)
            if why := self._by_which_clock(failure, action, client, writes):
                cause = Unknown(Reason.CLOCK_SKEWED, f"{failure.said} {why}")
                return Failed(cause, is_final=True, closes_claim=True)
            is_final = isinstance(failure, Terminal | Missing)
            return Failed(failure.as_unknown(), is_final=is_final, closes_claim=True)
        return IssuedValue(action.operation.nonce, token, value, action.issuance)

    def _by_which_clock(
        self, failure: Failure, action: IssueToken, client: MailtrapClient, writes: Writes
    ) -> str | None:
        if failure.reason is not Reason.REQUEST_REFUSED:
            return None
        desired, now = writes.api_token.spec.expiration, self._clock()
        return why_an_end_is_refused(failure.said, desired, action.expires_at, now, client.clock_difference)

    async def _keep_claim(self, key: ApiTokenKey, writes: Writes) -> None:
        """Renew a claim that is getting old, so that no other operator gives the value up while it is published."""
        operation = writes.api_token.status.operation
        if operation and self._cache.claim_age(key) > 2 * self._longest_claim:
            # The date must differ, or it is no new claim to those who watch; a clock may have been put back.
            renewed = begun_at(operation, max(self._clock(), operation.started_at + timedelta(seconds=1)))
            status = writes.api_token.status.model_copy(update={"operation": renewed})
            writes.note(await self._api_tokens.write_status(writes.api_token, status))

    async def _publish(
        self, key: ApiTokenKey, issued: IssuedValue, secret: DesiredSecret, writes: Writes
    ) -> Outcome:
        try:
            state = await self._secrets.publish(secret, issued)
        except Failure as failure:
            # The value stays in memory; the next reconcile publishes it.
            return Failed(failure.as_unknown(), holds_value=True)
        filled = replace(secret, data=filled_for_token(secret.data, issued.token.id, issued.token.expires_at))
        self._note_secret(key, None, state, filled, writes)
        self._unpublished.drop(key)
        return Published(issued.token, issued.issuance)

    def _note_secret(
        self,
        key: ApiTokenKey,
        before: SecretState | None,
        state: SecretState,
        desired: DesiredSecret,
        writes: Writes,
    ) -> None:
        self._cache.put_secret(key.namespace, state)
        writes.versions += (state.resource_version,)
        uid = desired.api_token_uid
        attempt = Attempt(
            target=secret_target(desired.name),
            wanted=form_digest(form_wanted(desired)),
            before=form_digest(form_of(before, uid)) if before else GONE,
            stored=form_digest(form_of(state, uid)),
            changes=state.changed_at_admission,
            editor=before.editor if before else None,
        )
        self._reverts.note(key, attempt)

    async def _restart(self, action: RestartWorkloads, key: ApiTokenKey) -> None:
        """Restart each workload; one that refuses holds up no other."""
        refused: Failure | None = None
        for workload in action.workloads:
            try:
                stored = await self._workloads.restart(
                    action.namespace, workload, action.annotation, action.token_id
                )
                wanted = str(action.token_id)
                found = wanted if stored.restarted_for == action.token_id else GONE
                changes = f"the annotation {action.annotation} of its pod template"
                self._reverts.must_last(key, Attempt(str(workload), wanted, GONE, found, changes))
            except Failure as failure:
                refused = failure
        if refused is not None:
            raise refused

    async def _revoke(self, action: RevokeToken, key: ApiTokenKey, writes: Writes) -> None:
        token = action.token
        remote_account = self._accounts.at(account_key(token.account, key.namespace))
        if action.seen is None:
            client = await remote_account.client()
            async with client.pacer.slot(action.priority, key.namespace):
                await client.delete_token(token.id)
        else:
            version = writes.api_token.metadata.resource_version
            await self._unlisted.revoke(action, action.seen, remote_account, key, version)
        remote_account.record_change(token, is_alive=False)


async def _call(action: IssueToken, client: MailtrapClient) -> tuple[RemoteToken, SecretStr]:
    base = action.operation.base
    if action.operation.type == "Reset" and base is not None:
        return await client.reset_token(base, action.expires_at)
    return await client.create_token(action.remote_name, action.resources, action.expires_at)
