"""OBSERVE, the remote side: what a look at one ApiToken asks of Mailtrap beside the LISTs of its accounts.

Only reads happen here, and none that no one needs: a token to adopt, resources that no token was issued for yet, tokens
on record that a LIST lacks.
"""

from dataclasses import replace
from datetime import timedelta

from mailtrap_operator.adoption_proof import proven_token
from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.adoption import adoption_in
from mailtrap_operator.core.installations import mismatch_of_token
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.observation import (
    NOT_ASKED_FOR,
    Absent,
    AccountView,
    Adoptee,
    Catalogue,
    Found,
    Observation,
    RemoteToken,
    Unknown,
)
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import (
    adoptee_id,
    ids_on_record,
    is_adopted,
    issued_access,
    owner_part,
    proof_place,
    was_adopted,
)
from mailtrap_operator.core.resources import unbound, unchecked, will_do

_LATELY = timedelta(seconds=10)


class RemoteReads:
    """Asks the accounts; never raises."""

    def __init__(self, accounts: RemoteAccounts, secrets: SecretClient, installation: str) -> None:
        self._accounts = accounts
        self._secrets = secrets
        self._installation = installation

    async def adoptee(self, key: ApiTokenKey, seen: Observation) -> Found[Adoptee] | Absent | Unknown:
        """Ask for the token that is to be adopted, where there is one and the account's policy lets it be asked for."""
        token_id, mode = adoptee_id(seen.api_token), adoption_in(seen.account)
        if token_id is None or seen.api_token.metadata.deletion_timestamp or mode == "Denied":
            return NOT_ASKED_FOR
        place = proof_place(seen.api_token)
        try:
            if mode == "Allowed":
                token = await self._token(seen.account.ref, key, token_id)
            elif place is None:
                return NOT_ASKED_FOR
            else:
                client = await self._accounts.at(account_key(seen.account.ref, key.namespace)).client()
                token = await proven_token(
                    self._secrets, client, (Priority.ROUTINE, key.namespace), place, token_id
                )
        except Failure as failure:
            return failure.as_unknown()
        return Absent() if token is None else Found(Adoptee(token, is_proven=mode == "Proven"))

    async def _token(
        self, ref: AccountRef, key: ApiTokenKey, token_id: int, priority: Priority = Priority.ROUTINE
    ) -> RemoteToken | None:
        client = await self._accounts.at(account_key(ref, key.namespace)).client()
        async with client.pacer.slot(priority, key.namespace):
            return await client.get_token(token_id)

    async def catalogue(self, key: ApiTokenKey, seen: Observation) -> Found[Catalogue] | Unknown | None:
        """Ask for the account's resources, where the spec has one that was not looked up yet.

        An id needs no new answer where the last one shows it: many objects that come together cost one call.
        """
        api_token, account = seen.api_token, seen.account
        if api_token.metadata.deletion_timestamp:
            return None
        remote_account = self._accounts.at(account_key(account.ref, key.namespace))
        if unbound(api_token, account.account_id):
            return await remote_account.resources.answer()
        ids = unchecked(api_token, account.account_id, issued_access(seen))
        if not ids:
            return None
        recent = remote_account.resources.latest(_LATELY)
        return recent if will_do(recent, account.account_id, ids) else await remote_account.resources.answer()

    async def verify_missing_tokens(
        self, key: ApiTokenKey, seen: Observation, view: AccountView
    ) -> AccountView:
        """Ask for each token on record that a LIST lacks; one that is there after all makes the LIST worthless."""
        if isinstance(view.tokens, Unknown):
            return view
        listed, foreign_ids = {token.id for token in view.tokens.value}, set()
        priority = Priority.URGENT if seen.api_token.metadata.deletion_timestamp else Priority.ROUTINE
        try:
            for token_id in sorted(ids_on_record(seen, view.ref) - listed):
                token = await self._token(view.ref, key, token_id, priority)
                if token is None or (token.tag is None and is_adopted(seen.api_token, token_id)):
                    continue
                if self._is_falsely_adopted(token, seen.api_token):
                    foreign_ids.add(token_id)
                    continue
                if mismatch := mismatch_of_token(token, self._installation):
                    return view.without_answer(mismatch)
                if self._is_foreign(token, seen.api_token):
                    foreign_ids.add(token_id)
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
        return replace(view, foreign_ids=frozenset(foreign_ids))

    def _is_falsely_adopted(self, token: RemoteToken, api_token: ApiToken) -> bool:
        """Whether the record calls a token adopted that has someone else's tag: none with a tag ever is."""
        ours = self._installation, owner_part(api_token, self._installation)
        is_tagged = token.tag is not None and (token.tag.installation, token.tag.owner) != ours
        return is_tagged and was_adopted(api_token, token.id)

    def _is_foreign(self, token: RemoteToken, api_token: ApiToken) -> bool:
        """Whether a token has the tag of another object here, or its adoption was taken back: the LIST is right."""
        if token.tag is None:
            return was_adopted(api_token, token.id)
        owner = owner_part(api_token, self._installation)
        return token.tag.installation == self._installation and token.tag.owner != owner
