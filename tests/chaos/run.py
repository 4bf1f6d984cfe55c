"""The stage of a run: a cluster, a simulator, a proxy before each, two operators that know the proxies alone."""

import random
from pathlib import Path
from urllib.parse import urlsplit

from anyio.from_thread import start_blocking_portal

from mailtrap_simulator.process import SimulatorProcess
from tests.chaos.chaos import Chaos, Tell
from tests.chaos.failovers import Failovers
from tests.chaos.operators import Operators
from tests.chaos.patience import PatientClient
from tests.chaos.processes import Processes
from tests.chaos.proxy import Proxy
from tests.chaos.report import Report
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.kube import Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import CREDENTIAL, World

_FOREIGN = ("laptop", "other [k8s:otherx-aaaaaaaaaa-bbbbbbbb]", "other [k8s:testaa-aaaaaaaaaa-bbbbbbbb]")
"""Names of tokens that are someone else's, two of them as another cluster's and another object's would be named."""

_HASTY = ("--request-timeout", "1s", "--settle-time", "4s")
"""Many calls count as lost on a busy machine; that is one accident more."""


def run(
    kind: type[Operators | Failovers], strikes: int, seed: str, folder: Path, tell: Tell = print
) -> Report:
    """Run chaos on a cluster of its own; the kind of operators says how they are struck.

    Its files, the operators' logs and what changed remotely stay in `folder`. `tell` is told how the run goes.
    """
    with (
        cluster_with_crds(folder / "cluster") as cluster,
        SimulatorProcess(CREDENTIAL, arguments=("--rate-limit", "5000/10s")) as simulator,
        start_blocking_portal() as portal,
    ):
        proxies = {"Kubernetes": _proxy(cluster.url), "Mailtrap": _proxy(simulator.url)}
        kube = Kube(cluster.kubeconfig, PatientClient)
        world = World(cluster, kube, simulator, folder)
        processes = Processes()
        operators = kind(processes, random.Random(f"{seed}/strikes"))
        chaos = Chaos(world, portal=portal, proxies=proxies, operators=operators, seed=seed, tell=tell)
        with (
            portal.wrap_async_context_manager(proxies["Kubernetes"].open()) as kubernetes,
            portal.wrap_async_context_manager(proxies["Mailtrap"].open()) as mailtrap,
        ):
            base_url = f"http://127.0.0.1:{mailtrap}"
            world.put_account(baseUrl=base_url)
            for name in _FOREIGN:
                world.put_foreign_token(name)
            election = f"--leader-election={str(kind is Failovers).lower()}"
            processes.all += [
                _operator(world, user, kubernetes, base_url, election) for user in ("first", "second")
            ]
            try:
                for process in processes.all:
                    process.start()
                return chaos.run(strikes)
            finally:
                processes.stop()
                kube.close()


def _proxy(url: str) -> Proxy:
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    return Proxy(address.hostname, address.port)


def _operator(world: World, user: str, kubernetes: int, base_url: str, election: str) -> OperatorProcess:
    direct = world.cluster.kubeconfig_for(user, ["system:masters"])
    through_proxy = world.folder / f"{user}.kubeconfig"
    through_proxy.write_text(direct.read_text().replace(world.cluster.url, f"https://127.0.0.1:{kubernetes}"))
    return world.operator(*_HASTY, election, "--allowed-base-urls", base_url, kubeconfig=through_proxy)
