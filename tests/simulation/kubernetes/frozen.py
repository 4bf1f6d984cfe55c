"""JSON that cannot be changed: one object stands in the store, in events, in snapshots and in answers, uncopied.

A `Frozen` is a dict to everyone who reads it; who tries to write to it is told to make a copy.
"""

from copy import deepcopy
from typing import Any, NoReturn


def _refuse(self: object, *_args: object, **_kwargs: object) -> NoReturn:
    raise TypeError(f"this {type(self).__name__} belongs to the server; change a copy.deepcopy() of it")


class Frozen(dict[str, Any]):
    """A JSON object that is only read; `copy.deepcopy` returns one that may be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: deepcopy(value, memo) for key, value in self.items()}


class FrozenList(list[Any]):
    """A JSON array that is only read; `copy.deepcopy` returns one that may be changed."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [deepcopy(value, memo) for value in self]


def freeze(value: Any) -> Any:
    """Return JSON as a value that no one can change; what is frozen already is returned as it is."""
    kind = type(value)
    if kind is dict:
        return Frozen({key: freeze(item) for key, item in value.items()})
    if kind is list or kind is tuple:
        return FrozenList([freeze(item) for item in value])
    return value
