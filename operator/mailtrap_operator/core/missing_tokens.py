"""Whose a token is that the record places in an account, but that the account's LIST lacks.

A LIST that lacks a token proves nothing, and the record may be wrong: Mailtrap's answer to the id itself decides.
"""

from collections.abc import Mapping
from dataclasses import replace

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.core.installations import mismatch_of_token
from mailtrap_operator.core.observation import Absent, AccountView, Found, RemoteToken, Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_adopted, owner_part, was_adopted


def verified(
    view: AccountView,
    api_token: ApiToken,
    installation: str,
    answers: Mapping[tuple[AccountRef, int], Found[RemoteToken] | Absent | Unknown],
) -> AccountView:
    """Return an account with what is known of the tokens that its LIST lacks.

    A LIST that lacks a token which is there after all is worthless; so is one where that is not known. `answers` are those to
    the accounts' ids.
    """
    foreign_ids = set()
    for (account, _), answer in answers.items():
        if account != view.ref or isinstance(answer, Absent):
            continue
        if isinstance(answer, Unknown):
            return view.without_answer(answer)
        token = answer.value
        if token.tag is None and is_adopted(api_token, token.id):
            continue
        if not _is_falsely_adopted(token, api_token, installation):
            if mismatch := mismatch_of_token(token, installation):
                return view.without_answer(mismatch)
            if not _is_foreign(token, api_token, installation):
                return view.without_answer(_incomplete(token.id))
        foreign_ids.add(token.id)
    return replace(view, foreign_ids=frozenset(foreign_ids))


def _incomplete(token_id: int) -> Unknown:
    message = (
        f"Token {token_id} exists, but the list of tokens lacks it. Check the permissions of the account's credential and the "
        "operator's installation setting."
    )
    return Unknown(Reason.LIST_INCOMPLETE, message)


def _is_falsely_adopted(token: RemoteToken, api_token: ApiToken, installation: str) -> bool:
    """Whether the record calls a token adopted that has someone else's tag: none with a tag ever is."""
    ours = installation, owner_part(api_token, installation)
    is_tagged = token.tag is not None and (token.tag.installation, token.tag.owner) != ours
    return is_tagged and was_adopted(api_token, token.id)


def _is_foreign(token: RemoteToken, api_token: ApiToken, installation: str) -> bool:
    """Whether a token has the tag of another object here, or its adoption was taken back: the LIST is right."""
    if token.tag is None:
        return was_adopted(api_token, token.id)
    owner = owner_part(api_token, installation)
    return token.tag.installation == installation and token.tag.owner != owner
