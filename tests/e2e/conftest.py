"""Fixtures of the end-to-end tests: one real control plane for all, a simulator and a namespace for each test."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.grants import not_granted
from tests.e2e.kube import Kube
from tests.e2e.modes import Mode, modes_of
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.tenant import Platform, Scene, platform_of
from tests.e2e.workloads import NODES
from tests.e2e.world import CREDENTIAL, World

_LAST_LINES = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of each operator's log with a test that failed: what it saw is gone when one looks."""
    report = yield
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(world, World):
        for log in sorted(world.folder.glob("operator-*.log")):
            report.sections.append((log.name, "\n".join(log.read_text().splitlines()[-_LAST_LINES:])))
    return report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide the real API server with the CRDs. What operators have asked of it the chart must grant."""
    with cluster_with_crds(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
    assert set() == not_granted(cluster.audit_log, "operator", tmp_path_factory.mktemp("helm"))


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


LONGEST = (
    "test_chaos",
    "test_exhaustive",
    "test_outage",
    "test_helm",
    "test_demo",
    "test_tenant_accounts",
    "test_own_credential",
    "test_local_cluster",
    "test_image",
    "test_orphans",
    "test_memory",
    "test_tutorial",
    "test_plan_mode",
    "test_networks",
    "test_schedules",
    "test_histories",
    "test_transitions",
)
"""The files that take longest, those of the simulation too. They are begun first, so that no process ends long after the others."""


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes test at once: they wait half of the time, and each has a cluster of its own."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first; `make test` and `make e2e` hand out the files in this order."""
    places = {f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have the main line run in each mode, and the rest of the core suite in one."""
    modes = modes_of(metafunc.module.__name__.rpartition(".")[2])
    if modes and "mode" in metafunc.fixturenames:
        metafunc.parametrize("mode", modes, ids=str, indirect=True, scope="module")


@pytest.fixture(scope="module")
def mode(request: pytest.FixtureRequest) -> Mode | None:
    """Provide the mode that the operator is installed in; none outside of the core suite."""
    mode: Mode | None = getattr(request, "param", None)
    return mode


@pytest.fixture
def world(
    cluster: Cluster, kube: Kube, simulator: SimulatorProcess, tmp_path: Path, mode: Mode | None
) -> Iterator[World]:
    """Provide a namespace with an account, and no operator yet."""
    world = World(cluster, kube, simulator, tmp_path, mode)
    yield world
    assert [] == world.refused()


@pytest.fixture
def operator(world: World) -> Iterator[OperatorProcess]:
    """Provide a running operator."""
    with world.operator() as operator:
        yield operator


@pytest.fixture(scope="module")
def platform(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Provide an operator that serves every namespace as the chart has it do, for all tests of a file about tenants."""
    with platform_of(cluster, kube, tmp_path_factory.mktemp("platform")) as platform:
        yield platform


@pytest.fixture
def scene(platform: Platform) -> Iterator[Scene]:
    """Provide an account with a victim and an attacker."""
    scene = Scene(platform)
    yield scene
    scene.leave()
