"""Which ApiTokens have to do with what, to be looked up from both sides without a look at the objects."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from mailtrap_operator.core.keys import ApiTokenKey

T = TypeVar("T", bound=Hashable)


class Index(Generic[T]):
    """What each ApiToken has to do with, such as accounts, and which ApiTokens have to do with each of them."""

    def __init__(self) -> None:
        self._things: dict[ApiTokenKey, frozenset[T]] = {}
        self._keys: dict[T, set[ApiTokenKey]] = {}

    def put(self, key: ApiTokenKey, things: frozenset[T]) -> frozenset[T]:
        """Take note of all that an ApiToken has to do with; return what it newly has, or has no more, to do with."""
        former = self._things.pop(key, frozenset())
        for thing in former - things:
            self._keys[thing].discard(key)
            if not self._keys[thing]:
                del self._keys[thing]
        for thing in things - former:
            self._keys.setdefault(thing, set()).add(key)
        if things:
            self._things[key] = things
        return former ^ things

    def of(self, key: ApiTokenKey) -> frozenset[T]:
        """Return what an ApiToken has to do with."""
        return self._things.get(key, frozenset())

    def keys(self, thing: T) -> frozenset[ApiTokenKey]:
        """Return the ApiTokens that have to do with something."""
        return frozenset(self._keys.get(thing, ()))

    def __contains__(self, thing: T) -> bool:
        return thing in self._keys
