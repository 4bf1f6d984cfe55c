"""Fixtures of the end-to-end tests: one real control plane for all, a simulator and a namespace for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.kube import Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.workloads import NODES
from tests.e2e.world import CREDENTIAL, World


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide the real API server with the CRDs."""
    with cluster_with_crds(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Iterator[Kube]:
    """Provide a user's client of the API server."""
    kube = Kube(cluster.kubeconfig)
    yield kube
    kube.close()


@pytest.fixture(scope="session")
def nodes(cluster: Cluster) -> None:
    """Add the nodes of `tests.e2e.workloads` to the cluster, so that pods run."""
    cluster.start_nodes(*NODES)


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    """Provide a remote API of its own for each test."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        yield simulator


@pytest.fixture
def world(cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path) -> World:
    """Provide a namespace with an account, and no operator yet."""
    return World(cluster, kube, simulator, tmp_path)


@pytest.fixture
def operator(world: World) -> Iterator[OperatorProcess]:
    """Provide a running operator."""
    with world.operator() as operator:
        yield operator
