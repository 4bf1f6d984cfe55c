"""Which kinds of objects there are."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.simulation.kubernetes.custom import CustomKind, custom_kinds
from tests.simulation.kubernetes.event import EventKind
from tests.simulation.kubernetes.lease import LeaseKind
from tests.simulation.kubernetes.namespace import NamespaceKind
from tests.simulation.kubernetes.secret import SecretKind
from tests.simulation.kubernetes.workload import WORKLOADS

Kind = CustomKind | EventKind | LeaseKind | NamespaceKind | SecretKind

NAMESPACES = NamespaceKind()

CRDS = Path(__file__).parents[3] / "crds"


@cache
def kinds_by_place(crds: Path) -> Mapping[tuple[str, str, str], Kind]:
    """Return all kinds by group, version and plural, as they stand in paths."""
    built_in: list[Kind] = [NAMESPACES, SecretKind(), EventKind(), LeaseKind(), *WORKLOADS]
    kinds = [*built_in, *custom_kinds(crds)]
    return {(kind.resource.group, kind.resource.version, kind.resource.plural): kind for kind in kinds}
