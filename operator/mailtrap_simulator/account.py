"""One account: its tokens and what creating, resetting and deleting do to them.

Who may do it is decided by the server; nothing here looks at permissions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from .clock import milliseconds
from .drafts import Draft
from .refusals import Refused, unprocessable
from .settings import Settings, Types
from .spelling import canonical, spelled
from .tokens import ADMIN, Grant, Token

RESET_OVERLAP = timedelta(hours=12)
_REMOVAL_AFTER_RESET = timedelta(hours=24)


class Mint:
    """Makes ids and values, unique over all accounts. Ids grow, with gaps, as on a server with many users."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._last_id = rng.randint(2_000_000, 3_000_000)

    def new_id(self) -> int:
        """The next id."""
        self._last_id += self._rng.randint(1, 9)
        return self._last_id

    def new_value(self) -> str:
        """32 lower-case hex characters."""
        return f"{self._rng.getrandbits(128):032x}"

    def removal_after(self, moment: datetime) -> datetime:
        """When the server gets round to clearing away a reset token that stopped at this moment."""
        return moment + _REMOVAL_AFTER_RESET * self._rng.random()


@dataclass(frozen=True, slots=True)
class Node:
    """A resource of the account and those inside it, as in the permissions tree."""

    id: int
    name: str
    type: str
    resources: tuple["Node", ...] = ()

    def flat(self) -> Iterable["Node"]:
        """This node and all below it."""
        yield self
        for node in self.resources:
            yield from node.flat()


class Account:
    """The tokens of one account. Without a catalogue any resource is taken to exist."""

    def __init__(self, id_: int, name: str, mint: Mint, catalogue: tuple[Node, ...] | None = None) -> None:
        self.id = id_
        self.name = name
        self.catalogue = catalogue
        self._mint = mint
        self._tokens: dict[int, Token] = {}
        self._ids_by_value: dict[str, int] = {}

    @property
    def admin_grant(self) -> Grant:
        """The permission that sees and manages everything."""
        return Grant("account", self.id, ADMIN)

    def tokens(self, now: datetime) -> list[Token]:
        """Every token still on the books, oldest first; those past their time are forgotten here."""
        for token in [token for token in self._tokens.values() if token.is_gone(now)]:
            self.delete(token)
        return list(self._tokens.values())

    def find(self, token_id: int, now: datetime) -> Token | None:
        """The token with this id, live or not."""
        token = self._tokens.get(token_id)
        return None if token is None or token.is_gone(now) else token

    def find_value(self, value: str) -> Token | None:
        """The token with this value, live or not."""
        token_id = self._ids_by_value.get(value)
        return None if token_id is None else self._tokens[token_id]

    def create(self, draft: Draft, created_by: str, now: datetime, value: str | None = None) -> Token:
        """A new token; a value is given only when tests bring their own."""
        token = Token(
            id=self._mint.new_id(),
            name=draft.name,
            value=value or self._mint.new_value(),
            created_by=created_by,
            created_at=now,
            expires_at=draft.expires_at,
            grants=draft.grants,
        )
        self.put(token)
        return token

    def put(self, token: Token) -> None:
        """Add a token, or replace the one with its id."""
        self._tokens[token.id] = token
        self._ids_by_value[token.value] = token.id

    def delete(self, token: Token) -> None:
        """The value stops working at once."""
        del self._tokens[token.id]
        del self._ids_by_value[token.value]

    def reset(self, base: Token, expires_at: datetime | None, created_by: str, now: datetime) -> Token:
        """The successor; the base works on for twelve hours, counted from its first reset."""
        draft = Draft(base.name, base.grants, expires_at)
        successor = self.create(draft, created_by, now)
        successor = replace(successor, name=f"{base.name} {successor.id}")
        self.put(successor)
        if not base.was_reset:
            stops_at = milliseconds(now + RESET_OVERLAP)
            self.put(replace(base, expires_at=stops_at, removed_at=self._mint.removal_after(stops_at)))
        return successor

    def refuse_unknown(self, grants: Iterable[Grant]) -> None:
        """Refuse permissions on resources that are not in the catalogue."""
        if self.catalogue is None:
            return
        known = {("account", str(self.id))}
        known |= {(canonical(node.type), str(node.id)) for top in self.catalogue for node in top.flat()}
        unknown = [grant for grant in grants if grant.resource not in known]
        if unknown:
            messages = [f"Resource not found: {grant.resource_type} {grant.resource_id}" for grant in unknown]
            raise Refused(unprocessable({"base": messages}))

    def tree(self, credential: Token, types: Types) -> list[dict[str, Any]]:
        """The resources that the credential administers, nested, in this spelling of types."""
        top = Node(self.id, self.name, "account", self.catalogue or ())
        sees_all = self.admin_grant in credential.grants
        return _administered(top, credential.grants, types, is_inherited=sees_all)


def refuse_reset(base: Token, settings: Settings, now: datetime) -> None:
    """Refuse to reset a token that has been reset, where that is so, or has expired; an old server refuses any that will."""
    if settings.server == "old" and base.expires_at is not None:
        message = "API tokens with an expiration cannot be reset."
    elif base.was_reset and settings.second_reset == "refused":
        message = "API token has already been reset."
    elif not base.is_live(now):
        message = "API token has expired."
    else:
        return
    raise Refused(unprocessable({"base": [message]}))


def _administered(
    node: Node, grants: tuple[Grant, ...], types: Types, *, is_inherited: bool
) -> list[dict[str, Any]]:
    wanted = Grant(node.type, node.id, ADMIN)
    is_admin = is_inherited or any(grant.covers(wanted) for grant in grants)
    below = [
        entry
        for child in node.resources
        for entry in _administered(child, grants, types, is_inherited=is_admin)
    ]
    if not is_admin:
        return below
    type_ = spelled(node.type, types)
    return [{"id": node.id, "name": node.name, "type": type_, "access_level": ADMIN, "resources": below}]
