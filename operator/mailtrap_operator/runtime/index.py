"""Which objects have to do with what, to be looked up from both sides without a look at the objects."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Hashable)


class Index(Generic[K, T]):
    """What each object has to do with, such as accounts, and which objects have to do with each of them."""

    def __init__(self) -> None:
        self._things: dict[K, frozenset[T]] = {}
        self._keys: dict[T, set[K]] = {}

    def put(self, key: K, things: frozenset[T]) -> frozenset[T]:
        """Record all that an object has to do with; return what it newly has, or has no more, to do with."""
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

    def of(self, key: K) -> frozenset[T]:
        """Return what an object has to do with."""
        return self._things.get(key, frozenset())

    def keys(self, thing: T) -> frozenset[K]:
        """Return the objects that have to do with something."""
        return frozenset(self._keys.get(thing, ()))

    def __contains__(self, thing: T) -> bool:
        return thing in self._keys
