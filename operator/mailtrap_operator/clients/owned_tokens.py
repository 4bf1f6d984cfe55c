"""The tokens of one account by the owner in their tag; a token without a tag belongs to no one here."""

from collections.abc import Iterable

from mailtrap_operator.core.observation import OwnedTokens, OwnerTag, RemoteToken


def by_owner(tokens: Iterable[RemoteToken]) -> OwnedTokens:
    """Return the tokens of a LIST by their owners."""
    owned: dict[OwnerTag, tuple[RemoteToken, ...]] = {}
    for token in tokens:
        if token.tag:
            owner = (token.tag.installation, token.tag.owner)
            owned[owner] = (*owned.get(owner, ()), token)
    return owned


def with_change(tokens: OwnedTokens, token: RemoteToken, *, is_alive: bool) -> OwnedTokens:
    """Return the tokens with one that was issued, or without one that was deleted."""
    if token.tag is None:
        return tokens
    owner = (token.tag.installation, token.tag.owner)
    others = tuple(other for other in tokens.get(owner, ()) if other.id != token.id)
    changed = dict(tokens)
    # An owner without tokens is absent, as in the next LIST.
    changed.pop(owner, None)
    if now := (*others, token) if is_alive else others:
        changed[owner] = now
    return changed
