"""Fixtures of the end-to-end tests: one real control plane for all, a simulator and a namespace for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.kube import Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import CREDENTIAL, OPERATOR_NAMESPACE, World

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide the real API server with the CRDs."""
    with Cluster.start(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.kubectl("apply", "--server-side", "-f", str(_ROOT / "crds"))
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        cluster.kubectl("create", "namespace", OPERATOR_NAMESPACE)
        yield cluster


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Iterator[Kube]:
    """Provide a user's client of the API server."""
    kube = Kube(cluster.kubeconfig)
    yield kube
    kube.close()


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
