"""The real control plane as every end-to-end test wants it: with the CRDs, and with the operator's namespace."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from local_cluster import Cluster
from tests.e2e.kube import GROUP, Kube, RefusedError
from tests.e2e.status_watch import PLURALS, every_status_judged
from tests.e2e.world import OPERATOR_NAMESPACE, eventually

_CRDS = Path(__file__).parents[2] / "crds"


@contextmanager
def cluster_with_crds(folder: Path) -> Iterator[Cluster]:
    """Start a cluster whose files lie in a folder; end it at exit. Every status written meanwhile is judged."""
    with Cluster.start(folder) as cluster:
        cluster.kubectl("apply", "--server-side", "-f", str(_CRDS))
        kube = Kube(cluster.kubeconfig)
        for plural in PLURALS:
            eventually(partial(_is_served, kube, plural), f"{plural} are served")
        kube.close()
        cluster.kubectl("create", "namespace", OPERATOR_NAMESPACE)
        with every_status_judged(cluster.kubeconfig):
            yield cluster


def _is_served(kube: Kube, plural: str) -> bool:
    try:
        return kube.get(f"{GROUP}/{plural}") is not None
    except RefusedError:  # the storage of a new resource takes a moment more
        return False
