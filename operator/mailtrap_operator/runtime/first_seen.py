"""For how long this process has seen something of each object, by its own clock: those of others may be wrong."""

from collections.abc import Callable, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class FirstSeen(Generic[K, T]):
    """Dates the first sight of one thing of each object; `monotonic` counts seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[K, tuple[T, float]] = {}

    def note(self, key: K, thing: T | None) -> None:
        """Record what is seen of an object; None: nothing is any more."""
        if thing is None:
            self._seen.pop(key, None)
        elif key not in self._seen or self._seen[key][0] != thing:
            self._seen[key] = (thing, self._monotonic())

    def age(self, key: K) -> timedelta:
        """Return how long ago that was seen first which is seen of an object; zero where nothing is."""
        known = self._seen.get(key)
        return timedelta(seconds=self._monotonic() - known[1]) if known else timedelta()
