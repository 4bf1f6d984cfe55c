"""Whether a token that was created by hand may be adopted, and deleted for that: first as a plan, then right before the DELETE.

A token of the object's own takes its place in the Secret; only then the adopted one is recorded, with a date. It is
never reset: the successor would have no mark of ours by which a lost answer could be found again.

Ids count up, and anyone who may write an ApiToken may name any: what is refused reads the same whether there is no such
token, or whose it is. The record is a note and no order: what it says of a token never counts, Mailtrap's answer does.
"""

from collections.abc import Iterable
from dataclasses import replace

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, PROOF_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountRef, Adoption, print_duration, print_time
from mailtrap_operator.core.blocked import Blocked
from mailtrap_operator.core.credential import is_in_use
from mailtrap_operator.core.keys import account_key
from mailtrap_operator.core.observation import (
    NOT_ASKED_FOR,
    Absent,
    AccountView,
    Adoptee,
    RemoteToken,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.ownership import may_have_a_tag
from mailtrap_operator.core.policy import excess, namespace_labels_unknown, violation
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import ProofPlace, adoptee_id, is_adopted, proof_place

_LAST_FOUR = 4


def adoption_in(account: AccountView) -> Adoption:
    """Return whether an account's policy allows adoptions; without an account it allows none."""
    if account.tenancy is None:
        return "Denied"
    default: Adoption = "Allowed" if account.ref.kind == "MailtrapAccount" else "Denied"
    return account.tenancy.policy.adoption or default


def to_adopt(s: ObservedState) -> RemoteToken | Blocked | Unknown:
    """Return the token to adopt, once it is confirmed and nothing speaks against it."""
    if isinstance(why := _blocked(s), Blocked):
        return replace(why, message=f"{why.message} Or remove the annotation {ADOPT_ANNOTATION}.")
    id_, seen = adoptee_id(s.api_token), s.seen.adoptee
    if id_ is None:
        message = f"The annotation {ADOPT_ANNOTATION} must be the id of a token, such as 2498715. Correct or remove it."
        return Blocked(Reason.ADOPTION_REFUSED, message)
    if why is not None:
        return why
    if isinstance(seen, Unknown):
        return seen
    if isinstance(seen, Absent) or not _may_be_adopted(s, id_, seen.value):
        message = f"Token {id_} is not adopted. {_conditions(s)} Or remove the annotation {ADOPT_ANNOTATION}."
        return Blocked(Reason.ADOPTION_REFUSED, message)
    # Without an answer of the account it is not known which token it is managed with.
    return s.unknown or _unconfirmed(s, seen.value.token) or seen.value.token


def why_it_is_kept(s: ObservedState, token_id: int, account: AccountRef) -> Blocked | Unknown | None:
    """Return why an adopted token on record is not deleted, as far as that is known without a look at it."""
    if token_id in s.owned or not is_adopted(s.api_token, token_id):
        return None
    why = _blocked(s)
    if account != s.seen.account.ref:
        # Only the policy of the account that the spec names is known.
        message = f"It lives in {_name(s, account)}, and spec.accountRef names another account. Name that one again."
        why = Blocked(Reason.ADOPTION_REFUSED, message)
    return replace(why, message=_kept(token_id, why.message)) if why else None


def why_it_must_stay(s: ObservedState, token_id: int, found: Adoptee) -> Blocked | Unknown | None:
    """Return why a token on record that no LIST shows with our tag is not deleted, now that Mailtrap has shown it.

    Nothing of the token is told.
    """
    token = found.token
    if token.id == token_id and is_own(s, token):
        return None
    if not is_adopted(s.api_token, token_id):
        message = f"Token {token_id} is on record, but does not have the mark of this ApiToken: it is looked at again."
        return Unknown(Reason.LIST_INCOMPLETE, message)
    if kept := why_it_is_kept(s, token_id, token.account):
        return kept
    if _may_be_adopted(s, token_id, found):
        return None
    return Blocked(Reason.ADOPTION_REFUSED, _kept(token_id, _conditions(s)))


def is_own(s: ObservedState, token: RemoteToken) -> bool:
    """Whether a token has this very object's tag."""
    tag = token.tag
    return tag is not None and (tag.installation, tag.owner) == (s.seen.identity.installation, s.owner)


def proof_needed(s: ObservedState, token: RemoteToken) -> ProofPlace | None:
    """Return where the proof stands without which a token is not deleted, if it needs one."""
    is_needed = not is_own(s, token) and is_adopted(s.api_token, token.id)
    return proof_place(s.api_token) if is_needed and adoption_in(s.seen.account) == "Proven" else None


def proven_by(value_end: str, listed: Iterable[RemoteToken], token_id: int) -> RemoteToken | None:
    """Return the token that a value proves, if it is the one of this id.

    Args:
        value_end: The last characters of a value that Mailtrap accepts for the account, before and after the LIST.
        listed: Every token of the account. Where two end alike, it is not told whose value it is.
        token_id: The token that the value is to prove.
    """
    alike = [token for token in listed if token.last_four == value_end[-_LAST_FOUR:]]
    is_it = len(alike) == 1 and alike[0].id == token_id and len(alike[0].last_four) == _LAST_FOUR
    return alike[0] if is_it else None


def _blocked(s: ObservedState) -> Blocked | Unknown | None:
    """Return why no token is adopted, whichever; an object that may not use the account learns nothing about its tokens."""
    if found := violation(s):
        return found
    if s.seen.account.tenancy is None:
        return s.unknown or NOT_ASKED_FOR
    mode, account = adoption_in(s.seen.account), _name(s, s.seen.account.ref)
    if mode == "Denied":
        default = "" if s.seen.account.tenancy.policy.adoption else ", its default"
        message = (
            f"{account} allows no adoption: its policy.adoption is Denied{default}. Have its admin set that to Proven, "
            "then the value of the token is asked for, or to Allowed."
        )
        return Blocked(Reason.ADOPTION_REFUSED, message)
    if mode == "Proven" and proof_place(s.api_token) is None:
        message = (
            f"{account} asks for a proof: put the value of the token into a Secret of namespace "
            f"{s.api_token.metadata.namespace}, under the key token, and set the annotation {PROOF_ANNOTATION} to the name of "
            "that Secret, or to <name>/<key>."
        )
        return Blocked(Reason.ADOPTION_REFUSED, message)
    return namespace_labels_unknown(s)


def _may_be_adopted(s: ObservedState, token_id: int, found: Adoptee) -> bool:
    """Whether a token is free, harmless and proven by the rules of the account that the spec names."""
    token, tenancy = found.token, s.seen.account.tenancy
    return (
        token.id == token_id
        and tenancy is not None
        and not may_have_a_tag(token.name)
        and not is_in_use(s, token)
        and excess(s, token.permissions) is None
        and (found.is_proven or adoption_in(s.seen.account) == "Allowed")
    )


def _conditions(s: ObservedState) -> str:
    """Return what a token must be, without a word about the one that was looked at."""
    place = proof_place(s.api_token) if adoption_in(s.seen.account) == "Proven" else None
    proof = f" Its value must be the one under key {place.key} of Secret {place.name}." if place else ""
    return (
        f"It must be a token of {_name(s, s.seen.account.ref)} that no ApiToken has marked as its own, that the operator does "
        f"not work with, and that may do no more than the account's policy allows.{proof} Correct the annotations."
    )


def _kept(token_id: int, why: str) -> str:
    return (
        f"Token {token_id} was adopted, but is not deleted. {why} Or remove the annotations {ADOPT_ANNOTATION} and "
        f"{CONFIRM_ANNOTATION}: then the token is removed from the status and kept."
    )


def _unconfirmed(s: ObservedState, token: RemoteToken) -> Blocked | None:
    if s.api_token.metadata.annotations.get(CONFIRM_ANNOTATION) == str(token.id):
        return None
    end = f"expires at {print_time(token.expires_at)}" if token.expires_at else "never expires"
    rights = ", ".join(map(str, token.permissions or ())) or "not told"
    overlap = print_duration(s.api_token.spec.rotation.overlap)
    is_proven = adoption_in(s.seen.account) == "Proven"
    proof = " Keep the Secret with the proof until then." if is_proven else ""
    message = (
        f"Token {token.id} {token.name[:150]!r} (…{token.last_four}) {end}; its permissions: {rights}. To adopt it, set the "
        f'annotation {CONFIRM_ANNOTATION}: "{token.id}". Then a token of this ApiToken takes its place in Secret '
        f"{s.secret_name}, and token {token.id} works on for {overlap} before it is deleted.{proof}"
    )
    return Blocked(Reason.ADOPTION_UNCONFIRMED, message)


def _name(s: ObservedState, ref: AccountRef) -> str:
    return str(account_key(ref, s.api_token.metadata.namespace or ""))
