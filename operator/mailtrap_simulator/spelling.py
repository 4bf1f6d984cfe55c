"""The two spellings of resource types: `sandbox` and `domain`, which earlier were `inbox` and `sending_domain`."""

from collections.abc import Mapping

from .settings import Types

_NEW: Mapping[str, str] = {"inbox": "sandbox", "sending_domain": "domain"}
_OLD: Mapping[str, str] = {new: old for old, new in _NEW.items()}
_ALIKE = {"account", "project"}


def canonical(type_: str) -> str:
    """The type in the new spelling; equal for two spellings of one type."""
    return _NEW.get(type_, type_)


def spelled(type_: str, types: Types) -> str:
    """The type as such a server answers it."""
    if types == "both":
        return type_
    return canonical(type_) if types == "new" else _OLD.get(type_, type_)


def is_known(type_: str, types: Types) -> bool:
    """Whether such a server takes this type. One that knows both spellings takes any; it is an open set."""
    return types == "both" or type_ in _ALIKE | set(_OLD if types == "new" else _NEW)
