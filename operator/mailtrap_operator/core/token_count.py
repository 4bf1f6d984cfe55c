"""How many living tokens the ApiTokens of a namespace have in an account: what `maxTokensPerNamespace` bounds.

A token counts by its tag, as the account's LIST shows it, whatever the spec of its ApiToken says now. What is bound to
follow counts too: the answer to a call that was claimed, and the first token of an ApiToken that came earlier. So of
two that ask at once one is refused, and it is always the same one.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import OperationStatus
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import RemoteToken, TokenCount

Listed = Callable[[str], tuple[RemoteToken, ...]]
"""Returns the tokens of an account whose tags have this owner part."""


@dataclass(frozen=True, slots=True)
class Member:
    """An ApiToken of the namespace.

    `account` is the one that its spec names; `claim` is a create or reset that its status has on record.
    """

    name: str
    owner: str
    created_at: datetime
    account: AccountKey
    is_terminating: bool = False
    claim: OperationStatus | None = None

    @property
    def age(self) -> tuple[datetime, str]:
        """What puts the members in order, the oldest first: of two that are equally old, the name decides."""
        return self.created_at, self.name


def count_tokens(
    me: Member,
    members: Iterable[Member],
    listed: Listed,
    *,
    retained: Iterable[str] = (),
    issuing: Collection[str] = (),
    now: datetime,
) -> TokenCount:
    """Count the tokens of a namespace in the account that one of its ApiTokens names.

    Args:
        me: The ApiToken that is to get a token.
        members: All ApiTokens of its namespace, perhaps with an earlier state of this one.
        listed: The tokens of the account.
        retained: The owners that are gone and have left tokens of the namespace there.
        issuing: The names of those for which a token is being issued there at this moment.
        now: Which of the tokens have expired.
    """

    def living(owner: str) -> int:
        return sum(token.is_live(now) for token in listed(owner))

    others = reserved = 0
    owners = {me.owner}
    for member in members:
        if member.name == me.name:
            continue
        owners.add(member.owner)
        tokens = living(member.owner) + _is_one_on_its_way(member, me.account, listed, issuing)
        others += tokens
        is_before_me = member.account == me.account and not member.is_terminating and member.age < me.age
        reserved += tokens == 0 and is_before_me
    others += sum(living(owner) for owner in set(retained) - owners)
    return TokenCount(others=others, own=living(me.owner), reserved=reserved)


def _is_one_on_its_way(member: Member, account: AccountKey, listed: Listed, issuing: Collection[str]) -> bool:
    """Whether a token may appear that the list does not show yet."""
    claim, tokens = member.claim, listed(member.owner)
    if claim is None or claim.account != account.ref:
        return member.name in issuing
    if claim.type == "Create":
        return not any(token.tag and token.tag.nonce == claim.nonce for token in tokens)
    # A successor has the name of the token that was reset, and its own id behind it.
    names = {token.name for token in tokens if token.id == claim.base}
    return not any(token.name.startswith(f"{name} ") for name in names for token in tokens)


def are_too_many(most: int, count: TokenCount) -> bool:
    """Whether an ApiToken must not get another token now.

    One that has none needs a free place. One that has one may be rotated: both live until the overlap ends. One that
    has more waits for that, unless there are free places.
    """
    match count.own:
        case 0:
            return count.others + count.reserved >= most
        case 1:
            return False
        case _:
            return count.others + count.own >= most
