"""Which object or list a path means."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.drafts import Place
from tests.simulation.kubernetes.kinds import Kind
from tests.simulation.kubernetes.refusals import RefusedError, unknown_path


class _Parts(NamedTuple):
    group: str
    version: str
    plural: str
    namespace: str
    rest: tuple[str, ...]


def place_of(path: str, kinds: Mapping[tuple[str, str, str], Kind]) -> Place:
    """Return what a path means; an empty name means the list, an empty namespace all of them.

    Raises:
        RefusedError: The path means nothing.
    """
    parts = _parts(path)
    kind = kinds.get((parts.group, parts.version, parts.plural))
    if kind is None or len(parts.rest) > 2 or (parts.namespace and not kind.resource.is_namespaced):
        raise _unknown(parts)
    name, subresource = (*parts.rest, "", "")[:2]
    is_status = subresource == "status" and isinstance(kind, CustomKind)
    if (subresource and not is_status) or (name and kind.resource.is_namespaced and not parts.namespace):
        raise _unknown(parts)
    return Place(kind, parts.namespace, name, is_status)


def _unknown(parts: _Parts) -> RefusedError:
    return unknown_path(is_core=parts.group == "" and parts.version != "")


@lru_cache(maxsize=4096)
def _parts(path: str) -> _Parts:
    root, _, rest = path.strip("/").partition("/")
    group, _, rest = rest.partition("/") if root == "apis" else ("", "", rest)
    version, *names = rest.split("/")
    if root not in ("api", "apis") or not names:
        return _Parts("", "", "", "", ())
    if names[0] == "namespaces" and len(names) > 2:
        return _Parts(group, version, names[2], names[1], tuple(names[3:]))
    return _Parts(group, version, names[0], "", tuple(names[1:]))
