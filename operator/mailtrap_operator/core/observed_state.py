"""The observed state: which tokens are held, on record, owned but untracked.

It answers questions and decides nothing; the decisions stand in `planning` and `deletion`. It has some more lines than
other files, because it is the one vocabulary of all steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, wraps
from typing import Any, TypeVar, cast

from mailtrap_operator.api.v1alpha1 import (
    AccountPolicy,
    AccountRef,
    ApiToken,
    CurrentToken,
    Issuance,
    OperationStatus,
    PreviousToken,
)
from mailtrap_operator.core.actions import Record, record_of
from mailtrap_operator.core.digests import permissions_digest
from mailtrap_operator.core.expiry import RESET_OVERLAP, whole_second_after
from mailtrap_operator.core.observation import (
    AccountView,
    Found,
    Observation,
    RemoteToken,
    SecretState,
    Unknown,
)
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import (
    is_taken_back,
    issued_access,
    own_secret,
    owner_mark,
    owner_part,
    secret_name,
    with_rollout,
)
from mailtrap_operator.core.resources import Resolution, resolve

OnRecord = TypeVar("OnRecord", CurrentToken, PreviousToken)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ObservedState:
    """One observation at one moment."""

    seen: Observation
    now: datetime

    @cached_property
    def answers(self) -> dict[Callable[["ObservedState"], Any], Any]:
        """The answers to the questions that are asked `once`."""
        return {}

    @property
    def api_token(self) -> ApiToken:
        """The object as it was read."""
        return self.seen.api_token

    @cached_property
    def owner(self) -> str:
        """This object's part of the tag."""
        return owner_part(self.api_token, self.seen.identity.installation)

    @property
    def owner_mark(self) -> str:
        """What a Secret of this object has in its owner annotation."""
        return owner_mark(self.api_token, self.seen.identity.installation)

    @property
    def secret_name(self) -> str:
        """The name that the spec gives the Secret."""
        return secret_name(self.api_token)

    @cached_property
    def record(self) -> Record:
        """What the status has on record; a token that is listed is in the account whose LIST shows it.

        What a name was just found to stand for is on record with the next write.
        """
        record = record_of(self.api_token.status)
        current = self._placed(record.current) if record.current else None
        previous = tuple(self._placed(token) for token in record.previous)
        current = with_rollout(self.api_token, current, previous)
        return replace(record, current=current, previous=previous, resources=self.resolution.bound)

    @cached_property
    def resolution(self) -> Resolution:
        """The resources of the spec with their ids."""
        account = self.seen.account
        policy, issued_for = self.policy_of(account.ref), issued_access(self.seen)
        return resolve(self.api_token, account.account_id, self.seen.catalogue, policy, issued_for)

    def policy_of(self, ref: AccountRef) -> AccountPolicy:
        """Return the policy of an account that was looked at; one that does not exist has no rules."""
        view = self.view(ref)
        return view.tenancy.policy if view and view.tenancy else AccountPolicy()

    def _placed(self, token: OnRecord) -> OnRecord:
        listed = self.owned.get(token.id)
        if listed is None or listed.account == token.account:
            return token
        return token.model_copy(update={"account": listed.account})

    @cached_property
    def secret(self) -> SecretState | None:
        """The Secret of the desired name, where it exists and is ours, or was handed over to us."""
        found = self.seen.secret
        if isinstance(found, Found) and found.value.handed_to == self.api_token.metadata.name:
            return found.value
        return own_secret(found, self.api_token, self.seen.identity.installation)

    @cached_property
    def former_secret(self) -> SecretState | None:
        """The Secret from which the value is to move, where it exists and is ours."""
        return own_secret(self.seen.former_secret, self.api_token, self.seen.identity.installation)

    @cached_property
    def overwritable_secret(self) -> SecretState | None:
        """The Secret of the desired name, where it is not ours and may be overwritten.

        Either a former object of this very name left it behind, or its owner names another Secret and waits for us in a ring.
        """
        if self.secret is not None or not isinstance(self.seen.secret, Found):
            return None
        secret, meta, neighbour = self.seen.secret.value, self.api_token.metadata, self.seen.neighbour
        is_left_behind = (
            secret.made_for is not None
            and bool(secret.made_for.uid)
            and secret.made_for.name == meta.name
            and not secret.owners
        )
        return secret if is_left_behind or (neighbour and neighbour.makes_room) else None

    def is_former_objects(self, secret: SecretState) -> bool:
        """Whether a Secret belongs to an object of this very name that is gone, as its mark and its only owner agree."""
        if len(secret.owners) != 1:
            return False
        meta, owner, installation = self.api_token.metadata, secret.owners[0], self.seen.identity.installation
        former = owner_of(installation, meta.namespace or "", meta.name, owner.uid)
        return (
            (owner.kind, owner.name) == ("ApiToken", meta.name)
            and owner.uid != meta.uid
            and secret.owner == f"{installation}-{former}"
        )

    @cached_property
    def owned(self) -> dict[int, RemoteToken]:
        """Every token that has this object's tag, in all accounts that answered.

        Two account objects may stand for one account: then it is the desired one that a token is in.
        """
        return {
            token.id: token
            for view in reversed(self.seen.accounts)
            if isinstance(view.tokens, Found)
            for token in view.tokens.value
            if token.tag
            and (token.tag.installation, token.tag.owner) == (self.seen.identity.installation, self.owner)
        }

    @property
    def unknown(self) -> Unknown | None:
        """Why the account that the spec names gave no usable answer, if so."""
        tokens = self.seen.account.tokens
        return tokens if isinstance(tokens, Unknown) else None

    @property
    def blind(self) -> Unknown | None:
        """Why one of the accounts to look at gave no usable answer, if so."""
        return next((view.tokens for view in self.seen.accounts if isinstance(view.tokens, Unknown)), None)

    def view(self, ref: AccountRef) -> AccountView | None:
        """Return what was seen of an account."""
        return next((view for view in self.seen.accounts if view.ref == ref), None)

    def is_listed(self, ref: AccountRef) -> bool:
        """Whether an account's LIST answered."""
        view = self.view(ref)
        return view is not None and isinstance(view.tokens, Found)

    @cached_property
    def pending(self) -> OperationStatus | None:
        """An operation that was claimed and whose value the Secret does not show."""
        operation = self.record.operation
        return None if operation is None or self.secret_shows(operation) else operation

    def secret_shows(self, operation: OperationStatus) -> bool:
        """Whether the Secret holds the value that this operation issued."""
        return self.secret is not None and self.secret.is_intact and self.secret.nonce == operation.nonce

    @property
    def settles_in(self) -> timedelta:
        """How long the lost answer to the claimed operation may still take effect; zero or less: no longer."""
        return self.seen.identity.settle_time - self.seen.claim_age

    @cached_property
    def held(self) -> CurrentToken | None:
        """The token that the Secret holds intact, as the Secret records it and the LIST, where known, confirms it."""
        return self._confirmed(self.held_unconfirmed) if self.held_unconfirmed else None

    @cached_property
    def held_unconfirmed(self) -> CurrentToken | None:
        """The token that the Secret holds intact, as the Secret records it, be it alive or not."""
        return self.held_in(self.secret) if self.secret else None

    def is_known(self, token: CurrentToken) -> bool:
        """Whether it is known when a token expires: from the status or the LIST, not from its Secret alone."""
        current = self.record.current
        return token.id in self.owned or (current is not None and current.id == token.id)

    def held_in(self, secret: SecretState) -> CurrentToken | None:
        """Return the token whose value a Secret of ours holds intact, as the Secret records it."""
        if not secret.is_intact or secret.token_id is None or secret.issuance is None:
            return None
        return self._placed(self._from_secret(secret.issuance, secret.token_id))

    def _from_secret(self, issuance: Issuance, token_id: int) -> CurrentToken:
        current = self.record.current
        if current and current.id == token_id:
            return current.model_copy(update=dict(issuance))
        known = self.owned.get(token_id)
        return CurrentToken(
            id=token_id,
            last_four=known.last_four if known else "",
            expires_at=known.expires_at if known else None,
            # Without a record, what is listed now counts as granted.
            granted_digest=permissions_digest(known.permissions) if known else "",
            **dict(issuance),
        )

    @cached_property
    def base(self) -> CurrentToken | None:
        """The living token that a successor would follow: the held one, else the one on record."""
        held = self.held
        if held is not None:
            return held
        return self._confirmed(self.record.current) if self.record.current else None

    @property
    def answered_request(self) -> str:
        """The rotation that was requested and answered last; empty: none."""
        last = self.base or self.record.current or self.held_unconfirmed
        return last.rotate_request if last else ""

    def _confirmed(self, token: CurrentToken) -> CurrentToken | None:
        """Return the token unless it is positively dead."""
        if self.is_gone(token):
            return None
        expires_at = self.expires_at(token)
        return token if expires_at is None or self.now < expires_at else None

    def is_gone(self, token: CurrentToken) -> bool:
        """Whether the LIST of its account answered and lacks a token; an account without an answer proves nothing."""
        return self.is_listed(token.account) and token.id not in self.owned and not self._is_new(token)

    def _is_new(self, token: CurrentToken) -> bool:
        """Whether a token was issued so lately that lists need not show it yet."""
        return abs(self.now - token.issued_at) < self.seen.identity.settle_time

    def expires_at(self, token: CurrentToken) -> datetime | None:
        """Return a token's end as the LIST names it, else as it is on record."""
        remote = self.owned.get(token.id)
        return remote.expires_at if remote else token.expires_at

    @cached_property
    def untracked(self) -> tuple[RemoteToken, ...]:
        """Owned tokens that neither the Secret nor the status knows."""
        known = {previous.id for previous in self.record.previous}
        if self.record.current:
            known.add(self.record.current.id)
        if self.held_unconfirmed:
            known.add(self.held_unconfirmed.id)
        return tuple(token for _, token in sorted(self.owned.items()) if token.id not in known)

    def has_successor(self, token_id: int) -> bool:
        """Whether a token was reset before: the server allows that once. The successor has its name and one id more."""
        base = self.owned.get(token_id)
        return base is not None and any(t.name.startswith(f"{base.name} ") for t in self.owned.values())

    def as_remote(self, token: CurrentToken | PreviousToken) -> RemoteToken:
        """Return a token of the record as the LIST shows it, else as it may be there unseen."""
        unseen = RemoteToken(token.id, "", token.last_four, token.expires_at, token.account, None)
        return self.owned.get(token.id, unseen)

    def is_foreign(self, token: CurrentToken | PreviousToken) -> bool:
        """Whether a token of the record is another object's after all, or was adopted and that was taken back."""
        is_foreign = any(token.id in view.foreign_ids for view in self.seen.accounts)
        return is_foreign or is_taken_back(self.api_token, token)

    def made_by(self, operation: OperationStatus) -> tuple[RemoteToken, ...]:
        """Return the untracked tokens that an operation made."""
        nonce: str | None = operation.nonce
        if operation.type == "Reset":
            base = self.owned.get(operation.base or 0)
            nonce = base.tag.nonce if base and base.tag else None
        return tuple(token for token in self.untracked if token.tag and token.tag.nonce == nonce)

    def retired(
        self, token: CurrentToken | RemoteToken, reason: Reason, *, by_reset: bool = False
    ) -> PreviousToken:
        """Return the record of a retired token; the policy of its account may end the overlap earlier."""
        overlap = RESET_OVERLAP if by_reset else self.api_token.spec.rotation.overlap
        longest = self.policy_of(token.account).max_overlap
        overlap = overlap if longest is None else min(overlap, longest)
        return PreviousToken(
            id=token.id,
            last_four=token.last_four,
            expires_at=token.expires_at,
            delete_after=whole_second_after(self.now + overlap),
            retired_at=whole_second_after(self.now),
            reason=reason,
            account=token.account,
        )

    def superseded_by(self, operation: OperationStatus) -> Record:
        """Return the record in which every token that there was is retired, its overlap counted from now.

        Also one that is gone from the list: a credential with fewer rights sees less, and only DELETE proves it. What a
        restored status says of a former object's token is none of ours.
        """
        tokens = (self.record.current, self.held_unconfirmed)
        former = {token.id: token for token in tokens if token and not self.is_foreign(token)}
        retired = tuple(
            self.retired(
                token, Reason.SUPERSEDED, by_reset=operation.type == "Reset" and token.id == operation.base
            )
            for token in former.values()
        )
        others = tuple(previous for previous in self.record.previous if previous.id not in former)
        name = self.record.secret_name or self.secret_name
        return replace(self.record, operation=None, current=None, previous=others + retired, secret_name=name)


def once(ask: Callable[[ObservedState], Answer]) -> Callable[[ObservedState], Answer]:
    """Have a question answered once for each situation, which keeps the answer.

    It is a `cached_property` for questions of files that stand above this one: what the policy, the causes and a drift say.
    """

    @wraps(ask)
    def answer(s: ObservedState) -> Answer:
        if ask not in s.answers:
            s.answers[ask] = ask(s)
        return cast("Answer", s.answers[ask])

    return answer
